/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/fault/view.h"

#include "arch/arm64/insn/emulate.h"
#include "arch/arm64/fault/exception.h"
#include "arch/arm64/insn/insn32.h"
#include "arch/arm64/machine.h"
#include "arch/arm64/regs.h"
#include "vmm/base/le.h"

#include <string.h>

#define PSTATE_SP 1u	     /* PSTATE.SP, in AArch64: SP_EL1 rather than SP_EL0 */
#define SCTLR_E0E (1u << 24) /* data of EL0 are big-endian */
#define SCTLR_EE  (1u << 25)
#define TCR2_PIE  (1u << 1)

static uint64_t get(struct view *w, uint64_t id)
{
	uint64_t v = 0;
	int code = kvm_get_reg(w->v->fd, id, &v, NULL);

	if (code && w->code == 0)
		w->code = code;
	return code ? 0 : v;
}

/* A register that older kernels or CPUs do not have. */
static uint64_t get_if_there(struct view *w, uint64_t id)
{
	uint64_t v = 0;

	return kvm_get_reg(w->v->fd, id, &v, NULL) ? 0 : v;
}

void view_open(struct view *w, struct vcpu *v)
{
	*w = (struct view){ .v = v };
	w->pc = get(w, REG_PC);
	w->pstate = get(w, REG_PSTATE);
}

static uint64_t x_id(const struct view *w, unsigned n)
{
	if (view_aarch32(w))
		return REG_X(n < 15 ? insn32_register((uint32_t)w->pstate, n) : 15);
	if (n < 31)
		return REG_X(n);
	return view_privileged(w) && (w->pstate & PSTATE_SP) ? REG_SP_EL1 : REG_SP_EL0;
}

uint64_t view_x(struct view *w, unsigned n)
{
	if (!(w->have & 1u << n)) {
		w->x[n] = get(w, x_id(w, n));
		w->have |= 1u << n;
	}
	return w->x[n];
}

int view_set_x(const struct view *w, unsigned n, uint64_t v)
{
	uint64_t pstate = w->pstate & ~(PSTATE_BTYPE | PSTATE_SS);
	int code = 0;

	if (n < 32)
		return kvm_set_reg(w->v->fd, x_id(w, n), &v, NULL);
	if (view_aarch32(w)) {
		pstate = insn32_advance((uint32_t)w->pstate, (uint32_t)v);
		v &= ~1ULL;
	}
	if (pstate != w->pstate)
		code = kvm_set_reg(w->v->fd, REG_PSTATE, &pstate, NULL);
	return code ? code : kvm_set_reg(w->v->fd, REG_PC, &v, NULL);
}

static const struct mmu_regs *mmu_of(struct view *w)
{
	struct mmu_regs *r = &w->mmu;

	if (w->have_mmu)
		return r;
	w->have_mmu = true;
	*r = (struct mmu_regs){
		.aarch32 = w->v->machine->arch->features.aarch32, /* EL1, whose tables they are */
		.pan = w->pstate & 1u << 22,
		.sctlr = get(w, REG_SCTLR_EL1),
		.tcr = get(w, REG_TCR_EL1),
		.ttbr0 = get(w, REG_TTBR0_EL1),
		.ttbr1 = get(w, REG_TTBR1_EL1),
		.mair = get(w, REG_MAIR_EL1),
	};
	if (r->aarch32) {
		r->dacr = (uint32_t)get(w, REG_DACR32_EL2);
		return r;
	}
	memcpy(r->mmfr, w->v->machine->arch->mmfr, sizeof(r->mmfr));
	if (r->mmfr[3] & 0xf) /* TCRX */
		r->tcr2 = get_if_there(w, REG_TCR2_EL1);
	if (r->tcr2 & TCR2_PIE) {
		r->pir = get_if_there(w, REG_PIR_EL1);
		r->pire0 = get_if_there(w, REG_PIRE0_EL1);
	}
	return r;
}

bool view_big_endian(struct view *w)
{
	if (view_aarch32(w))
		return w->pstate & CPSR_E;
	return mmu_of(w)->sctlr & (view_privileged(w) ? SCTLR_EE : SCTLR_E0E);
}

unsigned view_zva_bytes(void)
{
	uint64_t dczid;

	__asm__("mrs %0, dczid_el0" : "=r"(dczid));
	return 4U << (dczid & 0xf);
}

unsigned view_va_bits(struct view *w, uint64_t va)
{
	return mmu_va_bits(mmu_of(w), va);
}

static bool read_memory(void *ctx, gpa_t at, void *dst, size_t len)
{
	const struct view *w = ctx;

	return gmem_peek(w->v->machine->mem, at, dst, len);
}

void view_walk(struct view *w, uint64_t va, enum fault_access access, struct mmu_walk *out)
{
	const struct mmu_memory m = { read_memory, w, &w->recent };

	mmu_walk(mmu_of(w), &m, va, access, view_privileged(w), out);
}

size_t view_read(struct view *w, uint64_t va, void *dst, size_t len)
{
	const struct mmu_memory m = { read_memory, w, &w->recent };

	return mmu_read_va(mmu_of(w), &m, va, dst, len);
}

/* T32 instructions are one or two halfwords, which may be in two pages. */
static bool read_t32(struct view *w, uint32_t *word)
{
	le16 half;

	if (view_read(w, w->pc, &half, sizeof(half)) != sizeof(half))
		return false;
	*word = le16_get(half);
	if (insn32_length((uint16_t)*word) == 2)
		return true;
	if (view_read(w, w->pc + 2, &half, sizeof(half)) != sizeof(half))
		return false;
	*word = *word << 16 | le16_get(half);
	return true;
}

bool view_insn(struct view *w, uint32_t *word)
{
	le32 raw;

	if (view_aarch32(w) && w->pstate & CPSR_T)
		return read_t32(w, word);
	if (view_read(w, w->pc, &raw, sizeof(raw)) != sizeof(raw))
		return false;
	*word = le32_get(raw); /* instructions are little-endian whatever data are */
	return true;
}

bool view_decode(struct view *w, struct insn *i)
{
	uint32_t word;

	if (!view_insn(w, &word))
		return false;
	if (view_aarch32(w))
		return insn32_decode(word, (uint32_t)w->pstate, i);
	return insn_decode(word, i);
}

int view_skip(const struct view *w, unsigned length)
{
	const bool thumb = view_aarch32(w) && w->pstate & CPSR_T;

	return view_set_x(w, EMULATE_PC, (w->pc + length) | thumb);
}
