/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view: a vCPU that is out of KVM_RUN, as its own program sees it: registers, translation, memory.
 * A register costs a system call, so each is read when it is first asked for, and kept; so are the
 * last walks of its tables. What was kept is good until the vCPU goes on.
 *
 * On the vCPU's own thread, or with the vCPUs held. Errors of the host stick: they read as zeroes,
 * and view->code says the first one.
 */
#ifndef VMM_ARCH_ARM64_VIEW_H
#define VMM_ARCH_ARM64_VIEW_H

#include "arch/arm64/insn/insn.h"
#include "arch/arm64/mmu/mmu.h"
#include "vmm/vcpu.h"

struct view {
	struct vcpu *v; /* borrowed */
	int code;	/* 0, or -errno of the first register that the host did not give */
	uint64_t pc, pstate;

	uint64_t x[32]; /* 31: the stack pointer of the current exception level */
	uint32_t have;	/* which of x are read */
	struct mmu_regs mmu;
	bool have_mmu;
	struct mmu_recent recent;
};

/* Reads PC and PSTATE. */
void view_open(struct view *w, struct vcpu *v);

/* X0 to X30, or with 31 the stack pointer; in AArch32 R0 to R14 of the current mode. */
uint64_t view_x(struct view *w, unsigned n);

/*
 * Sets what view_x() reads, or as 32 PC: the vCPU goes on there as after an instruction, with
 * PSTATE.BTYPE and PSTATE.SS clear. In AArch32 bit 0 of PC says T32, and PSTATE.IT moves on. 0 or
 * -errno.
 */
int view_set_x(const struct view *w, unsigned n, uint64_t v) MUST_CHECK;

static inline bool view_aarch32(const struct view *w)
{
	return w->pstate & 0x10; /* PSTATE.nRW */
}

static inline bool view_privileged(const struct view *w)
{
	return w->pstate & 0xf; /* EL1, or a mode of AArch32 but User */
}

/* Data are big-endian at the current exception level. */
bool view_big_endian(struct view *w);

/* Bytes of a block of DC ZVA: guests have the host's. */
unsigned view_zva_bytes(void);

/* As mmu_va_bits(). */
unsigned view_va_bits(struct view *w, uint64_t va);

/* What stage 1 makes of @va. */
void view_walk(struct view *w, uint64_t va, enum fault_access access, struct mmu_walk *out);

/* Reads as mmu_read_va(). */
size_t view_read(struct view *w, uint64_t va, void *dst, size_t len);

/* The instruction at PC, as insn_decode() or insn32_decode() want it; false if it is no memory. */
bool view_insn(struct view *w, uint32_t *word);

/* The same, taken apart; false also for what accesses no memory. */
bool view_decode(struct view *w, struct insn *i);

/* Goes on @length bytes behind PC, as view_set_x() does. */
int view_skip(const struct view *w, unsigned length) MUST_CHECK;

#endif
