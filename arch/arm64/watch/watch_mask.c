/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/watch/watch_mask.h"

#include "arch/arm64/insn/emulate.h"
#include "arch/arm64/fault/exception.h"
#include "arch/arm64/machine.h"
#include "arch/arm64/regs.h"

#include <errno.h>
#include <sys/ioctl.h>

#define PSTATE_IF (3ULL << 6)

#define VECTORS_SIZE 0x800
#define VECTOR_SIZE  0x80

/* --- instructions (Arm ARM, C4.1: branches, exception generating and system instructions) ----- */

/* MRS Xt, DAIF; MSR DAIF, Xt; MSR DAIFSet and DAIFClr, #imm. */
static bool is_mrs_daif(uint32_t word)
{
	return (word & 0xffffffe0) == 0xd53b4220;
}

static bool is_msr_daif(uint32_t word)
{
	return (word & 0xffffffe0) == 0xd51b4220;
}

static bool is_daifset(uint32_t word)
{
	return (word & 0xfffff0ff) == 0xd50340df;
}

static bool is_daifclr(uint32_t word)
{
	return (word & 0xfffff0ff) == 0xd50340ff;
}

static bool is_daif(uint32_t word)
{
	return is_mrs_daif(word) || is_msr_daif(word) || is_daifset(word) || is_daifclr(word);
}

/* WFE, WFI, WFET, WFIT: they may end at any time. */
static bool waits(uint32_t word)
{
	return word == 0xd503205f || word == 0xd503207f || (word & 0xffffffc0) == 0xd5031000;
}

static bool is_clrex(uint32_t word)
{
	return (word & 0xfffff0ff) == 0xd503305f;
}

/* ERET, ERETAA, ERETAB. */
static bool is_eret(uint32_t word)
{
	return word == 0xd69f03e0 || (word & 0xfffffbff) == 0xd69f0bff;
}

static bool makes_exception(uint32_t word)
{
	return (word & 0xff000000) == 0xd4000000;
}

bool stepper_ends_pair(uint32_t word)
{
	return is_daif(word) || waits(word) || is_clrex(word) || is_eret(word) ||
	       makes_exception(word);
}

/* --- the mask --------------------------------------------------------------------------------- */

static int set_stepping(const struct vcpu *v, bool on, struct err *e)
{
	const struct kvm_guest_debug d = {
		.control = on ? KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP : 0,
	};

	if (ioctl(v->fd, KVM_SET_GUEST_DEBUG, &d) < 0)
		return err_sys(e, "vCPU %u: KVM_SET_GUEST_DEBUG", v->index);
	return 0;
}

int stepper_begin(struct stepper *s, struct vcpu *v, struct err *e)
{
	uint64_t pstate;
	int code = kvm_get_reg(v->fd, REG_PSTATE, &pstate, e);

	if (code)
		return code;
	*s = (struct stepper){ .v = v, .guest = pstate & PSTATE_IF };
	pstate |= PSTATE_IF;
	code = kvm_set_reg(v->fd, REG_PSTATE, &pstate, e);
	return code ? code : set_stepping(v, true, e);
}

int stepper_end(struct stepper *s, struct err *e)
{
	uint64_t pstate;
	int code = set_stepping(s->v, false, e);

	if (code || s->guest == PSTATE_IF)
		return code;
	code = kvm_get_reg(s->v->fd, REG_PSTATE, &pstate, e);
	if (code)
		return code;
	pstate = (pstate & ~PSTATE_IF) | s->guest;
	return kvm_set_reg(s->v->fd, REG_PSTATE, &pstate, e);
}

/* What is in PSTATE now is the guest's own. */
static void mask_is_gone(struct stepper *s)
{
	s->guest = PSTATE_IF;
}

/*
 * Whether the instruction at @from took an exception; then the guest finds no trace of us in SPSR.
 * One that follows the instruction (an SError) is as good as one after the step.
 */
static bool took_exception(struct stepper *s, uint64_t from, struct err *e, int *code)
{
	const int fd = s->v->fd;
	uint64_t pc, vbar, elr, spsr;

	*code = kvm_get_reg(fd, REG_PC, &pc, e);
	if (*code || pc == from + 4)
		return false;
	*code = kvm_get_reg(fd, REG_VBAR_EL1, &vbar, e);
	if (*code || pc - vbar >= VECTORS_SIZE || pc % VECTOR_SIZE)
		return false;
	*code = kvm_get_reg(fd, REG_ELR_EL1, &elr, e);
	if (*code || (elr != from && elr != from + 4))
		return false;
	*code = kvm_get_reg(fd, REG_SPSR_EL1, &spsr, e);
	spsr = (spsr & ~(PSTATE_IF | PSTATE_SS)) | s->guest;
	if (*code == 0)
		*code = kvm_set_reg(fd, REG_SPSR_EL1, &spsr, e);
	mask_is_gone(s);
	return true;
}

/* --- a step ----------------------------------------------------------------------------------- */

static uint64_t daif_after(struct stepper *s, struct view *w, uint32_t word)
{
	const uint64_t daif = (w->pstate & PSTATE_DAIF & ~PSTATE_IF) | s->guest;
	const uint64_t imm = (uint64_t)(word >> 8 & 0xf) << 6;

	if (is_daifset(word))
		return daif | imm;
	if (is_daifclr(word))
		return daif & ~imm;
	if (is_msr_daif(word))
		return (word & 31) == 31 ? 0 : view_x(w, word & 31) & PSTATE_DAIF;
	return daif;
}

/* Instructions on PSTATE.DAIF, at EL1, and those that wait. */
static enum step by_hand(struct stepper *s, struct view *w, uint32_t word, struct err *e)
{
	int code = 0;

	if (is_daif(word)) {
		const uint64_t daif = daif_after(s, w, word);

		if (is_mrs_daif(word) && (word & 31) != 31)
			code = view_set_x(w, word & 31, daif);
		s->guest = daif & PSTATE_IF;
		w->pstate = (w->pstate & ~PSTATE_DAIF) | daif | PSTATE_IF;
		if (code == 0)
			code = kvm_set_reg(s->v->fd, REG_PSTATE, &w->pstate, NULL);
	}
	if (code == 0 && w->code == 0)
		code = view_set_x(w, EMULATE_PC, w->pc + 4);
	if (code == 0 && w->code == 0)
		return STEP_DONE;
	(void)err_code(e, w->code ? -w->code : -code, "vCPU %u: registers", s->v->index);
	return STEP_BROKEN;
}

enum step stepper_step(struct stepper *s, struct view *w, uint32_t word, struct err *e)
{
	struct vcpu *v = s->v;
	int code = 0;

	if (view_aarch32(w))
		word = 0; /* EL0's: what it does about PSTATE is none of ours */
	/* At EL0 they are EL1's matter, if it does not let them be. */
	if (waits(word) || (is_daif(word) && view_privileged(w)))
		return by_hand(s, w, word, e);
	if (ioctl(v->fd, KVM_RUN, 0) < 0)
		return errno == EFAULT ? STEP_REFUSED : STEP_NOT_NOW;
	if (v->run->exit_reason != KVM_EXIT_DEBUG)
		return STEP_EXIT;
	if (took_exception(s, w->pc, e, &code))
		return code ? STEP_BROKEN : STEP_EXCEPTION;
	if (is_eret(word))
		mask_is_gone(s);
	return code ? STEP_BROKEN : STEP_DONE;
}
