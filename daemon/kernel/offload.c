#include "daemon/kernel/offload.h"

#include "lib/base/cleanup.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define BLOCK_BITS 32
#define MAX_BLOCKS 8 /* 256 offloads; Linux 6.12 has 65. */

struct question {
	int fd;
	struct ifreq request;
};

/* The kernel's structs end in arrays, for which the unions make room. */
union offload_count {
	struct ethtool_sset_info info;
	uint32_t room[sizeof(struct ethtool_sset_info) / sizeof(uint32_t) + 1];
};

union offload_get {
	struct ethtool_gfeatures head;
	uint32_t room[(sizeof(struct ethtool_gfeatures) +
		       MAX_BLOCKS * sizeof(struct ethtool_get_features_block)) /
		      sizeof(uint32_t)];
};

union offload_set {
	struct ethtool_sfeatures head;
	uint32_t room[(sizeof(struct ethtool_sfeatures) +
		       MAX_BLOCKS * sizeof(struct ethtool_set_features_block)) /
		      sizeof(uint32_t)];
};

/* Where in the bitmaps an offload is, and what they say of it. */
struct offload_place {
	uint32_t n_blocks; /* As many as the kernel wants to get back. */
	uint32_t block;
	uint32_t bit;
	bool on;
	bool changeable;
};

static int ask(struct question *question, void *command)
{
	question->request.ifr_data = command;
	return ioctl(question->fd, SIOCETHTOOL, &question->request) < 0 ? -errno : 0;
}

static int count_offloads(struct question *question, uint32_t *ret)
{
	union offload_count count = {
		.info = { .cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ull << ETH_SS_FEATURES },
	};
	int r = ask(question, &count.info);

	if (r < 0)
		return r;
	*ret = count.info.sset_mask ? count.info.data[0] : 0;
	return 0;
}

/* The number of 'offload' among 'n', or n. */
static int find_offload(struct question *question, const char *offload, uint32_t n, uint32_t *ret)
{
	cleanup(freep) struct ethtool_gstrings *names =
		calloc(1, sizeof(*names) + (size_t)n * ETH_GSTRING_LEN);
	uint32_t i;
	int r;

	if (!names)
		return -ENOMEM;
	names->cmd = ETHTOOL_GSTRINGS;
	names->string_set = ETH_SS_FEATURES;
	names->len = n;
	r = ask(question, names);
	if (r < 0)
		return r;
	for (i = 0; i < names->len && i < n; i++)
		if (strncmp((const char *)names->data + (size_t)i * ETH_GSTRING_LEN, offload,
			    ETH_GSTRING_LEN) == 0)
			break;
	*ret = i < names->len ? i : n;
	return 0;
}

/* *ret_number becomes -1 where the device has no such offload. */
static int open_question(struct question *question, const char *device, const char *offload,
			 int *ret_number)
{
	uint32_t n, number;
	int r;

	(void)strncpy(question->request.ifr_name, device, IFNAMSIZ - 1);
	r = count_offloads(question, &n);
	if (r == 0)
		r = find_offload(question, offload, n, &number);
	if (r < 0 && r != -EOPNOTSUPP)
		return r;
	*ret_number = r == 0 && number < n && number < MAX_BLOCKS * BLOCK_BITS ? (int)number : -1;
	return 0;
}

static int read_offload(struct question *question, const char *device, const char *offload,
			struct offload_place *place)
{
	union offload_get get = { .head = { .cmd = ETHTOOL_GFEATURES, .size = MAX_BLOCKS } };
	int number, r = open_question(question, device, offload, &number);

	if (r < 0)
		return r;
	if (number < 0)
		return 0;
	r = ask(question, &get);
	if (r < 0)
		return r;
	place->n_blocks = get.head.size;
	place->block = (uint32_t)number / BLOCK_BITS;
	place->bit = 1u << (uint32_t)number % BLOCK_BITS;
	place->on = get.head.features[place->block].active & place->bit;
	place->changeable = get.head.features[place->block].available & place->bit &&
			    !(get.head.features[place->block].never_changed & place->bit);
	return 0;
}

int offload_get(const char *device, const char *offload, bool *ret, struct err *e)
{
	cleanup(closep) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct question question = { .fd = fd };
	struct offload_place place = {};
	int r = fd < 0 ? -errno : read_offload(&question, device, offload, &place);

	if (r < 0)
		return err_errno(e, r, "cannot read whether '%s' is on", offload);
	*ret = place.on;
	return 0;
}

int offload_set(const char *device, const char *offload, bool on, struct err *e)
{
	cleanup(closep) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct question question = { .fd = fd };
	union offload_set set = { .head = { .cmd = ETHTOOL_SFEATURES } };
	struct offload_place place = {};
	int r = fd < 0 ? -errno : read_offload(&question, device, offload, &place);

	if (r == 0 && place.on != on && place.changeable && place.n_blocks <= MAX_BLOCKS) {
		set.head.size = place.n_blocks;
		set.head.features[place.block].valid = place.bit;
		set.head.features[place.block].requested = on ? place.bit : 0;
		r = ask(&question, &set);
	}
	return r < 0 ? err_errno(e, r, "cannot switch '%s' %s", offload, on ? "on" : "off") : 0;
}
