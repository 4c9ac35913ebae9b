/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 32-bit programs under this 64-bit kernel: instructions of A32 and T32 at EL0, on holes, devices
 * and ROM. A row is its word, which is written to a page, with BKPT behind it; what it must do
 * where it works is what it does on RAM. Registers of the cases: r1 or sp the base, r2, r3, r6, d2
 * to d5 and s8 to s11 data, r4 0x20.
 */
#include "faults.h"

#define FSC_EXTERNAL  0x10
#define FSC_ALIGNMENT 0x21
#define FSC_ATOMIC    0x35

#define WINDOW32 0xc0000000 /* the windows once more, where 32 bits reach them */
#define CODE_AT	 0x1e0000

#define ESR_IL	   (1ULL << 25)
#define ESR_WNR	   (1ULL << 6)
#define EC_FETCH   0x20
#define EC_DATA	   0x24
#define EC_BKPT	   0x38
#define BKPT_A32   0xe1200777 /* BKPT #0x77 */
#define BKPT_T32   0xbe77
#define IT_NE	   0xbf18
#define PSTATE_IT  0x1800     /* in that block */
#define PSTATE_USR 0x100001d0 /* V, so that NE holds; A, I, F masked */
#define PSTATE_T   0x20

#define PL011_ID (UART + 0xfe0)
#define GPIO_DIR (GPIO + 0x400)

enum { A32, T32, T32_IT };
/* PARTLY: where it aborts in the middle, some of its vector registers may be loaded. */
enum { STACK = 1, EXCL = 2, PARTLY = 4 };

struct row32 {
	const char *name;
	uint32_t word;
	uint8_t set, kind, bytes, element;
	int16_t off; /* of the lowest byte, from the base register */
	uint8_t flags;
};

