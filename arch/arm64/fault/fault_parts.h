/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of fault.h share: fault.c decides, unreachable.c and afterwards.c find out what
 * happened where KVM did not say. All on the vCPU's thread, or with the vCPUs held.
 */
#ifndef VMM_ARCH_ARM64_FAULT_PARTS_H
#define VMM_ARCH_ARM64_FAULT_PARTS_H

#include "arch/arm64/fault/fault.h"
#include "arch/arm64/fault/view.h"
#include "arch/arm64/machine.h"

/* A bad access, as the exit and the instruction tell of it. */
struct bad {
	enum fault_access access;
	enum fault_cause cause;
	unsigned size; /* bytes; 0: unknown */
	bool has_value;
	uint64_t value;
	bool has_ipa;
	uint64_t ipa;
	bool has_va; /* else FAR is as KVM knows it */
	uint64_t va;
	bool walk;	 /* stage 1's walk met it */
	unsigned fsc;	 /* the status code that the guest gets */
	uint32_t flags;	 /* and more of its ISS, beside WnR */
	bool must_abort; /* whatever the policy: there is no other way */
	bool mmio;	 /* KVM completes the access with run->mmio.data */
	bool poisoned;	 /* the host's memory failed at guest physical address poison */
	uint64_t poison; /* the 4 KiB page of it */
};

static inline struct arch_vcpu *fault_cpu(const struct vcpu *v)
{
	return &v->machine->arch->vcpu[v->index];
}

/* Counts @b, reports it if that is wanted, and does what the policy says. */
enum fault_next fault_settle(struct vcpu *v, const struct bad *b, struct err *e) MUST_CHECK;

/* The same; where the address has a value, the instruction is carried out with it. */
enum fault_next fault_settle_and_do(struct vcpu *v, struct bad *b, struct err *e) MUST_CHECK;

/* Goes on behind the instruction of 4 bytes at PC. */
enum fault_next fault_skip(struct vcpu *v, struct err *e) MUST_CHECK;

enum fault_access fault_access_of(const struct insn *i);

/* All facts of @b that @w shows, but what the guest gets. */
void fault_gather(struct fault *f, struct view *w, const struct bad *b);

/*
 * Whether something is wrong with the access to @va, and what: *b. False also when stage 1 refuses
 * it, which is the guest's own matter.
 */
bool fault_wrong_with(struct view *w, uint64_t va, struct bad *b);

/* Whether the hole at @ipa is one that is probed on purpose: no word about it. */
bool fault_is_quiet(const struct vcpu *v, uint64_t ipa);

/*
 * Whether an exception would lead back to where @v is, with nothing changed: then it never ends.
 */
bool fault_locks_up(struct vcpu *v);

/* As struct arch_vcpu has it: 0 is none, and no instruction lies at an odd address. */
static inline uint64_t fault_known_fetch(uint64_t va)
{
	return va | 1;
}

#endif
