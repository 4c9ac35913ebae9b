/* SPDX-License-Identifier: Apache-2.0 */
/* Holes that have a value: --unclaimed zero or ones, --hole. */
#include "faults.h"

#define HOLE	 0x0a000040
#define FAR_HOLE 0x200000040

static const struct state states_off[] = {
	{ "MMU off, EL1h", OFF, DEVICE, EL1H },
	{ 0 },
};

static const struct state states_on[] = {
	{ "Device, EL1h", IDENTITY, DEVICE, EL1H },
	{ "Normal by TTBR0, EL0", LOW, NORMAL, EL0T },
	{ "Normal by TTBR1, EL1t", HIGH, NORMAL, EL1T },
	{ 0 },
};

static const struct state *states(void)
{
	return mmu_is_on() ? states_on : states_off;
}

/* What only memory is sure to do, or vmm does not do by hand. */
static bool is_odd(const struct row *r)
{
	return r->flags & (EXCLUSIVE | NEEDS_SVE | NEEDS_PAUTH) || r->kind == UPDATE ||
	       r->kind == ZERO;
}

static void as_on_ram(const struct row *r, uint8_t value, const struct cpu *in,
		      const struct cpu *out)
{
	struct cpu ref_in, ref_out;
	uint8_t content[128];

	memset(content, value, sizeof(content));
	perform_on_ram(r, content, sizeof(content), &ref_in, &ref_out);
	want_same(r, in, out, &ref_in, &ref_out);
}

static void one(const struct row *r, const struct state *s, const char *where, uint64_t ipa,
		uint8_t value)
{
	struct cpu in, out;

	begin_row(r, where, s->name);
	perform(r, s, va_of(s, ipa), &in, &out);
	if (r->kind == HINT) {
		want_done(r, &in, &out);
		want_unchanged(&in, &out);
	} else if (is_odd(r) && !is_done(&out)) {
		unsigned fsc = fsc_of(&out);

		if (fsc != 0x35 && !(r->kind == ZERO && fsc == 0x21))
			fsc = 0x10;
		want_abort(r, s, &in, &out, fsc, va_of(s, ipa));
	} else {
		as_on_ram(r, value, &in, &out);
	}
	end();
}

static void all(bool odd, const char *where, uint64_t ipa, uint8_t value)
{
	for (const struct state *s = states(); s->name; s++) {
		if (s->view == LOW || s->view == HIGH)
			window(ipa, s->memory, false);
		for (const struct row *r = rows; r < rows_end; r++)
			if (possible(r, s) && !(r->flags & (PC_BASE | STORE_EX)) &&
			    is_odd(r) == odd)
				one(r, s, where, ipa, value);
	}
}

void cases_value(uint8_t value)
{
	all(false, "hole", HOLE, value);
	all(false, "hole at 8 GiB", FAR_HOLE, value);
	if (!mmu_is_on())
		return;
	end_rows("a hole with a value");
	window(ROM, NORMAL, false);
	for (const struct row *r = rows; r < rows_end; r++) {
		const struct state *s = &states_on[2];

		if (r->kind == WRITE && possible(r, s) && !is_odd(r))
			one(r, s, "ROM", ROM + 0x40, *(const uint8_t *)(ROM + 0x40));
	}
	end_rows("stores to ROM have no effect");
}

/* Aborts, or goes on: what must not be is that it does neither. */
static void comes_to_an_end(const struct row *r, const struct state *s, const char *where,
			    uint64_t ipa)
{
	struct cpu in, out;
	unsigned fsc;

	begin_row(r, where, s->name);
	perform(r, s, va_of(s, ipa), &in, &out);
	fsc = fsc_of(&out);
	if (is_done(&out))
		want_done(r, &in, &out);
	else
		want_abort(r, s, &in, &out, fsc == 0x35 || fsc == 0x21 ? fsc : 0x10, va_of(s, ipa));
	end();
}

static void odd_store_to_rom(const struct row *r, const struct state *s)
{
	const uint64_t *at = (const uint64_t *)(ROM + 0x40), was[2] = { at[0], at[1] };

	comes_to_an_end(r, s, "ROM", (uint64_t)at);
	begin_row(r, "ROM", s->name);
	want("memory", at[0], was[0]);
	want("memory", at[1], was[1]);
	end();
}

