#include "daemon/kernel/bpf-filter.h"

#include "bpf/abi.h"
#include "daemon/kernel/rtnl-message.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <netinet/in.h>
#include <netlink/attr.h>
#include <string.h>

#define PROGRAM_PREFIX "yoke_"
#define NAME_SIZE 64

struct filter {
	char name[NAME_SIZE];
	uint32_t program;
};

static bool is_ours(const struct filter *filter)
{
	return strncmp(filter->name, PROGRAM_PREFIX, strlen(PROGRAM_PREFIX)) == 0;
}

static void read_options(struct nlattr *options, struct filter *ret)
{
	struct nlattr *parts[TCA_BPF_MAX + 1] = {};

	if (!options || nla_parse_nested(parts, TCA_BPF_MAX, options, NULL) < 0)
		return;
	if (parts[TCA_BPF_NAME])
		(void)nla_strlcpy(ret->name, parts[TCA_BPF_NAME], sizeof(ret->name));
	if (parts[TCA_BPF_ID])
		ret->program = nla_get_u32(parts[TCA_BPF_ID]);
}

static void begin_state(void *userdata)
{
	struct bpf_filter_state *state = userdata;

	*state = (struct bpf_filter_state){};
}

static void take_in_the_way(struct bpf_filter_state *state, const struct filter *filter)
{
	state->taken = true;
	state->stranger = filter->program;
}

/* Filters come in the order in which they see a frame. */
static void take_filter(void *userdata, struct nlmsghdr *message)
{
	struct bpf_filter_state *state = userdata;
	const struct tcmsg *head = nlmsg_data(message);
	struct nlattr *parts[TCA_MAX + 1] = {};
	struct filter filter = {};
	bool our_priority, our_place, bpf;

	/* A message without a handle announces a priority, not a filter. */
	if (message->nlmsg_type != RTM_NEWTFILTER || head->tcm_handle == 0 ||
	    nlmsg_parse(message, sizeof(*head), parts, TCA_MAX, NULL) < 0)
		return;
	bpf = parts[TCA_KIND] && nla_strcmp(parts[TCA_KIND], "bpf") == 0;
	if (bpf)
		read_options(parts[TCA_OPTIONS], &filter);
	our_priority = TC_H_MAJ(head->tcm_info) >> 16 == ABI_FILTER_PRIORITY;
	our_place = our_priority && head->tcm_handle == ABI_FILTER_HANDLE;
	if (our_place)
		state->program = filter.program;
	if (our_place && bpf && is_ours(&filter)) {
		state->ours = true;
		return;
	}
	state->others = true;
	/* One priority holds filters of one kind and one protocol only. */
	if (our_place || (our_priority && (!state->ours || !bpf)))
		take_in_the_way(state, &filter);
	state->replaced |= our_place && bpf;
}

static int read_filters(struct rtnl *rtnl, const struct tcmsg *head, struct bpf_filter_state *state,
			struct err *e)
{
	const struct rtnl_receiver receiver = { begin_state, take_filter, state };
	cleanup(nlmsg_freep) struct nl_msg *message = nlmsg_alloc_simple(RTM_GETTFILTER, 0);

	if (!message ||
	    nlmsg_append(message, (void *)(uintptr_t)head, sizeof(*head), NLMSG_ALIGNTO) < 0)
		return err_errno(e, -ENOMEM, "cannot list the filters");
	return rtnl_dump(rtnl, message, &receiver, e);
}

static __u32 parent_of(bool egress)
{
	return TC_H_MAKE(TC_H_CLSACT, egress ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS);
}

int bpf_filter_state(struct rtnl *rtnl, struct bpf_filter_at at, struct bpf_filter_state *ret,
		     struct err *e)
{
	struct bpf_filter_state here = {}, there = {};
	struct tcmsg head = {
		.tcm_family = AF_UNSPEC,
		.tcm_ifindex = at.ifindex,
		.tcm_parent = parent_of(at.egress),
	};
	int r = read_filters(rtnl, &head, &here, e);

	head.tcm_parent = parent_of(!at.egress);
	if (r == 0)
		r = read_filters(rtnl, &head, &there, e);
	if (r < 0)
		return err_prefix(e, "cannot list its traffic filters");
	*ret = here;
	ret->others = here.others || there.others || there.ours;
	return 0;
}

/* 1: it was there. */
static int make_clsact(const struct bpf_tc_hook *wanted, struct err *e)
{
	struct bpf_tc_hook hook = *wanted;
	int r = bpf_tc_hook_create(&hook);

	if (r == -EEXIST)
		return 1;
	return r < 0 ? err_errno(e, r, "cannot add the queueing discipline 'clsact' to it") : 0;
}

int bpf_filter_prepare(int ifindex, struct err *e)
{
	DECLARE_LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_EGRESS);
	int r = make_clsact(&hook, e);

	return r < 0 ? r : 0;
}

static enum bpf_tc_attach_point point_of(struct bpf_filter_at at)
{
	return at.egress ? BPF_TC_EGRESS : BPF_TC_INGRESS;
}

int bpf_filter_attach(struct rtnl *rtnl, const struct bpf_filter_wish *wish, bool *keep_clsact,
		      struct err *e)
{
	DECLARE_LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = wish->at.ifindex,
			    .attach_point = point_of(wish->at));
	DECLARE_LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = wish->program,
			    .flags = BPF_TC_F_REPLACE, .handle = ABI_FILTER_HANDLE,
			    .priority = ABI_FILTER_PRIORITY);
	struct bpf_filter_state state;
	int created, r;

	created = make_clsact(&hook, e);
	if (created < 0)
		return created;
	r = bpf_filter_state(rtnl, wish->at, &state, e);
	if (r < 0)
		return r;
	if (state.taken && !state.ours && !(wish->regain && state.replaced))
		return err_set(e, -EBUSY,
			       "another program's traffic filter at its %s has priority %d",
			       wish->at.egress ? "egress" : "ingress", ABI_FILTER_PRIORITY);
	r = bpf_tc_attach(&hook, &options);
	if (r < 0)
		return err_errno(e, r, "cannot attach the program to it");
	if (created == 0)
		*keep_clsact = false;
	return 0;
}

int bpf_filter_detach(struct rtnl *rtnl, struct bpf_filter_at at, bool keep_clsact, struct err *e)
{
	DECLARE_LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = at.ifindex, .attach_point = point_of(at));
	DECLARE_LIBBPF_OPTS(bpf_tc_opts, options, .handle = ABI_FILTER_HANDLE,
			    .priority = ABI_FILTER_PRIORITY);
	struct bpf_filter_state state;
	int r = bpf_filter_state(rtnl, at, &state, e);

	if (r < 0)
		return r;
	if (state.ours) {
		r = bpf_tc_detach(&hook, &options);
		if (r < 0)
			return err_errno(e, r, "cannot take our program from it");
	}
	if (keep_clsact || state.others)
		return 0;
	hook.attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS;
	r = bpf_tc_hook_destroy(&hook);
	return r < 0 && r != -ENOENT
		       ? err_errno(e, r, "cannot take the queueing discipline 'clsact' from it")
		       : 0;
}
