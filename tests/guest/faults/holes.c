/* SPDX-License-Identifier: Apache-2.0 */
/* Accesses that lie in one piece where nothing is, or read-only memory is. */
#include "faults.h"

#define HOLE   0x0a000000
#define INSIDE 0x40 /* from the start of a page */

static const struct state states_off[] = {
	{ "MMU off, EL1h", OFF, DEVICE, EL1H },
	{ "MMU off, EL1t", OFF, DEVICE, EL1T },
	{ 0 },
};

static const struct state states_on[] = {
	{ "Device, EL1h", IDENTITY, DEVICE, EL1H },
	{ "Normal by TTBR1, EL1h", HIGH, NORMAL, EL1H },
	{ "Normal by TTBR0, EL1t", LOW, NORMAL, EL1T },
	{ "Device by TTBR0, EL0", LOW, DEVICE, EL0T },
	{ "Normal by TTBR1, EL0", HIGH, NORMAL, EL0T },
	{ "Non-cacheable by TTBR0, EL0", LOW, NON_CACHEABLE, EL0T },
	{ 0 },
};

struct place {
	const char *name;
	uint64_t page;
};

/* After the first all are tried with a few instructions only. */
static const struct place holes[] = {
	{ "hole of virtio slots", HOLE },
	{ "hole of PCIe", 0x10000000 },
	{ "hole after pl011", 0x09001000 },
	{ "hole before pl061", GPIO - PAGE },
	{ "hole after the ROM", ROM + ROM_SIZE },
	{ "hole right below RAM", RAM - PAGE },
	{ "hole right above RAM", RAM_END },
	{ "hole 1 GiB above RAM", RAM_END + 0x40000000UL },
	{ "hole at 8 GiB", 0x200000000 },
	{ "hole at 1 TiB", 0x10000000000 },
	{ "hole at the end of physical addresses", 0 },
	{ 0 },
};

static const uint8_t pa_bits[] = { 32, 36, 40, 42, 44, 48, 48, 48 };

static uint64_t pa_size(void)
{
	return 1ULL << pa_bits[field(id_register(id_aa64mmfr0_el1), 0) & 7];
}

static void one(const struct row *r, const struct state *s, const char *name, uint64_t ipa)
{
	uint64_t va = va_of(s, ipa);
	struct cpu in, out;

	if (!possible(r, s))
		return;
	begin_row(r, name, s->name);
	perform(r, s, va, &in, &out);
	if (r->kind == HINT) {
		want_done(r, &in, &out);
		want_unchanged(&in, &out);
	} else if (r->kind == ZERO && s->memory == DEVICE && fsc_of(&out) == 0x21) {
		want_abort(r, s, &in, &out, 0x21, va); /* an Alignment fault is allowed */
	} else {
		want_abort(r, s, &in, &out, 0x10, va);
		faults_expected++;
	}
	end();
}

/* What a store-exclusive does without its monitor is up to the CPU, but for data. */
static bool is_for_holes(const struct row *r)
{
	return !(r->flags & (PC_BASE | STORE_EX));
}

static void at(const struct place *p, const struct state *s, bool all)
{
	uint64_t page = p->page;

	if (!page) {
		page = pa_size() - 2 * PAGE;
		if (page < 0x20000000000)
			return;
	}
	if (s->view == IDENTITY && page >= 1ULL << 39)
		return;
	if (s->view == LOW || s->view == HIGH)
		window(page, s->memory, false);
	for (const struct row *r = rows; r < rows_end; r++)
		if (is_for_holes(r) && (all || r->flags & CORE))
			one(r, s, p->name, page + INSIDE);
}

/* The same again and again is aborted in the same way each time. */
static void storm(const struct state *s)
{
	enum { TIMES = 100 };
	const struct row *r = row_named("str w2,[x1,8]");

	begin("100 stores into one hole", NULL, s->name);
	for (unsigned i = 0; i < TIMES; i++) {
		struct cpu in, out;

		perform(r, s, HOLE + INSIDE, &in, &out);
		want_abort(r, s, &in, &out, 0x10, HOLE + INSIDE);
		faults_expected++;
	}
	end();
}

