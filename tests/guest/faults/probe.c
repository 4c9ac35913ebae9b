/* SPDX-License-Identifier: Apache-2.0 */
/* Runs one instruction, and compares what came of it with what must be. */
#include "faults.h"

#define ESR_IL	   (1ULL << 25)
#define ESR_WNR	   (1ULL << 6)
#define EC_FETCH   0x20 /* from EL0; one more from EL1 */
#define EC_DATA	   0x24
#define EC_BRK	   0x3c
#define PSTATE_M   0xf
#define SVE_LENGTH 0 /* ZCR_EL1.LEN: 16 bytes */

extern char stubs[];

uint64_t faults_expected, esr_ones;

static const char *const x_names[31] = {
	"x0",  "x1",  "x2",  "x3",  "x4",  "x5",  "x6",	 "x7",	"x8",  "x9",  "x10",
	"x11", "x12", "x13", "x14", "x15", "x16", "x17", "x18", "x19", "x20", "x21",
	"x22", "x23", "x24", "x25", "x26", "x27", "x28", "x29", "x30",
};
static const char *const v_names[8] = { "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7" };

static const struct state on_ram = { "RAM", IDENTITY, NORMAL, EL1H };

static uint32_t cpu_has(void)
{
	static uint32_t has;
	uint64_t isar0 = id_register(id_aa64isar0_el1), isar1 = id_register(id_aa64isar1_el1);

	if (has)
		return has;
	has = 0x80000000;
	if (field(isar0, 20) >= 2)
		has |= NEEDS_LSE;
	if (field(isar1, 20) >= 1)
		has |= NEEDS_RCPC;
	if (field(isar1, 20) >= 2)
		has |= NEEDS_RCPC2;
	if (field(isar1, 4) || field(isar1, 8))
		has |= NEEDS_PAUTH;
	if (field(id_register(id_aa64pfr0_el1), 32)) {
		has |= NEEDS_SVE;
		set_register(s3_0_c1_c2_0, SVE_LENGTH); /* ZCR_EL1 */
	}
	return has;
}

bool possible(const struct row *r, const struct state *s)
{
	if (r->flags & NEEDS_MASK & ~cpu_has())
		return false;
	if (r->flags & EL1_ONLY && s->mode == EL0T)
		return false;
	/* Where VA = IPA, EL0 has no rights. */
	if (r->flags & UNPRIVILEGED && s->view == IDENTITY)
		return false;
	return true;
}

void prepare(struct cpu *in, const struct state *s, uint64_t pc)
{
	for (uint64_t i = 0; i < 31; i++)
		in->x[i] = 0x5a00000000000000 | i << 40 | i << 16 | (0x81 + i);
	in->x[4] = 0x20;
	in->x[5] = 0xdeadbeefffffffe0;
	in->x[6] = 0xdeadbeef00000020;
	for (uint64_t i = 0; i < 8; i++) {
		in->v[i][0] = 0xa600000000000071 + (i << 32) + i;
		in->v[i][1] = 0x9700000000000053 + (i << 32) + 0x10 + i;
	}
	in->sp0 = 0x5a5a5a5a5a5a0010;
	in->sp1 = 0x6b6b6b6b6b6b0020;
	in->pc = pc;
	in->pstate = PSTATE_FLAGS | PSTATE_MASKED | s->mode;
}

uint64_t code_of(const struct row *r, const struct state *s)
{
	if (s->mode != EL0T)
		return r->code;
	return (s->view == HIGH ? WINDOW1 : WINDOW0) + STUBS_AT + (r->code - (uint64_t)stubs);
}

static uint64_t *base_of(const struct row *r, struct cpu *c)
{
	if (!(r->flags & SP_BASE))
		return &c->x[1];
	return (c->pstate & PSTATE_M) == EL1H ? &c->sp1 : &c->sp0;
}

void go(const struct cpu *in, struct cpu *out)
{
	run(in, out);
	if (out->esr >> 32 == 0xffffffff) {
		esr_ones++;
		out->esr &= 0xffffffff;
	}
}

void perform(const struct row *r, const struct state *s, uint64_t va, struct cpu *in,
	     struct cpu *out)
{
	prepare(in, s, code_of(r, s));
	*base_of(r, in) = va - (uint64_t)(int64_t)r->off;
	go(in, out);
}

void perform_on_ram(const struct row *r, void *content, size_t size, struct cpu *in,
		    struct cpu *out)
{
	uint8_t *at = buffer + PAGE / 2, *c = content;
	uint64_t va = (uint64_t)at;

