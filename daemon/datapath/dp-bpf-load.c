/* Loading the programs, with the maps that a former daemon pinned, or new ones. */
#include "daemon/datapath/dp-bpf-internal.h"

#include "datapath.skel.h"
#include "lib/base/array.h"
#include "lib/base/log.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

/* 'abi' is pinned last and removed first: where it is, the others are whole. */
static const char *const map_names[] = { "teams",    "members",  "words",        "plans",
					 "counters", "stations", "station_news", "flowlets",
					 "loads",    "abi" };

#define N_MAPS ARRAY_SIZE(map_names)
#define MAP_ABI (N_MAPS - 1)

struct pinned {
	int fds[N_MAPS];
};

static void pinned_fini(struct pinned *pinned)
{
	for (size_t i = 0; i < N_MAPS; i++)
		closep(&pinned->fds[i]);
}

static struct bpf_map *map_of(const struct dp_bpf *dp, size_t i)
{
	return bpf_object__find_map_by_name(dp->skeleton->obj, map_names[i]);
}

static int refuse_version(const struct dp_bpf *dp, uint32_t version, struct err *e)
{
	return err_set(e, -EPROTONOSUPPORT,
		       "the maps below %s are of another version of Yoke (layout %u, this one has "
		       "%d): the teams go on as they are; start that version to manage them or to "
		       "delete them, or reboot",
		       dp->pins.path, version, ABI_VERSION);
}

/* Whether a pinned map has the form that the programs expect. */
static bool has_form(int fd, const struct bpf_map *map)
{
	struct bpf_map_info info = {};
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) == 0 && info.type == bpf_map__type(map) &&
	       info.key_size == bpf_map__key_size(map) &&
	       info.value_size == bpf_map__value_size(map) &&
	       info.max_entries == bpf_map__max_entries(map);
}

static int check_version(const struct dp_bpf *dp, int fd, struct err *e)
{
	struct abi_version version = {};
	uint32_t key = 0;
	int r;

	if (!has_form(fd, map_of(dp, MAP_ABI)))
		return refuse_version(dp, 0, e);
	r = bpf_map_lookup_elem(fd, &key, &version);
	if (r < 0)
		return err_errno(e, r, "cannot read the version of the maps below %s",
				 dp->pins.path);
	return version.version == ABI_VERSION ? 0 : refuse_version(dp, version.version, e);
}

/* Opens what is pinned. 1: all of it; 0: nothing, or a part, which is worth nothing. */
static int open_pinned(const struct dp_bpf *dp, struct pinned *pinned, struct err *e)
{
	int r = bpf_pins_get(&dp->pins, map_names[MAP_ABI], &pinned->fds[MAP_ABI], e);

	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = check_version(dp, pinned->fds[MAP_ABI], e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < MAP_ABI; i++) {
		r = bpf_pins_get(&dp->pins, map_names[i], &pinned->fds[i], e);
		if (r == -ENOENT) {
			log_warning("the pinned map %s/%s is gone: teams lose their members until "
				    "these are added again",
				    dp->pins.path, map_names[i]);
			return 0;
		}
		if (r < 0)
			return r;
		if (!has_form(pinned->fds[i], map_of(dp, i)))
			return refuse_version(dp, 0, e);
	}
	return 1;
}

void dp_unpin(struct dp_bpf *dp)
{
	dp_sense_unpin(dp);
	for (size_t i = N_MAPS; i-- > 0;)
		(void)bpf_pins_remove(&dp->pins, map_names[i], NULL);
	dp->pinned = false;
}

int dp_pin(struct dp_bpf *dp, struct err *e)
{
	if (dp->pinned)
		return 0;
	for (size_t i = 0; i < N_MAPS; i++) {
		int r = bpf_pins_add(&dp->pins, map_names[i], bpf_map__fd(map_of(dp, i)), e);

		if (r < 0) {
			dp_unpin(dp);
			return r;
		}
	}
	if (dp_sense_pin(dp, e) < 0) {
		dp_unpin(dp);
		return e->code;
	}
	dp->pinned = true;
	return 0;
}