/* Loads from beside the PC: run near the end of RAM, they are in the hole behind it. */
static void literals(const struct state *s)
{
	const uint64_t pc = RAM_END - PAGE + INSIDE, va = RAM_END + INSIDE;

	for (const struct row *r = rows; r < rows_end; r++) {
		struct cpu in, out;

		if (!(r->flags & PC_BASE))
			continue;
		write32(pc, read32(r->code));
		write32(pc + 4, read32(r->code + 4));
		instructions_changed(pc);
		begin_row(r, "hole right above RAM", s->name);
		prepare(&in, s, pc);
		go(&in, &out);
		if (r->kind == HINT) {
			want_done(r, &in, &out);
			want_unchanged(&in, &out);
		} else {
			want_abort(r, s, &in, &out, 0x10, va);
			faults_expected++;
		}
		end();
	}
}

void cases_holes(void)
{
	const struct state *states = mmu_is_on() ? states_on : states_off;
	unsigned n = 0;

	for (const struct state *s = states; s->name; s++)
		at(&holes[0], s, true);
	for (const struct place *p = &holes[1]; p->name; p++, n++)
		for (const struct state *s = states; s->name; s++)
			if (((size_t)(s - states) + n) % 3 == 0)
				at(p, s, false);
	literals(&states[0]);
	storm(&states[0]);
	if (mmu_is_on())
		end_rows("holes");
}

/* Read-only memory: reads work, writes abort and change nothing. */

static const uint8_t *rom_byte(uint64_t at)
{
	return (const uint8_t *)at;
}

static void rom_read(const struct row *r, const struct state *s, uint64_t ipa)
{
	struct cpu in, out, ref_in, ref_out;
	uint8_t content[64];

	for (unsigned i = 0; i < sizeof(content); i++)
		content[i] = rom_byte(ipa)[i];
	begin_row(r, "ROM", s->name);
	perform(r, s, va_of(s, ipa), &in, &out);
	perform_on_ram(r, content, sizeof(content), &ref_in, &ref_out);
	want_same(r, &in, &out, &ref_in, &ref_out);
	end();
}

/* A store-exclusive needs its monitor, which an exit to the host clears: hence the tries. */
enum { TRIES = 20 };

static void rom_write(const struct row *r, const struct state *s, uint64_t ipa)
{
	const bool exclusive = r->flags & STORE_EX;
	uint64_t va = va_of(s, ipa);
	uint8_t before[64];
	struct cpu in, out;

	for (unsigned i = 0; i < sizeof(before); i++)
		before[i] = rom_byte(ipa)[i];
	begin_row(r, "ROM", s->name);
	for (unsigned try = 0; try < TRIES; try++) {
		perform(r, s, va, &in, &out);
		if (!exclusive || !is_done(&out) || out.x[2] != 1)
			break;
	}
	if (exclusive) { /* what the load-exclusive has done */
		in.x[7] = out.x[7];
		if (r->bytes == 16)
			in.x[8] = out.x[8];
	}
	if (r->kind == ZERO && s->memory == DEVICE && fsc_of(&out) == 0x21) {
		want_abort(r, s, &in, &out, 0x21, va);
	} else {
		want_abort(r, s, &in, &out, 0x10, va);
		faults_expected++;
	}
	for (unsigned i = 0; i < sizeof(before); i++)
		want("memory", rom_byte(ipa)[i], before[i]);
	end();
}

/* Exclusives and atomics are for Normal memory. */
static bool needs_normal(const struct row *r)
{
	return r->flags & EXCLUSIVE || r->kind == UPDATE;
}

void cases_rom(void)
{
	static const struct state states[] = {
		{ "Normal by TTBR1, EL1h", HIGH, NORMAL, EL1H },
		{ "Device, EL1h", IDENTITY, DEVICE, EL1H },
		{ "Normal by TTBR0, EL0", LOW, NORMAL, EL0T },
		{ 0 },
	};
	const uint64_t at = ROM + INSIDE;

	for (const struct state *s = states; s->name; s++) {
		window(ROM, s->memory, false);
		for (const struct row *r = rows; r < rows_end; r++) {
			if (!possible(r, s) || r->flags & PC_BASE || r->kind == HINT ||
			    (needs_normal(r) && s->memory == DEVICE))
				continue;
			if (r->kind != READ)
				rom_write(r, s, at);
			else
				rom_read(r, s, at);
		}
	}
	end_rows("ROM");
}
