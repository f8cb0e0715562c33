#include "daemon/host/session-store.h"

#include "lib/base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define RECORDS 2112 /* 64 teams with 32 members each, and the teams. */
#define MAGIC "yokeses"
#define LAYOUT 1 /* Count it up when a struct here or in lacp_session changes. */

struct copy {
	uint32_t generation;
	uint32_t checksum; /* 0: nothing in it. */
	struct session_data data;
};

struct session {
	struct copy copies[2];
};

struct header {
	char magic[8];
	uint32_t layout;
	uint32_t record_size;
	uint64_t netns;
	char boot_id[40];
	uint32_t n_records;
};

struct file {
	struct header header;
	struct session records[RECORDS];
};

struct session_store {
	struct file *file;
};

static uint32_t checksum(const struct copy *copy)
{
	const uint8_t *bytes = (const uint8_t *)&copy->data;
	uint32_t sum = 0x811c9dc5 ^ copy->generation;

	for (size_t i = 0; i < sizeof(copy->data); i++)
		sum = (sum ^ bytes[i]) * 0x01000193;
	return sum ? sum : 1;
}

static bool header_fits(const struct header *header, const char *boot_id, uint64_t netns)
{
	return memcmp(header->magic, MAGIC, sizeof(header->magic)) == 0 &&
	       header->layout == LAYOUT && header->record_size == sizeof(struct session) &&
	       header->netns == netns && header->n_records <= RECORDS &&
	       strncmp(header->boot_id, boot_id, sizeof(header->boot_id)) == 0;
}

static void start_anew(struct file *file, const char *boot_id, uint64_t netns)
{
	memset(file, 0, sizeof(*file));
	memcpy(file->header.magic, MAGIC, sizeof(file->header.magic));
	file->header.layout = LAYOUT;
	file->header.record_size = sizeof(struct session);
	file->header.netns = netns;
	strncpy(file->header.boot_id, boot_id, sizeof(file->header.boot_id) - 1);
}

int session_store_open(const char *path, const char *boot_id, uint64_t netns,
		       struct session_store **ret, struct err *e)
{
	cleanup(closep) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	cleanup(freep) struct session_store *store = calloc(1, sizeof(*store));
	void *memory;
	int r;

	if (!store)
		return err_set(e, -ENOMEM, "out of memory");
	if (fd < 0)
		return err_errno(e, -errno, "cannot open %s", path);
	/* Space is taken now: a full disk must be an error here, no SIGBUS later. */
	r = posix_fallocate(fd, 0, sizeof(struct file));
	if (r != 0)
		return err_errno(e, -r, "cannot make %s %zu bytes long", path, sizeof(struct file));
	memory = mmap(NULL, sizeof(struct file), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return err_errno(e, -errno, "cannot map %s", path);
	store->file = memory;
	if (!header_fits(&store->file->header, boot_id, netns))
		start_anew(store->file, boot_id, netns);
	*ret = steal_ptr(store);
	return 0;
}

void session_store_close(struct session_store *store)
{
	if (!store)
		return;
	(void)munmap(store->file, sizeof(struct file));
	free(store);
}

/* The copy that was written last and whole, or NULL. */
static const struct copy *newest(const struct session *session)
{
	const struct copy *best = NULL;

	for (int i = 0; i < 2; i++) {
		const struct copy *copy = &session->copies[i];

		if (!copy->checksum || copy->checksum != checksum(copy))
			continue;
		if (!best || (int32_t)(copy->generation - best->generation) > 0)
			best = copy;
	}
	return best;
}

static bool is_of(const struct session *session, const char *team, const char *member)
{
	const struct copy *copy = newest(session);

	return copy && strcmp(copy->data.team, team) == 0 && strcmp(copy->data.member, member) == 0;
}

struct session *session_store_find(struct session_store *store, const char *team,
				   const char *member)
{
	struct header *header = &store->file->header;
	struct session *unused = NULL;
	struct session_data data = {};

	for (uint32_t i = 0; i < header->n_records; i++) {
		struct session *session = &store->file->records[i];

		if (is_of(session, team, member))
			return session;
		if (!unused && !newest(session))
			unused = session;
	}
	if (!unused && header->n_records < RECORDS)
		unused = &store->file->records[header->n_records++];
	if (!unused)
		return NULL;
	strncpy(data.team, team, sizeof(data.team) - 1);
	strncpy(data.member, member, sizeof(data.member) - 1);
	session_save(unused, &data);
	return unused;
}

struct session *session_store_find_device(struct session_store *store, const char *team,
					  int ifindex)
{
	for (uint32_t i = 0; i < store->file->header.n_records; i++) {
		const struct copy *copy = newest(&store->file->records[i]);

		if (copy && copy->data.ifindex == ifindex && strcmp(copy->data.team, team) == 0)
			return &store->file->records[i];
	}
	return NULL;
}

bool session_load(const struct session *session, struct session_data *data)
{
	const struct copy *copy = newest(session);

	if (!copy)
		return false;
	*data = copy->data;
	return true;
}

void session_save(struct session *session, const struct session_data *data)
{
	const struct copy *last = newest(session);
	struct copy *copy = &session->copies[last == &session->copies[0] ? 1 : 0];
	uint32_t generation = last ? last->generation + 1 : 1;

	copy->checksum = 0;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	copy->generation = generation;
	memcpy(&copy->data, data, sizeof(copy->data));
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	copy->checksum = checksum(copy);
}

void session_forget(struct session *session)
{
	memset(session, 0, sizeof(*session));
}
