/* Another program of the host that uses TCX: Debian's tools do not know it yet.
 *
 * Usage: tcx before DEVICE ok|next   puts a program before all others and keeps it there until
 * killed tcx detach DEVICE           detaches the link that is first tcx list DEVICE the numbers of
 * the programs, first first */
#include "daemon/kernel/bpf-tcx.h"
#include "lib/base/array.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/pkt_cls.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fail(const char *what, int r)
{
	(void)fprintf(stderr, "tcx: %s: %s\n", what, strerror(-r));
	return EXIT_FAILURE;
}

static int before(int ifindex, const char *action)
{
	struct bpf_insn program[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K,
		  .imm = strcmp(action, "ok") == 0 ? TC_ACT_OK : TC_ACT_UNSPEC },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int link, r,
		fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "stranger", "GPL", program,
				   ARRAY_SIZE(program), NULL);

	if (fd < 0)
		return fail("cannot load a program", fd);
	r = tcx_attach_first(ifindex, BPF_PLACE_INGRESS, fd, &link);
	if (r < 0)
		return fail("cannot attach it", r);
	(void)puts("attached");
	(void)fflush(stdout);
	for (;;)
		(void)pause();
}

static int detach(const struct tcx_chain *chain)
{
	int r, fd = chain->n ? bpf_link_get_fd_by_id(chain->links[0]) : -ENOENT;

	if (fd < 0)
		return fail("cannot open the first link", fd);
	r = bpf_link_detach(fd);
	return r < 0 ? fail("cannot detach it", r) : EXIT_SUCCESS;
}

static int list(const struct tcx_chain *chain)
{
	for (unsigned i = 0; i < chain->n; i++)
		(void)printf("%u\n", chain->programs[i]);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	int ifindex = argc > 2 ? (int)if_nametoindex(argv[2]) : 0;
	struct tcx_chain chain;
	int r;

	if (!ifindex) {
		(void)fprintf(stderr, "usage: tcx before|detach|list DEVICE [ok|next]\n");
		return EXIT_FAILURE;
	}
	r = tcx_query(ifindex, BPF_PLACE_INGRESS, &chain);
	if (r < 0)
		return fail("this kernel has no TCX", r);
	if (strcmp(argv[1], "before") == 0)
		return before(ifindex, argc > 3 ? argv[3] : "ok");
	return strcmp(argv[1], "detach") == 0 ? detach(&chain) : list(&chain);
}
