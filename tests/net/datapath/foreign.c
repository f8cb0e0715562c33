#include "tests/net/datapath/foreign.h"

#include "daemon/kernel/rtnl-message.h"
#include "lib/base/array.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <check.h>
#include <errno.h>
#include <linux/pkt_sched.h>
#include <netlink/attr.h>

int foreign_program(int action)
{
	struct bpf_insn program[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = action },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "foreign", "GPL", program,
			       ARRAY_SIZE(program), NULL);

	ck_assert_int_ge(fd, 0);
	return fd;
}

int foreign_before(int ifindex, enum bpf_place place, int program)
{
	int fd = -1;

	ck_assert_int_eq(tcx_attach_first(ifindex, place, program, &fd), 0);
	return fd;
}

int foreign_filter_add(int ifindex, int program, uint32_t priority, uint32_t handle)
{
	DECLARE_LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS);
	DECLARE_LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = program, .handle = handle,
			    .priority = priority, .flags = BPF_TC_F_REPLACE);
	int r = bpf_tc_hook_create(&hook);

	return r < 0 && r != -EEXIST ? r : bpf_tc_attach(&hook, &options);
}

int foreign_filter_delete(int ifindex, uint32_t priority, uint32_t handle)
{
	DECLARE_LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS);
	DECLARE_LIBBPF_OPTS(bpf_tc_opts, options, .handle = handle, .priority = priority);

	return bpf_tc_detach(&hook, &options);
}

int foreign_clsact_delete(int ifindex)
{
	DECLARE_LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex,
			    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);

	return bpf_tc_hook_destroy(&hook);
}

void foreign_qdisc_replace(struct rtnl *rtnl, int ifindex)
{
	struct tcmsg head = { .tcm_ifindex = ifindex, .tcm_parent = TC_H_ROOT };
	cleanup(nlmsg_freep) struct nl_msg *message =
		nlmsg_alloc_simple(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE);
	struct err e;

	nlmsg_append(message, &head, sizeof(head), NLMSG_ALIGNTO);
	nla_put_string(message, TCA_KIND, "pfifo");
	ck_assert_msg(rtnl_request(rtnl, message, NULL, &e) == 0, "%s", e.text);
}

int foreign_first_link(int ifindex, enum bpf_place place)
{
	struct tcx_chain chain;
	int fd;

	ck_assert_int_eq(tcx_query(ifindex, place, &chain), 0);
	ck_assert_uint_gt(chain.n, 0);
	fd = bpf_link_get_fd_by_id(chain.links[0]);
	ck_assert_int_ge(fd, 0);
	return fd;
}