/* clang-format off */
static const struct row32 rows32[] = {
	{ "ldr r2, [r1, #8]", 0xe5912008, A32, READ, 4, 4, 8, 0 },
	{ "ldrb r2, [r1, #5]", 0xe5d12005, A32, READ, 1, 1, 5, 0 },
	{ "ldrsh r2, [r1, #2]", 0xe1d120f2, A32, READ, 2, 2, 2, 0 },
	{ "ldrsb r2, [r1, #1]", 0xe1d120d1, A32, READ, 1, 1, 1, 0 },
	{ "str r2, [r1, #8]", 0xe5812008, A32, WRITE, 4, 4, 8, 0 },
	{ "strb r2, [r1, #5]", 0xe5c12005, A32, WRITE, 1, 1, 5, 0 },
	{ "strh r2, [r1, #6]", 0xe1c120b6, A32, WRITE, 2, 2, 6, 0 },
	{ "ldr r2, [r1, #4]!", 0xe5b12004, A32, READ, 4, 4, 4, 0 },
	{ "ldr r2, [r1], #-4", 0xe4112004, A32, READ, 4, 4, 0, 0 },
	{ "str r2, [r1, #-4]!", 0xe5212004, A32, WRITE, 4, 4, -4, 0 },
	{ "str r2, [r1], r4", 0xe6812004, A32, WRITE, 4, 4, 0, 0 },
	{ "ldr r2, [r1, r4, lsl #2]", 0xe7912104, A32, READ, 4, 4, 0x80, 0 },
	{ "ldr r2, [r1, -r4]!", 0xe7312004, A32, READ, 4, 4, -0x20, 0 },
	{ "ldrt r2, [r1], #4", 0xe4b12004, A32, READ, 4, 4, 0, 0 },
	{ "ldrd r2, r3, [r1, #8]", 0xe1c120d8, A32, READ, 8, 4, 8, 0 },
	{ "strd r2, r3, [r1], #8", 0xe0c120f8, A32, WRITE, 8, 4, 0, 0 },
	{ "ldm r1, {r2, r3}", 0xe891000c, A32, READ, 8, 4, 0, 0 },
	{ "ldmib r1!, {r2, r3, r6}", 0xe9b1004c, A32, READ, 12, 4, 4, 0 },
	{ "stmdb r1!, {r2, r3}", 0xe921000c, A32, WRITE, 8, 4, -8, 0 },
	{ "stmda r1, {r2, r3}", 0xe801000c, A32, WRITE, 8, 4, -4, 0 },
	{ "push {r2, r3}", 0xe92d000c, A32, WRITE, 8, 4, -8, STACK },
	{ "pop {r2, r3}", 0xe8bd000c, A32, READ, 8, 4, 0, STACK },
	{ "ldrex r2, [r1]", 0xe1912f9f, A32, READ, 4, 4, 0, EXCL },
	{ "ldrexd r2, r3, [r1]", 0xe1b12f9f, A32, READ, 8, 8, 0, EXCL },
	{ "ldaexb r2, [r1]", 0xe1d12e9f, A32, READ, 1, 1, 0, EXCL },
	{ "lda r2, [r1]", 0xe1912c9f, A32, READ, 4, 4, 0, 0 },
	{ "stl r2, [r1]", 0xe181fc92, A32, WRITE, 4, 4, 0, 0 },
	{ "vldr s4, [r1, #4]", 0xed912a01, A32, READ, 4, 4, 4, 0 },
	{ "vldr d2, [r1]", 0xed912b00, A32, READ, 8, 4, 0, 0 },
	{ "vstr d2, [r1, #8]", 0xed812b02, A32, WRITE, 8, 4, 8, 0 },
	{ "vldmia r1!, {d2, d3}", 0xecb12b04, A32, READ, 16, 4, 0, 0 },
	{ "vstmia r1, {s8, s9, s10, s11}", 0xec814a04, A32, WRITE, 16, 4, 0, 0 },
	{ "vpush {d2}", 0xed2d2b02, A32, WRITE, 8, 4, -8, STACK },
	{ "vld1.32 {d2}, [r1]", 0xf421278f, A32, READ, 8, 4, 0, PARTLY },
	{ "vld1.32 {d2, d3}, [r1:128], r4", 0xf4212aa4, A32, READ, 16, 16, 0, 0 },
	{ "vld1.64 {d2}, [r1]", 0xf42127cf, A32, READ, 8, 8, 0, 0 },
	{ "vst1.32 {d2, d3}, [r1]!", 0xf4012a8d, A32, WRITE, 16, 4, 0, 0 },
	{ "vld2.32 {d2, d3}, [r1]", 0xf421288f, A32, READ, 16, 4, 0, PARTLY },
	{ "vst2.32 {d2, d3}, [r1]!", 0xf401288d, A32, WRITE, 16, 4, 0, 0 },
	{ "vst1.16 {d3[2]}, [r1:16]!", 0xf481349d, A32, WRITE, 2, 2, 0, 0 },
	{ "vld1.32 {d2[1]}, [r1]", 0xf4a1288f, A32, READ, 4, 4, 0, 0 },
	{ "vld1.8 {d3[]}, [r1]", 0xf4a13c0f, A32, READ, 1, 1, 0, 0 },
	{ "vld1.32 {d2[], d3[]}, [r1:32]!", 0xf4a12cbd, A32, READ, 4, 4, 0, 0 },
	{ "vld3.32 {d2[], d3[], d4[]}, [r1]", 0xf4a12e8f, A32, READ, 12, 4, 0, PARTLY },
	{ "vst3.32 {d2[1], d3[1], d4[1]}, [r1]", 0xf4812a8f, A32, WRITE, 12, 4, 0, 0 },
	{ "vld4.8 {d2[1], d3[1], d4[1], d5[1]}, [r1:32]!", 0xf4a1233d, A32, READ, 4, 1, 0, 0 },
	{ "vst4.32 {d2[1], d3[1], d4[1], d5[1]}, [r1:128], r4", 0xf4812ba4, A32, WRITE, 16, 16, 0, 0 },
	{ "ldr r2, [r1, #8]", 0x688a, T32, READ, 4, 4, 8, 0 },
	{ "strb r2, [r1, #5]", 0x714a, T32, WRITE, 1, 1, 5, 0 },
	{ "push {r2, r3}", 0xb40c, T32, WRITE, 8, 4, -8, STACK },
	{ "pop {r2, r3}", 0xbc0c, T32, READ, 8, 4, 0, STACK },
	{ "ldm r1!, {r2, r3}", 0xc90c, T32, READ, 8, 4, 0, 0 },
	{ "stm r1!, {r2, r3}", 0xc10c, T32, WRITE, 8, 4, 0, 0 },
	{ "ldrsh.w r2, [r1, #2]", 0xf9b12002, T32, READ, 2, 2, 2, 0 },
	{ "ldr r2, [r1, #-4]", 0xf8512c04, T32, READ, 4, 4, -4, 0 },
	{ "ldr r2, [r1], #4", 0xf8512b04, T32, READ, 4, 4, 0, 0 },
	{ "ldrd r2, r3, [r1, #8]", 0xe9d12302, T32, READ, 8, 4, 8, 0 },
	{ "strd r2, r3, [r1, #-8]!", 0xe9612302, T32, WRITE, 8, 4, -8, 0 },
	{ "ldrex r2, [r1, #16]", 0xe8512f04, T32, READ, 4, 4, 16, EXCL },
	{ "stmdb r1!, {r2, r3}", 0xe921000c, T32, WRITE, 8, 4, -8, 0 },
	{ "vldr d2, [r1]", 0xed912b00, T32, READ, 8, 4, 0, 0 },
	{ "vld1.32 {d2}, [r1:64]!", 0xf921279d, T32, READ, 8, 8, 0, 0 },
	{ "vst2.32 {d2, d3}, [r1]!", 0xf901288d, T32, WRITE, 16, 4, 0, 0 },
	{ "vld4.32 {d2[0], d3[0], d4[0], d5[0]}, [r1]", 0xf9a12b0f, T32, READ, 16, 4, 0, PARTLY },
	{ "ldmne r1!, {r2, r3}", 0xc90c, T32_IT, READ, 8, 4, 0, 0 },
	{ "strdne r2, r3, [r1]", 0xe9c12300, T32_IT, WRITE, 8, 4, 0, 0 },
};
/* clang-format on */

