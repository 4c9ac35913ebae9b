/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accesses that begin in one thing and end in another. What fails is what lies beyond the border,
 * and FAR is its first byte; what a store wrote before it is UNKNOWN, what lies beside it is not
 * touched.
 */
#include "faults.h"

enum { AROUND = 96 }; /* bytes before the border that are looked at: more than an access has */

struct border {
	const char *name;
	uint64_t at;
	bool readable, writable; /* what comes before */
};

static const struct border borders[] = {
	{ "RAM, then a hole", RAM_END, true, true },
	{ "ROM, then a hole", ROM + ROM_SIZE, true, false },
	{ "hole over the end of a page", 0x10008000, false, false },
	{ "hole, then ROM", ROM, false, false },
	{ "hole, then RAM", RAM, false, false },
	{ 0 },
};

static const struct state states[] = {
	{ "Normal by TTBR1, EL1h", HIGH, NORMAL, EL1H },
	{ "Normal by TTBR0, EL0", LOW, NORMAL, EL0T },
	{ 0 },
};

static uint8_t pattern(unsigned i)
{
	return (uint8_t)(0x30 + i);
}

/* Of several registers that an aborted load has, any may be loaded, but for its base. */
static void forgive(const struct row *r, struct cpu *in, const struct cpu *out)
{
	if (r->kind != READ || r->bytes == r->element)
		return;
	for (unsigned i = 2; i <= 5; i++)
		memcpy(in->v[i], out->v[i], sizeof(in->v[i]));
	in->x[2] = out->x[2];
	in->x[3] = out->x[3];
}

/* The bytes before the border, in RAM: those of a store may be written, as far as it came. */
static void want_bytes_before(const struct row *r, const uint8_t *before, unsigned inside)
{
	for (unsigned i = 0; i < AROUND - inside; i++)
		if (before[i] != pattern(i))
			want("memory beside", before[i], pattern(i));
	if (r->kind == READ)
		for (unsigned i = AROUND - inside; i < AROUND; i++)
			want("memory that was read", before[i], pattern(i));
}

/* @inside of the bytes lie before the border. */
static void one(const struct row *r, const struct state *s, const struct border *b, unsigned inside)
{
	const bool write = r->kind != READ;
	const bool works_before = write ? b->writable : b->readable;
	const uint64_t ipa = b->at - inside, va = va_of(s, ipa);
	uint8_t *before = (uint8_t *)(b->at - AROUND);
	struct cpu in, out;

	if (b->writable)
		for (unsigned i = 0; i < AROUND; i++)
			before[i] = pattern(i);
	begin_row(r, b->name, s->name);
	perform(r, s, va, &in, &out);
	if (works_before)
		forgive(r, &in, &out);
	want_abort(r, s, &in, &out, 0x10, works_before ? va_of(s, b->at) : va);
	faults_expected++;
	if (b->writable)
		want_bytes_before(r, before, inside);
	end();
}

/* How an access can lie over a border: where its elements do, and where one of them does. */
static void all(const struct row *r, const struct state *s, const struct border *b)
{
	if (r->bytes > r->element)
		one(r, s, b, r->element);
	if (r->bytes > 2 * r->element)
		one(r, s, b, r->bytes - r->element);
	if (r->element > 1) {
		one(r, s, b, r->element - 1);
		if (r->element > 2)
			one(r, s, b, r->bytes - r->element / 2);
	}
}

static bool is_for_borders(const struct row *r, const struct state *s)
{
	return possible(r, s) && r->bytes > 1 && (r->kind == READ || r->kind == WRITE) &&
	       !(r->flags & (ALIGNED | PC_BASE | EXCLUSIVE));
}

/*
 * From ROM into the clock's count, which is what it was set to a moment ago: an abort, or each byte
 * from where it lies.
 */
static void into_device(void)
{
	static const struct state s = { "Normal by TTBR0, EL1h", LOW, NORMAL, EL1H };
	const uint64_t ipa = RTC - 2;
	const uint32_t rom = (uint32_t) * (const uint8_t *)ipa | *(const uint8_t *)(ipa + 1) << 8;

	window(RTC, NORMAL, false);
	for (const struct row *r = rows; r < rows_end; r++) {
		struct cpu in, out;
		uint64_t va = va_of(&s, ipa);

		if (!is_for_borders(r, &s) || r->bytes != 4 || r->kind != READ)
			continue;
		write32(RTC + 8, 0x11223344);
		begin_row(r, "ROM, then the clock", s.name);
		perform(r, &s, va, &in, &out);
		if (is_done(&out)) {
			if (out.x[2] != in.x[2])
				want("bytes of ROM", out.x[2] & 0xffff, rom);
		} else if (fsc_of(&out) == 0x21) { /* as an access of a device */
			want_abort(r, &s, &in, &out, 0x21, va);
			faults_expected++;
		} else {
			want_abort(r, &s, &in, &out, 0x10, va_of(&s, RTC));
			faults_expected++;
		}
		end();
	}
}

void cases_straddle(void)
{
	for (const struct border *b = borders; b->name; b++) {
		for (const struct state *s = states; s->name; s++) {
			window(b->at, s->memory, false);
			for (const struct row *r = rows; r < rows_end; r++)
				if (is_for_borders(r, s) && (s->mode == EL1H || r->flags & CORE))
					all(r, s, b);
		}
	}
	into_device();
	end_rows("over a border");
}
