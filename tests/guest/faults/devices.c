/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instructions that KVM leaves to vmm, on devices that have 32-bit registers. What they must do is
 * what the same instruction does on RAM with that content; registers are 4 bytes, so what moves 8
 * at once is refused, and what is no access of a device is not supported.
 */
#include "faults.h"

#define FSC_EXTERNAL  0x10
#define FSC_ALIGNMENT 0x21
#define FSC_ATOMIC    0x35 /* unsupported exclusive or atomic access */

#define PL011_ID  (UART + 0xfe0) /* eight words, of a byte each */
#define RTC_MATCH (RTC + 0x04)	 /* then the load register, control (1), mask (a bit) */
#define GPIO_DIR  (GPIO + 0x400) /* direction, sense, both edges, event, mask: a byte each */
#define GPIO_DATA 0x3f8		 /* for all lines but 0; then for all */
#define WORDS	  4

static const struct state states_off[] = {
	{ "MMU off, EL1h", OFF, DEVICE, EL1H },
	{ 0 },
};

static const struct state states_on[] = {
	{ "Device, EL1h", IDENTITY, DEVICE, EL1H },
	{ "Device by TTBR1, EL1t", HIGH, DEVICE, EL1T },
	{ "Device by TTBR0, EL0", LOW, DEVICE, EL0T },
	{ "Normal by TTBR0, EL0", LOW, NORMAL, EL0T },
	{ 0 },
};

static bool is_atomic(const struct row *r)
{
	return r->flags & EXCLUSIVE || r->kind == UPDATE;
}

/* DC ZVA is given an Alignment fault, which hardware may do. */
static unsigned refusal(const struct row *r)
{
	if (r->kind == ZERO)
		return FSC_ALIGNMENT;
	return is_atomic(r) ? FSC_ATOMIC : FSC_EXTERNAL;
}

static bool is_refused(const struct row *r)
{
	return is_atomic(r) || r->kind == ZERO || r->element > 4;
}

static void refused(const struct row *r, const struct state *s, const char *device, uint64_t ipa)
{
	const uint64_t va = va_of(s, ipa);
	struct cpu in, out;

	begin_row(r, device, s->name);
	perform(r, s, va, &in, &out);
	want_abort(r, s, &in, &out, refusal(r), va);
	faults_expected++;
	end();
}

static void loads(const struct row *r, const struct state *s, const char *device, uint64_t ipa)
{
	struct cpu in, out, ref_in, ref_out;
	uint32_t words[2 * WORDS];

	for (unsigned i = 0; i < 2 * WORDS; i++)
		words[i] = read32(ipa + 4 * i);
	begin_row(r, device, s->name);
	perform(r, s, va_of(s, ipa), &in, &out);
	perform_on_ram(r, words, sizeof(words), &ref_in, &ref_out);
	want_same(r, &in, &out, &ref_in, &ref_out);
	end();
}

/* Registers are a byte each: what is stored above is lost. */
static void stores(const struct row *r, const struct state *s)
{
	static const char *const names[WORDS + 1] = { "GPIODIR", "GPIOIS", "GPIOIBE", "GPIOIEV",
						      "GPIOIE" };
	struct cpu in, out, ref_in, ref_out;
	uint32_t words[WORDS + 1];

	for (unsigned i = 0; i <= WORDS; i++) {
		words[i] = 0x91 + 0x11 * i;
		write32(GPIO_DIR + 4 * i, words[i]);
	}
	begin_row(r, "pl061", s->name);
	perform(r, s, va_of(s, GPIO_DIR), &in, &out);
	perform_on_ram(r, words, sizeof(words), &ref_in, &ref_out);
	want_same(r, &in, &out, &ref_in, &ref_out);
	for (unsigned i = 0; i <= WORDS; i++)
		want(names[i], read32(GPIO_DIR + 4 * i), words[i] & 0xff);
	end();
}

/* Begins in the last register of a device, goes on where nothing is. */
static void beyond(const struct row *r, const struct state *s)
{
	const uint64_t last = UART + PAGE - 4;
	struct cpu in, out;

	begin_row(r, "the end of pl011", s->name);
	perform(r, s, va_of(s, last), &in, &out);
	want_abort(r, s, &in, &out, FSC_EXTERNAL, va_of(s, last + 4));
	faults_expected++;
	end();
}

/*
 * GPIODATA takes the lines that the address says: stored one after the other, the last word wins
 * where both have a say.
 */