static uint8_t code[PAGE] __attribute__((aligned(PAGE)));

static const struct state states[] = {
	{ "Device, AArch32 EL0", LOW, DEVICE, EL0T },
	{ "Normal, AArch32 EL0", LOW, NORMAL, EL0T },
	{ 0 },
};

static unsigned base_of(const struct row32 *r)
{
	return r->flags & STACK ? 13 : 1;
}

static unsigned before(const struct row32 *r)
{
	return r->set == T32_IT ? 2 : 0;
}

static uint64_t va32(uint64_t ipa)
{
	static const struct state low = { "", LOW, DEVICE, EL0T };

	return va_of(&low, ipa) - WINDOW0 + WINDOW32;
}

/* Writes the code of @r; returns its length. */
static unsigned assemble(const struct row32 *r)
{
	uint16_t *at = (uint16_t *)(void *)code;
	unsigned n = 0;

	if (r->set == A32) {
		at[n++] = (uint16_t)r->word;
		at[n++] = (uint16_t)(r->word >> 16);
		at[n++] = (uint16_t)BKPT_A32;
		at[n++] = (uint16_t)(BKPT_A32 >> 16);
	} else {
		if (r->set == T32_IT)
			at[n++] = IT_NE;
		if (r->word >> 16)
			at[n++] = (uint16_t)(r->word >> 16);
		at[n++] = (uint16_t)r->word;
		at[n++] = BKPT_T32;
	}
	instructions_changed((uint64_t)code);
	return 2 * n;
}

static void prepare32(struct cpu *in, const struct row32 *r)
{
	static const struct state s = { "", LOW, NORMAL, EL0T };

	prepare(in, &s, WINDOW32 + CODE_AT);
	/* The upper halves of all registers are UNKNOWN after AArch32, and may be 0. */
	for (unsigned i = 0; i < 31; i++)
		in->x[i] = 0x5a000081 + 0x01010101 * i;
	in->x[4] = 0x20;
	in->pstate = PSTATE_USR | (r && r->set != A32 ? PSTATE_T : 0);
}

/* Runs @r with the lowest byte that it accesses at @va. */
static void perform32(const struct row32 *r, uint64_t va, struct cpu *in, struct cpu *out)
{
	(void)assemble(r);
	prepare32(in, r);
	in->x[base_of(r)] = (uint32_t)(va - (uint64_t)(int64_t)r->off);
	go(in, out);
}

/* Runs @r on RAM with @content of @size bytes, which becomes what is there then. */
static void perform32_on_ram(const struct row32 *r, void *content, size_t size, struct cpu *in,
			     struct cpu *out)
{
	memcpy(buffer + PAGE / 2, content, size);
	perform32(r, WINDOW32 + BUFFER_AT + PAGE / 2, in, out);
	memcpy(content, buffer + PAGE / 2, size);
}

static void want_end(const struct cpu *out, uint64_t esr, uint64_t pc, uint64_t pstate)
{
	want("ESR", out->esr, esr);
	want("ELR", out->pc, pc);
	want("SPSR", out->pstate, pstate);
	want("vector", out->vector, 0x600);
}