/* Has the programs loaded with the maps that are pinned, if they are. */
static int reuse_pinned(struct dp_bpf *dp, struct err *e)
{
	cleanup(pinned_fini) struct pinned pinned;
	int r;

	for (size_t i = 0; i < N_MAPS; i++)
		pinned.fds[i] = -1;
	r = open_pinned(dp, &pinned, e);

	if (r < 0)
		return r;
	if (r == 0) {
		dp_unpin(dp);
		return 0;
	}
	for (size_t i = 0; i < N_MAPS; i++) {
		r = bpf_map__reuse_fd(map_of(dp, i), pinned.fds[i]);
		if (r < 0)
			return err_errno(e, r, "cannot take over the map %s/%s", dp->pins.path,
					 map_names[i]);
	}
	dp->pinned = true;
	return 0;
}

static int load_error(int r, struct err *e)
{
	if (r == -EPERM || r == -EACCES)
		return err_set(e, r,
			       "the kernel does not let us load eBPF programs (%s): it takes "
			       "CAP_BPF and CAP_NET_ADMIN, and no security policy against it",
			       strerror(-r));
	if (r == -ENOSYS)
		return err_set(e, r, "this kernel has no eBPF (CONFIG_BPF_SYSCALL)");
	return err_errno(e, r, "cannot load the datapath's eBPF programs");
}

static int write_version(const struct dp_bpf *dp, struct err *e)
{
	const struct abi_version version = { .version = ABI_VERSION };
	uint32_t key = 0;
	int r = bpf_map_update_elem(dp->maps.abi, &key, &version, BPF_ANY);

	return r < 0 ? err_errno(e, r, "cannot write the version of the maps") : 0;
}

/* NULL: 'e' says why not. */
static void *map_memory(int map, size_t size, struct err *e)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);

	if (memory != MAP_FAILED)
		return memory;
	(void)err_errno(e, -errno, "cannot map the words shared with the programs");
	return NULL;
}

static int map_words(struct dp_bpf *dp, struct err *e)
{
	dp->words = map_memory(dp->maps.words, ABI_TEAMS * sizeof(*dp->words), e);
	if (dp->words)
		dp->loads = map_memory(dp->maps.loads, ABI_TEAMS * sizeof(*dp->loads), e);
	return dp->loads ? 0 : e->code;
}

static const struct bpf_program *program_of(const struct datapath_bpf *skeleton,
					    enum dp_program_id id)
{
	switch (id) {
	case DP_PROGRAM_RX:
		return skeleton->progs.yoke_rx;
	case DP_PROGRAM_TX:
		return skeleton->progs.yoke_tx;
	case DP_PROGRAM_RX_FULL:
		return skeleton->progs.yoke_rx_full;
	case DP_PROGRAM_TX_FULL:
		return skeleton->progs.yoke_tx_full;
	case DP_PROGRAMS:
		break;
	}
	return NULL;
}

enum dp_program_id dp_program_of(uint32_t rules, bool sends)
{
	/* Direct transmission is no rule that a program follows; and receiving differs only where
	 * the switch knows nothing, and in the kernel's own teams. */
	uint32_t full = sends ? ~(uint32_t)ABI_RULE_DIRECT
			      : (uint32_t)(ABI_RULE_INDEPENDENT | ABI_RULE_STEERED);

	if (sends)
		return rules & full ? DP_PROGRAM_TX_FULL : DP_PROGRAM_TX;
	return rules & full ? DP_PROGRAM_RX_FULL : DP_PROGRAM_RX;
}

static void take_fds(struct dp_bpf *dp)
{
	const struct datapath_bpf *skeleton = dp->skeleton;

	dp->maps = (struct dp_maps){
		.abi = bpf_map__fd(skeleton->maps.abi),
		.teams = bpf_map__fd(skeleton->maps.teams),
		.members = bpf_map__fd(skeleton->maps.members),
		.words = bpf_map__fd(skeleton->maps.words),
		.plans = bpf_map__fd(skeleton->maps.plans),
		.counters = bpf_map__fd(skeleton->maps.counters),
		.stations = bpf_map__fd(skeleton->maps.stations),
		.station_news = bpf_map__fd(skeleton->maps.station_news),
		.flowlets = bpf_map__fd(skeleton->maps.flowlets),
		.loads = bpf_map__fd(skeleton->maps.loads),
	};
	dp->programs[DP_PROGRAM_RX] = bpf_program__fd(skeleton->progs.yoke_rx);
	dp->programs[DP_PROGRAM_TX] = bpf_program__fd(skeleton->progs.yoke_tx);
}

