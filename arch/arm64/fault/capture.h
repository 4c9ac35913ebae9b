/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture: gathers the facts of a bad access (vmm/fault.h) from a vCPU that stands at it. Reads
 * only. The parts are independent, and each finds what it can.
 */
#ifndef VMM_ARCH_ARM64_CAPTURE_H
#define VMM_ARCH_ARM64_CAPTURE_H

#include "arch/arm64/insn/emulate.h"
#include "arch/arm64/fault/view.h"
#include "vmm/fault.h"

/* For emulate_address(), with a struct view as its ctx: registers, and nothing else. */
extern const struct emulate_ops capture_address_ops;

/* State, exception level, the instruction. vcpu and pc are the caller's to set. */
void capture_cpu(struct fault *f, struct view *w);

/*
 * The virtual address of a data access, from the instruction: of the first byte of it that stage 1
 * translates to @ipa, or that it does not translate at all. Leaves it unknown when there is none.
 */
void capture_address(struct fault *f, struct view *w, uint64_t ipa);

/* Stage 1's walk for f->va, in words. */
void capture_walk(struct fault *f, struct view *w);

/* Where the kernel's vectors are. */
void capture_vectors(struct fault *f, struct view *w);

/* What lies at f->ipa and beside it. */
void capture_place(struct fault *f, const struct machine *m);

/* Who called, and the exits before the last. */
void capture_history(struct fault *f, struct view *w);

/*
 * What the guest got, after inject.h: ESR, FAR and vector in words. @w was opened before. FAR says
 * what f->va is, or confirms it.
 */
int capture_exception(struct fault *f, struct view *w, struct err *e) MUST_CHECK;

#endif
