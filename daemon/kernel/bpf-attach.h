/* Our programs at the ingress or egress of a device: by TCX where the kernel has it, else in
 * clsact, never both for longer than it takes to change from one to the other; and at a netkit's
 * primary device. But in clsact a link is pinned for each place; it is the first there, so that
 * nothing comes between the wire and us. For the worker. */
#pragma once

#include "daemon/kernel/bpf-pin.h"
#include "daemon/kernel/bpf-tcx.h"
#include "daemon/kernel/rtnl.h"

#include <stdbool.h>
#include <stdint.h>

struct bpf_attacher {
	struct rtnl *rtnl;
	const struct bpf_pins *pins;
	bool tcx;
};

struct bpf_attachment {
	int ifindex;
	enum bpf_place place;
	uint32_t link;    /* The numbers of the link, 0 with clsact, … */
	uint32_t program; /* … and of the program. */
	bool keep_clsact; /* A clsact is not taken away with the program: somebody else's. */
};

/* Attaches the program at attachment->ifindex, or puts it where ours is, without losing a frame or
 * handling one twice, whichever way that one was attached, and moves it to the first place. Sets
 * the rest of 'attachment'; keep_clsact becomes false if it made one. 'regain': ours was there and
 * was replaced. -EBUSY if somebody else's filter is in the way; -EEXIST if 'program' itself has
 * to be moved, which only another copy of it can do. */
int bpf_attach(const struct bpf_attacher *attacher, struct bpf_attachment *attachment, int program,
	       bool regain, struct err *e);

/* Takes ours away, however it is attached, and leaves everybody else's. */
int bpf_detach(const struct bpf_attacher *attacher, const struct bpf_attachment *attachment,
	       struct err *e);

/* For a device that is gone, or not the one that it was taken for: lets go of the links alone, at
 * all places. */
void bpf_attach_forget(const struct bpf_attacher *attacher, int ifindex);

/* A device that is not up yet is made ready for a program at its egress later, without a pause in
 * which it does not send. */
int bpf_attach_prepare(const struct bpf_attacher *attacher, int ifindex, struct err *e);

enum bpf_attach_state {
	BPF_ATTACH_FINE,
	BPF_ATTACH_GONE,
	BPF_ATTACH_REPLACED, /* Somebody else's program has our place. */
	BPF_ATTACH_BEHIND,   /* Somebody else's sees the frames before ours. */
};

/* How it is with what bpf_attach() attached. *ret_stranger: the number of somebody else's program
 * that disturbs, where it has one, else 0. One system call under TCX. -ENODEV where the device is
 * gone. */
int bpf_attach_check(const struct bpf_attacher *attacher, const struct bpf_attachment *attachment,
		     enum bpf_attach_state *ret, uint32_t *ret_stranger, struct err *e);

/* Whether one of ours is at the device's ingress, however it is attached. */
bool bpf_attached(const struct bpf_attacher *attacher, int ifindex);

/* Whether others' programs or filters are at the device. */
bool bpf_attach_has_others(const struct bpf_attacher *attacher, int ifindex);

/* Lets go of links to devices that are gone, and of those that 'wanted' does not want; ends what a
 * killed daemon had begun. */
typedef bool bpf_attach_wanted(void *userdata, int ifindex, enum bpf_place place);
void bpf_attach_tidy(const struct bpf_attacher *attacher, bpf_attach_wanted *wanted,
		     void *userdata);