/* The library tells its trouble on standard error otherwise; the sentences are ours. */
[[gnu::format(printf, 2, 0)]] static int log_library(enum libbpf_print_level level,
						     const char *format, va_list args)
{
	char text[256];
	int n;

	if (level == LIBBPF_DEBUG)
		return 0;
	n = vsnprintf(text, sizeof(text), format, args);
	text[strcspn(text, "\n")] = '\0';
	log_debug("%s", text);
	return n;
}

int dp_program(struct dp_bpf *dp, enum dp_program_id id, int *ret, struct err *e)
{
	int r = dp_copy_program(dp, id, &dp->programs[id], e);

	if (r == 0)
		*ret = dp->programs[id];
	return r;
}

static void skeleton_drop(struct datapath_bpf **skeleton)
{
	if (*skeleton)
		datapath_bpf__destroy(*skeleton);
}

/* Has the object loaded with our maps, and with that one program. */
static int prepare_copy(const struct dp_bpf *dp, struct datapath_bpf *copy, enum dp_program_id id)
{
	struct bpf_program *program;
	struct bpf_map *map;

	bpf_object__for_each_program(program, copy->obj)(void)
		bpf_program__set_autoload(program, program == program_of(copy, id));
	bpf_object__for_each_map(map, copy->obj)
	{
		const struct bpf_map *ours =
			bpf_object__find_map_by_name(dp->skeleton->obj, bpf_map__name(map));
		int r = bpf_map__reuse_fd(map, bpf_map__fd(ours));

		if (r < 0)
			return r;
	}
	return datapath_bpf__load(copy);
}

int dp_copy_program(struct dp_bpf *dp, enum dp_program_id id, int *copy, struct err *e)
{
	cleanup(skeleton_drop) struct datapath_bpf *skeleton = NULL;
	int r;

	if (*copy >= 0)
		return 0;
	skeleton = datapath_bpf__open();
	r = skeleton ? prepare_copy(dp, skeleton, id) : -ENOMEM;
	if (r < 0)
		return err_errno(e, r, "cannot load the program %s",
				 skeleton ? bpf_program__name(program_of(skeleton, id)) : "");
	r = fcntl(bpf_program__fd(program_of(skeleton, id)), F_DUPFD_CLOEXEC, 0);
	if (r < 0)
		return err_errno(e, -errno, "cannot keep a program");
	*copy = r;
	return 0;
}

int dp_load(struct dp_bpf *dp, struct err *e)
{
	int n, r;

	(void)libbpf_set_print(log_library);
	n = libbpf_num_possible_cpus();
	if (n < 0)
		return err_errno(e, n, "cannot tell how many processors there may be");
	dp->n_processors = (unsigned)n;
	dp->of_processors = calloc(dp->n_processors, sizeof(*dp->of_processors));
	dp->skeleton = datapath_bpf__open();
	if (!dp->of_processors || !dp->skeleton)
		return err_errno(e, -ENOMEM, "cannot prepare the datapath's eBPF programs");
	r = reuse_pinned(dp, e);
	if (r < 0)
		return r;
	/* They are loaded when the first team has rules. */
	(void)bpf_program__set_autoload(dp->skeleton->progs.yoke_rx_full, false);
	(void)bpf_program__set_autoload(dp->skeleton->progs.yoke_tx_full, false);
	r = datapath_bpf__load(dp->skeleton);
	if (r < 0)
		return load_error(r, e);
	take_fds(dp);
	r = map_words(dp, e);
	return r < 0 || dp->pinned ? r : write_version(dp, e);
}

void dp_unload(struct dp_bpf *dp)
{
	if (dp->words)
		(void)munmap(dp->words, ABI_TEAMS * sizeof(*dp->words));
	if (dp->loads)
		(void)munmap(dp->loads, ABI_TEAMS * sizeof(*dp->loads));
	dp_stations_close(dp);
	closep(&dp->programs[DP_PROGRAM_RX_FULL]);
	closep(&dp->programs[DP_PROGRAM_TX_FULL]);
	dp_sense_close(dp);
	dp_watch_close(dp);
	datapath_bpf__destroy(dp->skeleton);
	free(dp->of_processors);
	rtnl_close(dp->rtnl);
	bpf_pins_close(&dp->pins);
	dp_news_close(dp);
}