static void want_abort32(const struct row32 *r, const struct cpu *in, const struct cpu *out,
			 unsigned fsc, uint64_t far)
{
	const uint64_t esr =
		(uint64_t)EC_DATA << 26 | ESR_IL | fsc | (r->kind == WRITE ? ESR_WNR : 0);

	want_end(out, esr, in->pc + before(r), in->pstate | (r->set == T32_IT ? PSTATE_IT : 0));
	want("FAR", out->far, far);
	want_unchanged(in, out);
	faults_expected++;
}

static void want_done32(const struct row32 *r, const struct cpu *in, const struct cpu *out)
{
	const unsigned breakpoint = r->set == A32 ? 4 : 2;

	/* IL of BKPT in T32 is 0, but not everywhere. */
	want_end(out, (uint64_t)EC_BKPT << 26 | (r->set == A32 ? ESR_IL : out->esr & ESR_IL) | 0x77,
		 in->pc + assemble(r) - breakpoint, in->pstate);
}

/* What became of @in is what became of the same instruction on RAM. */
static void want_same32(const struct row32 *r, const struct cpu *in, const struct cpu *out,
			const struct cpu *ref_in, const struct cpu *ref_out)
{
	const unsigned base = base_of(r);
	struct cpu c = *in;

	want_done32(r, in, out);
	want_done32(r, ref_in, ref_out);
	for (unsigned i = 0; i < 31; i++)
		c.x[i] = ref_out->x[i];
	for (unsigned i = 0; i < 8; i++) {
		c.v[i][0] = ref_out->v[i][0];
		c.v[i][1] = ref_out->v[i][1];
	}
	c.x[base] = (uint32_t)(in->x[base] + ref_out->x[base] - ref_in->x[base]);
	want_unchanged(&c, out);
}

static void holes(const struct row32 *r, const struct state *s, uint64_t ipa)
{
	struct cpu in, out;

	begin(r->name, "hole", s->name);
	window(ipa, s->memory, false);
	perform32(r, va32(ipa), &in, &out);
	want_abort32(r, &in, &out, FSC_EXTERNAL, va32(ipa));
	end();
}

static void rom(const struct row32 *r, const struct state *s)
{
	const uint64_t at = ROM + 0x40;
	struct cpu in, out, ref_in, ref_out;
	uint8_t content[32], now[32];

	begin(r->name, "ROM", s->name);
	memcpy(content, (const void *)at, sizeof(content));
	window(ROM, s->memory, false);
	perform32(r, va32(at), &in, &out);
	if (r->kind == WRITE) {
		want_abort32(r, &in, &out, FSC_EXTERNAL, va32(at));
		memcpy(now, (const void *)at, sizeof(now));
		for (unsigned i = 0; i < sizeof(now); i++)
			want("memory", now[i], content[i]);
	} else {
		perform32_on_ram(r, content, sizeof(content), &ref_in, &ref_out);
		want_same32(r, &in, &out, &ref_in, &ref_out);
	}
	end();
}

static void loads(const struct row32 *r, const struct state *s)
{
	struct cpu in, out, ref_in, ref_out;
	uint32_t words[4];

	for (unsigned i = 0; i < 4; i++)
		words[i] = read32(PL011_ID + 4 * i);
	begin(r->name, "pl011", s->name);
	window(UART, s->memory, false);
	perform32(r, va32(PL011_ID), &in, &out);
	if (r->flags & EXCL) {
		want_abort32(r, &in, &out, FSC_ATOMIC, va32(PL011_ID));
	} else {
		perform32_on_ram(r, words, sizeof(words), &ref_in, &ref_out);
		want_same32(r, &in, &out, &ref_in, &ref_out);
	}
	end();
}

/* Registers are a byte each: what is stored above is lost. */
static void stores(const struct row32 *r, const struct state *s)
{
	struct cpu in, out, ref_in, ref_out;
	uint32_t words[5];

	for (unsigned i = 0; i < 5; i++) {
		words[i] = 0x91 + 0x11 * i;
		write32(GPIO_DIR + 4 * i, words[i]);
	}
	begin(r->name, "pl061", s->name);
	window(GPIO, s->memory, false);
	perform32(r, va32(GPIO_DIR), &in, &out);
	perform32_on_ram(r, words, sizeof(words), &ref_in, &ref_out);
	want_same32(r, &in, &out, &ref_in, &ref_out);
	for (unsigned i = 0; i < 5; i++)
		want("register", read32(GPIO_DIR + 4 * i), words[i] & 0xff);
	end();
}