void cases_value_odd(uint8_t value)
{
	all(true, "hole", HOLE, value);
	if (!mmu_is_on())
		return;
	end_rows("a hole with a value");
	window(ROM, NORMAL, false);
	for (const struct state *s = &states_on[1]; s->name; s++)
		for (const struct row *r = rows; r < rows_end; r++)
			if (possible(r, s) && is_odd(r) && r->kind != READ && r->kind != HINT &&
			    !(r->flags & (PC_BASE | STORE_EX)))
				odd_store_to_rom(r, s);
	end_rows("stores to ROM come to an end");
}

/* PL011 has no registers of 8 bytes. */
void cases_value_device(uint8_t value)
{
	for (const struct state *s = states(); s->name; s++) {
		window(UART, s->memory, false);
		for (const struct row *r = rows; r < rows_end; r++)
			if (possible(r, s) && r->element >= 8 && r->bytes <= 16 && !is_odd(r) &&
			    r->kind != HINT && !(r->flags & PC_BASE))
				one(r, s, "pl011", UART + 0xfe0, value);
			else if (possible(r, s) && is_odd(r) && !(r->flags & (PC_BASE | STORE_EX)))
				comes_to_an_end(r, s, "pl011", UART + 0xfc0);
	}
	end_rows("refused by a device");
}

/* The bytes in RAM are RAM's. */
static void straddle(const struct row *r, const struct state *s, unsigned inside, uint8_t value)
{
	struct cpu in, out, ref_in, ref_out;
	uint8_t *ram = (uint8_t *)(uint64_t)(RAM_END - inside), content[128];

	for (unsigned i = 0; i < sizeof(content); i++)
		content[i] = (uint8_t)(i < inside ? 0x31 + 3 * i : value);
	for (unsigned i = 0; i < inside; i++)
		ram[i] = content[i];
	begin_row(r, "RAM, then a hole", s->name);
	perform(r, s, va_of(s, (uint64_t)ram), &in, &out);
	perform_on_ram(r, content, sizeof(content), &ref_in, &ref_out);
	want_same(r, &in, &out, &ref_in, &ref_out);
	for (unsigned i = 0; i < inside; i++)
		want("memory", ram[i], content[i]);
	end();
}

void cases_value_straddle(uint8_t value)
{
	const struct state *s = &states_on[2];

	window(RAM_END, s->memory, false);
	for (const struct row *r = rows; r < rows_end; r++) {
		if (!possible(r, s) || is_odd(r) || r->bytes < 2 || r->kind == HINT ||
		    r->flags & (PC_BASE | ALIGNED))
			continue;
		if (r->bytes > r->element)
			straddle(r, s, r->element, value);
		if (r->element > 1)
			straddle(r, s, r->bytes - r->element / 2, value);
	}
	end_rows("RAM, then a hole with a value");
}

/*
 * With --hole 0xa000000+0x800=ones, --hole 0xa002000+0x1000=zero and --unclaimed abort. The first
 * range ends within a page.
 */
void cases_ranges(void)
{
	static const struct state s = { "Device, EL1h", IDENTITY, DEVICE, EL1H };
	static const struct {
		const char *name;
		uint64_t at;
		int value; /* -1: an abort */
	} places[] = {
		{ "a range of ones", 0x0a000040, 0xff },
		{ "the end of a range of ones", 0x0a0007c0, 0xff },
		{ "after a range", 0x0a000800, -1 },
		{ "a range of zeroes", 0x0a002000, 0 },
		{ "before a range", 0x0a001fc0, -1 },
	};

	for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		for (const struct row *r = rows; r < rows_end; r++) {
			struct cpu in, out;

			if (!possible(r, &s) || !(r->flags & CORE) || is_odd(r) || r->kind == HINT)
				continue;
			if (places[i].value >= 0) {
				one(r, &s, places[i].name, places[i].at, (uint8_t)places[i].value);
				continue;
			}
			begin_row(r, places[i].name, s.name);
			perform(r, &s, places[i].at, &in, &out);
			want_abort(r, &s, &in, &out, 0x10, places[i].at);
			faults_expected++;
			end();
		}
	end_rows("ranges with a policy of their own");
}
