#include "daemon/kernel/bpf-tcx.h"

#include "lib/base/array.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of newer <linux/bpf.h>s. */
#define LINK_TYPE_TCX 11
#define LINK_TYPE_NETKIT 13
#define ATTACH_BEFORE (1u << 3) /* Without saying before what: before all. */

static const struct {
	enum bpf_attach_type attach;
	uint32_t link;
} places[] = {
	[BPF_PLACE_INGRESS] = { (enum bpf_attach_type)46, LINK_TYPE_TCX },
	[BPF_PLACE_EGRESS] = { (enum bpf_attach_type)47, LINK_TYPE_TCX },
	[BPF_PLACE_NETKIT] = { (enum bpf_attach_type)54, LINK_TYPE_NETKIT },
};

/* BPF_PROG_QUERY as it is since Linux 6.6. */
struct query {
	uint32_t ifindex;
	uint32_t attach_type;
	uint32_t query_flags;
	uint32_t attach_flags;
	uint64_t programs;
	uint32_t n;
	uint32_t reserved;
	uint64_t program_flags;
	uint64_t links;
	uint64_t link_flags;
	uint64_t revision;
};

/* struct bpf_link_info, likewise. */
struct link_info {
	uint32_t type;
	uint32_t id;
	uint32_t program;
	uint32_t reserved;
	uint32_t ifindex;
	uint32_t attach_type;
};

int tcx_query(int ifindex, enum bpf_place place, struct tcx_chain *ret)
{
	struct query query = {
		.ifindex = (uint32_t)ifindex,
		.attach_type = places[place].attach,
		.programs = (uintptr_t)ret->programs,
		.n = TCX_PROGRAMS,
		.links = (uintptr_t)ret->links,
	};

	ret->n = 0;
	if (syscall(SYS_bpf, BPF_PROG_QUERY, &query, sizeof(query)) < 0)
		return -errno;
	ret->n = query.n;
	return 0;
}

int tcx_attach_first(int ifindex, enum bpf_place place, int program, int *ret_link)
{
	DECLARE_LIBBPF_OPTS(bpf_link_create_opts, options, .flags = ATTACH_BEFORE);
	int fd = bpf_link_create(program, ifindex, places[place].attach, &options);

	if (fd < 0)
		return fd;
	*ret_link = fd;
	return 0;
}

int tcx_update(int link, int program)
{
	return bpf_link_update(link, program, NULL);
}

int tcx_link_read(int link, struct tcx_link *ret)
{
	struct link_info info = {};
	uint32_t size = sizeof(info), place = 0;
	int r = bpf_obj_get_info_by_fd(link, &info, &size);

	if (r < 0)
		return r;
	while (place < ARRAY_SIZE(places) && (places[place].link != info.type ||
					      (uint32_t)places[place].attach != info.attach_type))
		place++;
	if (place == ARRAY_SIZE(places))
		return -EINVAL;
	*ret = (struct tcx_link){
		.place = (enum bpf_place)place,
		.id = info.id,
		.program = info.program,
		.ifindex = (int)info.ifindex,
	};
	return 0;
}

/* Asks for a link to a device that cannot be: a kernel that knows the place looks for the device
 * first. */
bool tcx_is_available(enum bpf_place place, int program)
{
	int link, r = tcx_attach_first(INT_MAX, place, program, &link);

	if (r == 0)
		(void)close(link);
	return r == 0 || r == -ENODEV;
}
