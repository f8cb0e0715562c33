#include "daemon/kernel/bpf-tcx.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of newer <linux/bpf.h>s. */
#define ATTACH_TCX_INGRESS ((enum bpf_attach_type)46)
#define LINK_TYPE_TCX 11
#define ATTACH_BEFORE (1u << 3) /* Without saying before what: before all. */

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

int tcx_query(int ifindex, struct tcx_chain *ret)
{
	struct query query = {
		.ifindex = (uint32_t)ifindex,
		.attach_type = ATTACH_TCX_INGRESS,
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

int tcx_attach_first(int ifindex, int program, int *ret_link)
{
	DECLARE_LIBBPF_OPTS(bpf_link_create_opts, options, .flags = ATTACH_BEFORE);
	int fd = bpf_link_create(program, ifindex, ATTACH_TCX_INGRESS, &options);

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
	uint32_t size = sizeof(info);
	int r = bpf_obj_get_info_by_fd(link, &info, &size);

	if (r < 0)
		return r;
	if (info.type != LINK_TYPE_TCX || info.attach_type != ATTACH_TCX_INGRESS)
		return -EINVAL;
	*ret = (struct tcx_link){
		.id = info.id,
		.program = info.program,
		.ifindex = (int)info.ifindex,
	};
	return 0;
}

/* Asks for a link to a device that cannot be: a kernel that knows TCX looks for the device first.
 */
bool tcx_is_available(int program)
{
	int link, r = tcx_attach_first(INT_MAX, program, &link);

	if (r == 0)
		(void)close(link);
	return r == 0 || r == -ENODEV;
}