static void order(const struct row *r, const struct state *s)
{
	const uint64_t data = GPIO + GPIO_DATA, all = GPIO + GPIO_DATA + 4;
	struct cpu in, out, ref_in, ref_out;
	uint32_t words[2] = { 0 };

	write32(GPIO_DIR, 0xff);
	write32(all, 0);
	begin_row(r, "two words in order", s->name);
	perform(r, s, va_of(s, data), &in, &out);
	perform_on_ram(r, words, sizeof(words), &ref_in, &ref_out);
	want_same(r, &in, &out, &ref_in, &ref_out);
	want("GPIODATA", read32(all), words[1] & 0xff);
	end();
}

static void all_rows(const struct state *s)
{
	window(UART, s->memory, false);
	for (const struct row *r = rows; r < rows_end; r++) {
		if (!possible(r, s) || r->flags & (PC_BASE | STORE_EX | NEEDS_PAUTH) ||
		    r->kind == HINT)
			continue;
		if (is_refused(r)) {
			if (r->bytes <= 16 || r->kind == ZERO)
				refused(r, s, "pl011", PL011_ID);
			continue;
		}
		if (r->kind == READ && r->bytes <= 32 && !(r->flags & NEEDS_SVE))
			loads(r, s, "pl011", PL011_ID);
		if (r->bytes > 4 && r->element == 4 && !(r->flags & NEEDS_SVE))
			beyond(r, s);
	}
	window(GPIO, s->memory, false);
	for (const struct row *r = rows; r < rows_end; r++) {
		if (!possible(r, s) || r->kind != WRITE || is_refused(r) || r->bytes > 4 * WORDS ||
		    r->flags & NEEDS_SVE)
			continue;
		stores(r, s);
		if (r->element == 4 && r->bytes == 8)
			order(r, s);
	}
	/* The top bit of a byte, a halfword, a word is set: what is extended, and what is not. */
	write32(RTC_MATCH, 0x8badf08d);
	write32(RTC_MATCH + 4, 0xfedcba98);
	window(RTC, s->memory, false);
	for (const struct row *r = rows; r < rows_end; r++)
		if (possible(r, s) && r->kind == READ && !is_refused(r) && !(r->flags & PC_BASE) &&
		    (r->element == 4 ? r->bytes <= 8 : r->bytes == r->element) &&
		    !(r->flags & NEEDS_SVE))
			loads(r, s, "pl031", RTC_MATCH);
}

/* Where KVM is the device, and the instruction does not tell KVM enough. */
static void kernel_device(void)
{
	static const struct state s = { "Device, EL1h", IDENTITY, DEVICE, EL1H };

	for (const struct row *r = rows; r < rows_end; r++) {
		struct cpu in, out;

		if (!possible(r, &s) || r->kind != READ || r->element != 4 || r->bytes != 8)
			continue;
		if (is_atomic(r) || r->flags & NEEDS_SVE)
			continue;
		begin_row(r, "the GIC's distributor", s.name);
		perform(r, &s, 0x08000000, &in, &out);
		if (!is_done(&out)) {
			want_abort(r, &s, &in, &out, FSC_EXTERNAL, 0x08000000);
			faults_expected++;
		}
		end();
	}
}

/* Normal memory lets an access be anywhere; no device takes it there. */
static void unaligned(void)
{
	static const struct state s = { "Normal by TTBR0, EL1h", LOW, NORMAL, EL1H };

	window(UART, NORMAL, false);
	for (const struct row *r = rows; r < rows_end; r++) {
		const uint64_t va = va_of(&s, PL011_ID + 1);
		struct cpu in, out;
		unsigned fsc;

		if (!possible(r, &s) || r->element == 1 || r->bytes > 16 ||
		    (r->kind != READ && r->kind != WRITE) ||
		    r->flags & (ALIGNED | PC_BASE | NEEDS_SVE | NEEDS_PAUTH))
			continue;
		begin_row(r, "pl011, unaligned", s.name);
		perform(r, &s, va, &in, &out);
		fsc = fsc_of(&out) == FSC_ALIGNMENT ? FSC_ALIGNMENT : FSC_EXTERNAL;
		want_abort(r, &s, &in, &out, fsc, va);
		faults_expected++;
		end();
	}
}

void cases_devices(void)
{
	const struct state *states = mmu_is_on() ? states_on : states_off;

	for (const struct state *s = states; s->name; s++)
		all_rows(s);
	if (!mmu_is_on())
		return;
	kernel_device();
	unaligned();
	end_rows("devices");
}