	if (mmu_is_on())
		va = WINDOW0 + BUFFER_AT + PAGE / 2;
	for (size_t i = 0; i < size; i++)
		at[i] = c[i];
	perform(r, &on_ram, va, in, out);
	for (size_t i = 0; i < size; i++)
		c[i] = at[i];
}

const struct row *row_named(const char *start)
{
	for (const struct row *r = rows; r < rows_end; r++) {
		size_t i = 0;

		while (start[i] && r->name[i] == start[i])
			i++;
		if (!start[i])
			return r;
	}
	say("Bail out! there is no row ");
	say(start);
	say("\n");
	return rows;
}

bool is_done(const struct cpu *out)
{
	return out->esr == ((uint64_t)EC_BRK << 26 | ESR_IL | BRK_DONE);
}

unsigned fsc_of(const struct cpu *out)
{
	return out->esr & 0x3f;
}

void want_unchanged(const struct cpu *in, const struct cpu *out)
{
	for (unsigned i = 0; i < 31; i++)
		want(x_names[i], out->x[i], in->x[i]);
	for (unsigned i = 0; i < 8; i++) {
		want(v_names[i], out->v[i][0], in->v[i][0]);
		want(v_names[i], out->v[i][1], in->v[i][1]);
	}
	want("SP_EL0", out->sp0, in->sp0);
	want("SP_EL1", out->sp1, in->sp1);
}

static void want_exception(const struct cpu *in, const struct cpu *out)
{
	static const uint16_t vector[16] = { [EL0T] = 0x400, [EL1T] = 0x000, [EL1H] = 0x200 };

	want("vector", out->vector, vector[in->pstate & PSTATE_M]);
	want("SPSR", out->pstate, in->pstate);
}

void want_abort(const struct row *r, const struct state *s, const struct cpu *in,
		const struct cpu *out, unsigned fsc, uint64_t far)
{
	const uint64_t ec = s->mode == EL0T ? EC_DATA : EC_DATA + 1;
	const bool wnr = r->kind == WRITE || r->kind == ZERO;
	uint64_t got = out->esr, esr = ec << 26 | ESR_IL | fsc | (wnr ? ESR_WNR : 0);

	/* UNKNOWN for an External abort of an atomic access, and for what is not supported. */
	if (r->kind == UPDATE || fsc == 0x35)
		got = (got & ~ESR_WNR) | (esr & ESR_WNR);
	want("ESR", got, esr);
	if (r->flags & ANY_FAR && out->far - far < r->bytes)
		far = out->far;
	want("FAR", out->far, far);
	want("ELR", out->pc, in->pc + r->before);
	want_exception(in, out);
	want_unchanged(in, out);
}

void want_fetch_abort(const struct state *s, const struct cpu *in, const struct cpu *out,
		      unsigned fsc, uint64_t pc)
{
	const uint64_t ec = s->mode == EL0T ? EC_FETCH : EC_FETCH + 1;

	want("ESR", out->esr, ec << 26 | ESR_IL | fsc);
	want("FAR", out->far, pc);
	want("ELR", out->pc, pc);
	want_exception(in, out);
	want_unchanged(in, out);
}

void want_done(const struct row *r, const struct cpu *in, const struct cpu *out)
{
	want("ESR", out->esr, (uint64_t)EC_BRK << 26 | ESR_IL | BRK_DONE);
	want("ELR", out->pc, in->pc + r->before + 4);
	want_exception(in, out);
}

void want_same(const struct row *r, const struct cpu *in, const struct cpu *out,
	       const struct cpu *ref_in, const struct cpu *ref_out)
{
	struct cpu c = *in, ref = *ref_out;

	want_done(r, in, out);
	want_done(r, ref_in, ref_out);
	/* From here on c is what must have become of in. */
	for (unsigned i = 0; i < 31; i++)
		c.x[i] = ref.x[i];
	for (unsigned i = 0; i < 8; i++) {
		c.v[i][0] = ref.v[i][0];
		c.v[i][1] = ref.v[i][1];
	}
	c.x[1] = in->x[1];
	*base_of(r, &c) += *base_of(r, &ref) - *base_of(r, (struct cpu *)(uintptr_t)ref_in);
	want_unchanged(&c, out);
}

/* What the compiler asks for. */

void *memcpy(void *to, const void *from, size_t n)
{
	char *t = to;
	const char *f = from;

	while (n--)
		*t++ = *f++;
	return to;
}

void *memset(void *to, int v, size_t n)
{
	char *t = to;

	while (n--)
		*t++ = (char)v;
	return to;
}