/* Begins in the last word of RAM, goes on where nothing is. */
static void beyond(const struct row32 *r, const struct state *s)
{
	struct cpu in, out;

	begin(r->name, "the end of RAM", s->name);
	window(RAM_END - 4, s->memory, false);
	perform32(r, va32(RAM_END - 4), &in, &out);
	if (r->kind == READ) /* may be loaded already; the base may not change */
		in.x[2] = out.x[2];
	for (unsigned i = 1; r->flags & PARTLY && i < 3; i++) {
		in.v[i][0] = out.v[i][0];
		in.v[i][1] = out.v[i][1];
	}
	want_abort32(r, &in, &out, FSC_EXTERNAL, va32(RAM_END));
	end();
}

/* In RAM, in the page before the end, which vmm may watch: as elsewhere in RAM. */
static void in_ram(const struct row32 *r)
{
	uint8_t *at = (uint8_t *)(RAM_END - PAGE / 2), content[32];
	struct cpu in, out, ref_in, ref_out;

	for (unsigned i = 0; i < sizeof(content); i++)
		at[i] = content[i] = (uint8_t)(0x31 + 7 * i);
	begin(r->name, "the last page of RAM", "AArch32 EL0");
	window((uint64_t)at, NORMAL, false);
	perform32(r, va32((uint64_t)at), &in, &out);
	perform32_on_ram(r, content, sizeof(content), &ref_in, &ref_out);
	want_same32(r, &in, &out, &ref_in, &ref_out);
	for (unsigned i = 0; i < sizeof(content); i++)
		want("memory", at[i], content[i]);
	end();
}

/* Not a multiple of what the instruction says: the CPU sees that before anything is accessed. */
static void misaligned(const struct state *s)
{
	static const struct row32 r = { "vld1.8 {d2}, [r1:64]", 0xf421271f, A32, READ, 8, 1, 0, 0 };
	struct cpu in, out;

	begin(r.name, "pl011", s->name);
	window(UART, s->memory, false);
	perform32(&r, va32(PL011_ID + 4), &in, &out);
	want_end(&out, (uint64_t)EC_DATA << 26 | ESR_IL | FSC_ALIGNMENT, in.pc, in.pstate);
	want("FAR", out.far, va32(PL011_ID + 4));
	want_unchanged(&in, &out);
	end();
}

static void fetches(uint64_t ipa, uint64_t thumb)
{
	struct cpu in, out;

	begin(thumb ? "T32" : "A32", "fetched from a hole", "AArch32 EL0");
	window(ipa, NORMAL, true);
	prepare32(&in, NULL);
	in.pc = va32(ipa);
	in.pstate |= thumb;
	go(&in, &out);
	want_end(&out, (uint64_t)EC_FETCH << 26 | ESR_IL | FSC_EXTERNAL, in.pc, in.pstate);
	want("FAR", out.far, in.pc);
	want_unchanged(&in, &out);
	faults_expected++;
	end();
}

static bool ready(void)
{
	if (field(id_register(id_aa64pfr0_el1), 0) != 2)
		return false;
	window_of_code(WINDOW32, CODE_AT, code);
	return true;
}

/* Runs the first row of the name @insn on @ipa. False where the CPU is 64-bit only. */
bool aarch32_one(const char *insn, uint64_t ipa, uint64_t *pc, uint64_t *va)
{
	const struct row32 *r = rows32;
	struct cpu in, out;
	unsigned i = 0;

	if (!ready())
		return false;
	while (insn[i])
		if (r->name[i] == insn[i])
			i++;
		else
			r++, i = 0;
	window(ipa, DEVICE, false);
	*va = va32(ipa);
	perform32(r, *va, &in, &out);
	*pc = in.pc + before(r);
	return true;
}

void cases_aarch32(void)
{
	const uint64_t hole = 0x0a000040, far = 0x200000040;

	if (!ready()) {
		skip("AArch32 at EL0", "this CPU does not have it");
		return;
	}
	for (const struct state *s = states; s->name; s++) {
		misaligned(s);
		for (unsigned i = 0; i < sizeof(rows32) / sizeof(rows32[0]); i++) {
			const struct row32 *r = &rows32[i];

			holes(r, s, i % 2 ? hole : far);
			rom(r, s);
			if (r->kind == READ)
				loads(r, s);
			else
				stores(r, s);
			if (r->bytes > r->element && r->element == 4)
				beyond(r, s);
		}
	}
	fetches(hole, 0);
	fetches(far, PSTATE_T);
}

void cases_aarch32_ram(void)
{
	if (!ready()) {
		skip("AArch32 at EL0", "this CPU does not have it");
		return;
	}
	for (unsigned i = 0; i < sizeof(rows32) / sizeof(rows32[0]); i++)
		in_ram(&rows32[i]);
}
