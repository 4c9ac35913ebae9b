/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/emulate_rig.h"

#define LDXR_X0 0xc85f7c20U /* ldxr x0, [x1] */
#define STXR_X0 0xc8037c20U /* stxr w3, x0, [x1] */

TEST(emulate_exclusives_of_every_size_store_what_was_not_touched)
{
	static const struct {
		const char *text;
		uint32_t load, store;
		unsigned size, regs;
	} rows[] = {
		{ "ldxrb w0, stxrb w3, w0, [x1]", 0x085f7c20, 0x08037c20, 1, 1 },
		{ "ldxrh w0, stxrh w3, w0, [x1]", 0x485f7c20, 0x48037c20, 2, 1 },
		{ "ldxr w0, stxr w3, w0, [x1]", 0x885f7c20, 0x88037c20, 4, 1 },
		{ "ldaxr x0, stlxr w3, x0, [x1]", 0xc85ffc20, 0xc803fc20, 8, 1 },
		{ "ldxp w0, w2, stxp w3, w0, w2, [x1]", 0x887f0820, 0x88230820, 4, 2 },
		{ "ldxp x0, x2, stxp w3, x0, x2, [x1]", 0xc87f0820, 0xc8230820, 8, 2 },
	};

	for (size_t n = 0; n < ARRAY_SIZE(rows); n++)
		for (unsigned big = 0; big < 2; big++) {
			struct world *w = fresh();
			unsigned size = rows[n].size, bytes = size * rows[n].regs;
			uint64_t second = bytes > size ? get_mem(w, AT + size, size, big) : 16;

			w->cpu.big_endian = big;
			step_done(w, rows[n].text, rows[n].load, EMULATE_NORMAL);
			ROW_EQ(rows[n].text, w->x[0], get_mem(w, AT, size, big));
			ROW_EQ(rows[n].text, w->x[2], second);
			ROW_EQ(rows[n].text, w->calls, 1);
			expect_call(w, rows[n].text, 0, 'r', AT, bytes);

			w->x[0] = ~w->x[0]; /* memory shows it in its place */
			w->x[2] = ~w->x[2];
			ROW_EQ(rows[n].text, step(w, rows[n].store, EMULATE_NORMAL), EMULATE_DONE);
			ROW_EQ(rows[n].text, w->x[3], 0);
			ROW_EQ(rows[n].text, w->out.unpaired, false);
			ROW_EQ(rows[n].text, w->calls, 1);
			expect_call(w, rows[n].text, 0, 'c', AT, bytes);
			for (unsigned b = 0; b < bytes; b++)
				ROW_EQ(rows[n].text, w->mem[AT % MEM + b], (uint8_t) ~(0x10 + b));
			ROW_EQ(rows[n].text, w->mem[AT % MEM + bytes], 0x10 + bytes);

			/* The monitor is open now. */
			ROW_EQ(rows[n].text, step(w, rows[n].store, EMULATE_NORMAL), EMULATE_DONE);
			ROW_EQ(rows[n].text, w->x[3], 1);
			ROW_EQ(rows[n].text, w->calls, 0);
		}
}

TEST(emulate_exclusive_pair_that_is_not_aligned_is_one_access)
{
	struct world *w = fresh();

	w->x[1] = AT + 4;
	step_done(w, "ldxp w0, w2, [x1]", 0x887f0820, EMULATE_NORMAL);
	EXPECT_EQ(w->calls, 1);
	expect_call(w, "ldxp", 0, 'r', AT + 4, 8);
	EXPECT_EQ(w->monitor.bytes, 8);
}

TEST(emulate_store_exclusive_fails_when_memory_changed)
{
	struct world *w = fresh();

	EXPECT_EQ(step(w, LDXR_X0, EMULATE_NORMAL), EMULATE_DONE);
	w->mem[AT % MEM + 7] = 0;
	EXPECT_EQ(step(w, STXR_X0, EMULATE_NORMAL), EMULATE_DONE);
	EXPECT_EQ(w->x[3], 1);
	EXPECT(!w->out.unpaired);
	EXPECT_EQ(w->mem[AT % MEM], 0x10);
	EXPECT_EQ(w->x[EMULATE_PC], PC + 8);
	EXPECT_EQ(w->out.nr, 1);
	EXPECT_EQ(w->out.access[0].kind, EMULATE_READ);
	EXPECT_EQ(w->out.access[0].read.lo, 0x0016151413121110);
}

TEST(emulate_store_exclusive_fails_without_its_load)
{
	struct world *w = fresh();

	EXPECT_EQ(step(w, STXR_X0, EMULATE_NORMAL), EMULATE_DONE); /* none at all */
	EXPECT_EQ(w->x[3], 1);
	EXPECT(w->out.unpaired);

	EXPECT_EQ(step(w, LDXR_X0, EMULATE_NORMAL), EMULATE_DONE);
	w->x[1] = AT + 8; /* another address */
	EXPECT_EQ(step(w, STXR_X0, EMULATE_NORMAL), EMULATE_DONE);
	EXPECT_EQ(w->x[3], 1);
	EXPECT(w->out.unpaired);

	w->x[1] = AT;
	EXPECT_EQ(step(w, LDXR_X0, EMULATE_NORMAL), EMULATE_DONE);
	EXPECT_EQ(step(w, 0x88037c20, EMULATE_NORMAL),
		  EMULATE_DONE); /* stxr w3, w0: another size */
	EXPECT_EQ(w->x[3], 1);
	EXPECT(w->out.unpaired);

	EXPECT_EQ(step(w, LDXR_X0, EMULATE_NORMAL), EMULATE_DONE);
	w->monitor = (struct emulate_monitor){ 0 }; /* CLREX */
	EXPECT_EQ(step(w, STXR_X0, EMULATE_NORMAL), EMULATE_DONE);
	EXPECT_EQ(w->x[3], 1);
	EXPECT(w->out.unpaired);
	EXPECT_EQ(w->calls, 0);
	EXPECT_EQ(w->mem[AT % MEM], 0x10);
}

TEST(emulate_exclusive_monitor_is_open_after_an_abort)
{
	struct world *w = fresh();

	EXPECT_EQ(step(w, LDXR_X0, EMULATE_NORMAL), EMULATE_DONE);
	EXPECT_EQ(w->monitor.bytes, 8);
	w->abort_at = 1;
	EXPECT_EQ(step(w, STXR_X0, EMULATE_NORMAL), EMULATE_ABORT);
	EXPECT_EQ(w->out.va, AT);
	EXPECT(w->x[3] == 0x1122334455667788 + 3 * 0x0101010101010101); /* not even the status */
	EXPECT_EQ(w->monitor.bytes, 0);

	w->abort_at = 0;
	EXPECT_EQ(step(w, LDXR_X0, EMULATE_NORMAL), EMULATE_DONE);
	w->abort_at = 1;
	EXPECT_EQ(step(w, LDXR_X0, EMULATE_NORMAL), EMULATE_ABORT);
	EXPECT_EQ(w->monitor.bytes, 0);
}

TEST(emulate_store_exclusive_may_drop_its_status)
{
	struct world *w = fresh();

	EXPECT_EQ(step(w, LDXR_X0, EMULATE_NORMAL), EMULATE_DONE);
	w->x[0] = 0;
	EXPECT_EQ(step(w, 0xc81f7c20, EMULATE_NORMAL), EMULATE_DONE); /* stxr wzr, x0, [x1] */
	EXPECT_EQ(w->mem[AT % MEM], 0);
	EXPECT_EQ(w->x[EMULATE_SP], 0x12000);
}

TEST(emulate_store_exclusive_uses_the_old_value_of_its_status_register)
{
	struct world *w = fresh();

	step_done(w, "ldxr x0, [x1]", LDXR_X0, EMULATE_NORMAL);
	w->x[0] = 0x55;
	EXPECT_EQ(step(w, 0xc8007c20, EMULATE_NORMAL), EMULATE_DONE); /* stxr w0, x0, [x1] */
	EXPECT_EQ(get_mem(w, AT, 8, false), 0x55);
	EXPECT_EQ(w->x[0], 0);

	EXPECT_EQ(step(w, LDXR_X0, EMULATE_NORMAL), EMULATE_DONE);
	w->x[0] = 0x66;
	EXPECT_EQ(step(w, 0xc8017c20, EMULATE_NORMAL), EMULATE_DONE); /* stxr w1, x0, [x1] */
	EXPECT_EQ(get_mem(w, AT, 8, false), 0x66);
	EXPECT_EQ(w->x[1], 0);
}

TEST(emulate_exclusives_and_atomics_stay_within_16_bytes_and_off_devices)
{
	static const struct {
		const char *text;
		uint32_t word;
		unsigned bytes;
	} rows[] = {
		{ "ldxrb w0, [x1]", 0x085f7c20, 1 },
		{ "ldxr x0, [x1]", 0xc85f7c20, 8 },
		{ "stxr w3, w0, [x1]", 0x88037c20, 4 },
		{ "ldxp w0, w2, [x1]", 0x887f0820, 8 },
		{ "stxp w3, x0, x2, [x1]", 0xc8230820, 16 },
		{ "ldaddb w0, w2, [x1]", 0x38200022, 1 },
		{ "ldaddalh w0, w2, [x1]", 0x78e00022, 2 },
		{ "swp x0, x2, [x1]", 0xf8208022, 8 },
		{ "swpp x0, x2, [x1]", 0x19228020, 16 },
		{ "cas w0, w2, [x1]", 0x88a07c22, 4 },
		{ "casp w2, w3, w4, w5, [x1]", 0x08227c24, 8 },
		{ "casp x2, x3, x4, x5, [x1]", 0x48227c24, 16 },
	};

	for (size_t n = 0; n < ARRAY_SIZE(rows); n++)
		for (unsigned at = 0; at < 16; at++) {
			struct world *w = fresh();

			w->x[1] = AT + at;
			ROW_EQ(rows[n].text, step(w, rows[n].word, EMULATE_NORMAL),
			       at + rows[n].bytes <= 16 ? EMULATE_DONE : EMULATE_ALIGNMENT);
			w = fresh();
			w->x[1] = AT + at;
			ROW_EQ(rows[n].text, step(w, rows[n].word, EMULATE_DEVICE),
			       at % rows[n].bytes ? EMULATE_ALIGNMENT : EMULATE_UNSUPPORTED);
			ROW_EQ(rows[n].text, w->out.va, AT + at);
			ROW_EQ(rows[n].text, w->calls, 0);
			ROW_EQ(rows[n].text, w->x[EMULATE_PC], PC);
		}
}

TEST(emulate_atomics_do_every_operation_at_every_size)
{
	/* x0 (the operand) and memory before; memory after. x2 gets the old value. */
	static const struct {
		const char *text;
		uint32_t word;
		unsigned size;
		uint64_t operand, before, after;
	} rows[] = {
		{ "ldadd x0, x2", 0xf8200022, 8, 5, 7, 12 },
		{ "ldadd x0, x2 wraps", 0xf8200022, 8, 2, UINT64_MAX, 1 },
		{ "ldadd w0, w2 wraps", 0xb8200022, 4, 0xffffffff00000002, 0xffffffff, 1 },
		{ "ldaddalh w0, w2", 0x78e00022, 2, 0x10001, 0xffff, 0 },
		{ "ldaddb w0, w2", 0x38200022, 1, 0x102, 0xff, 1 },
		{ "ldclr x0, x2", 0xf8201022, 8, 0xff00, 0x12345678, 0x12340078 },
		{ "ldeor x0, x2", 0xf8202022, 8, 0xff00, 0x12345678, 0x1234a978 },
		{ "ldset x0, x2", 0xf8203022, 8, 0xff00, 0x12345678, 0x1234ff78 },
		{ "ldsmax x0, x2", 0xf8204022, 8, 1, UINT64_MAX, 1 },
		{ "ldsmax x0, x2 stays", 0xf8204022, 8, 1ULL << 63, 5, 5 },
		{ "ldsmin x0, x2", 0xf8205022, 8, UINT64_MAX, 1, UINT64_MAX },
		{ "ldsmin x0, x2 stays", 0xf8205022, 8, 9, 1ULL << 63, 1ULL << 63 },
		{ "ldumax x0, x2", 0xf8206022, 8, UINT64_MAX, 1, UINT64_MAX },
		{ "ldumax x0, x2 stays", 0xf8206022, 8, 1, 1ULL << 63, 1ULL << 63 },
		{ "ldumin x0, x2", 0xf8207022, 8, 1, UINT64_MAX, 1 },
		{ "ldumin x0, x2 stays", 0xf8207022, 8, UINT64_MAX, 1, 1 },
		{ "ldsmaxb w0, w2", 0x38204022, 1, 0xff7f, 0x80, 0x7f },
		{ "ldsmaxb w0, w2 stays", 0x38204022, 1, 0x80, 0x00, 0x00 },
		{ "ldsminh w0, w2", 0x78205022, 2, 0x8000, 0x7fff, 0x8000 },
		{ "ldumaxb w0, w2", 0x38206022, 1, 0xff7f, 0x80, 0x80 },
		{ "swp x0, x2", 0xf8208022, 8, 0x123456789abcdef0, 7, 0x123456789abcdef0 },
		{ "swpal w0, w2", 0xb8e08022, 4, 0x123456789abcdef0, 7, 0x9abcdef0 },
		{ "swpb w0, w2", 0x38208022, 1, 0x1234, 0x80, 0x34 },
	};

	for (size_t n = 0; n < ARRAY_SIZE(rows); n++)
		for (unsigned big = 0; big < 2; big++) {
			const char *text = rows[n].text;
			struct world *w = fresh();
			unsigned size = rows[n].size;

			w->cpu.big_endian = big;
			w->x[0] = rows[n].operand;
			set_mem(w, AT, rows[n].before, size, big);
			step_done(w, text, rows[n].word, EMULATE_NORMAL);
			ROW_EQ(text, get_mem(w, AT, size, big), rows[n].after);
			ROW_EQ(text, w->x[2], rows[n].before);
			ROW_EQ(text, w->x[0], rows[n].operand);
			ROW_EQ(text, w->mem[AT % MEM + size], 0x10 + size);
			ROW_EQ(text, w->calls, 2);
			expect_call(w, text, 0, 'r', AT, size);
			expect_call(w, text, 1, 'c', AT, size);
			ROW_EQ(text, w->out.nr, 1);
			ROW_EQ(text, w->out.access[0].kind, EMULATE_UPDATE);
			ROW_EQ(text, w->out.access[0].read.lo, rows[n].before);
			ROW_EQ(text, w->out.access[0].written.lo, rows[n].after);
		}
}

TEST(emulate_atomics_of_128_bits_work_on_both_registers)
{
	static const struct {
		const char *text;
		uint32_t word;
		uint64_t lo, hi; /* of memory, afterwards; before 0xff00, 0xf0f0 */
	} rows[] = {
		{ "ldclrp x0, x2, [x1]", 0x19221020, 0xf000, 0x00f0 },
		{ "ldsetpal x0, x2, [x1]", 0x19e23020, 0xff0f, 0xfff0 },
		{ "swpp x0, x2, [x1]", 0x19228020, 0x0f0f, 0xff00 },
	};

	for (size_t n = 0; n < ARRAY_SIZE(rows); n++)
		for (unsigned big = 0; big < 2; big++) {
			struct world *w = fresh();

			w->cpu.big_endian = big;
			w->x[0] = 0x0f0f;
			w->x[2] = 0xff00;
			set_mem(w, AT, 0xff00, 8, big);
			set_mem(w, AT + 8, 0xf0f0, 8, big);
			step_done(w, rows[n].text, rows[n].word, EMULATE_NORMAL);
			ROW_EQ(rows[n].text, get_mem(w, AT, 8, big), rows[n].lo);
			ROW_EQ(rows[n].text, get_mem(w, AT + 8, 8, big), rows[n].hi);
			ROW_EQ(rows[n].text, w->x[0], 0xff00);
			ROW_EQ(rows[n].text, w->x[2], 0xf0f0);
			expect_call(w, rows[n].text, 1, 'c', AT, 16);
			ROW_EQ(rows[n].text, w->out.access[0].written.lo, rows[n].lo);
			ROW_EQ(rows[n].text, w->out.access[0].written.hi, rows[n].hi);
		}
}

TEST(emulate_atomics_without_a_register_for_the_result)
{
	struct world *w = fresh();

	w->x[0] = 1;
	EXPECT_EQ(step(w, 0xf820003f, EMULATE_NORMAL), EMULATE_DONE); /* stadd x0, [x1] */
	EXPECT_EQ(w->mem[AT % MEM], 0x11);
	EXPECT_EQ(step(w, 0x3820003f, EMULATE_NORMAL), EMULATE_DONE); /* staddb w0, [x1] */
	EXPECT_EQ(w->mem[AT % MEM], 0x12);
	EXPECT_EQ(w->x[EMULATE_SP], 0x12000);
	EXPECT_EQ(step(w, 0xf83f8022, EMULATE_NORMAL), EMULATE_DONE); /* swp xzr, x2, [x1] */
	EXPECT_EQ(w->x[2], LE8(0) + 2);
	EXPECT_EQ(w->mem[AT % MEM], 0);
}

TEST(emulate_atomics_take_part_in_races_and_end)
{
	struct world *w = fresh();

	w->x[0] = 1;
	w->races = 5;
	step_done(w, "ldadd x0, x2", 0xf8200022, EMULATE_NORMAL);
	EXPECT_EQ(w->x[2], LE8(0) + 5);
	EXPECT_EQ(w->mem[AT % MEM], 0x10 + 6);
	EXPECT_EQ(w->calls, 1 + 6);
	EXPECT_EQ(w->out.nr, 1);

	w = fresh();
	w->races = 1000;
	EXPECT_EQ(step(w, 0xf8200022, EMULATE_NORMAL), EMULATE_AGAIN);
	EXPECT_EQ(w->calls, 1 + EMULATE_TRIES);
	EXPECT_EQ(w->x[2], 16);
	EXPECT_EQ(w->x[EMULATE_PC], PC);
	EXPECT_EQ(w->out.nr, 0);
}

TEST(emulate_cas_writes_only_over_what_was_expected)
{
	static const struct {
		const char *text;
		uint32_t word;
		unsigned size;
	} rows[] = {
		{ "casb w0, w2, [x1]", 0x08a07c22, 1 },
		{ "casalh w0, w2, [x1]", 0x48e0fc22, 2 },
		{ "cas w0, w2, [x1]", 0x88a07c22, 4 },
		{ "cas x0, x2, [x1]", 0xc8a07c22, 8 },
	};

	for (size_t n = 0; n < ARRAY_SIZE(rows); n++)
		for (unsigned k = 0; k < 4; k++) {
			const char *text = rows[n].text;
			unsigned size = rows[n].size;
			uint64_t mask = UINT64_MAX >> (64 - 8 * size);
			bool big = k & 1, hit = k / 2;
			struct world *w = fresh();
			uint64_t old = get_mem(w, AT, size, big);

			w->cpu.big_endian = big;
			/* What is above the size does not count. */
			w->x[0] = (hit ? old : old ^ 1) | (0x8877665544332211 & ~mask);
			w->x[2] = 0xf1f2f3f4f5f6f7f8;
			step_done(w, text, rows[n].word, EMULATE_NORMAL);
			ROW_EQ(text, w->x[0], old);
			ROW_EQ(text, w->x[2], 0xf1f2f3f4f5f6f7f8);
			ROW_EQ(text, get_mem(w, AT, size, big), hit ? w->x[2] & mask : old);
			ROW_EQ(text, w->mem[AT % MEM + size], 0x10 + size);
			ROW_EQ(text, w->calls, 1);
			expect_call(w, text, 0, 'c', AT, size);
			ROW_EQ(text, w->out.access[0].kind, hit ? EMULATE_UPDATE : EMULATE_READ);
			ROW_EQ(text, w->out.access[0].read.lo, old);
			ROW_EQ(text, w->out.access[0].written.lo, hit ? w->x[2] & mask : 0);
		}
}

TEST(emulate_casp_compares_and_writes_both_registers)
{
	for (unsigned k = 0; k < 12; k++) {
		bool big = k & 1, wide = k / 2 & 1;
		unsigned miss = k / 4; /* 0: none; 1, 2: the first, the second differs */
		unsigned size = wide ? 8 : 4;
		uint64_t mask = UINT64_MAX >> (64 - 8 * size);
		const char *text = wide ? "casp x2, x3, x4, x5, [x1]" : "casp w2, w3, w4, w5, [x1]";
		struct world *w = fresh();
		uint64_t lo = get_mem(w, AT, size, big), hi = get_mem(w, AT + size, size, big);

		w->cpu.big_endian = big;
		w->x[2] = lo ^ (miss == 1);
		w->x[3] = hi ^ (miss == 2);
		step_done(w, text, wide ? 0x48227c24 : 0x08227c24, EMULATE_NORMAL);
		ROW_EQ(text, w->x[2], lo);
		ROW_EQ(text, w->x[3], hi);
		ROW_EQ(text, get_mem(w, AT, size, big), miss ? lo : w->x[4] & mask);
		ROW_EQ(text, get_mem(w, AT + size, size, big), miss ? hi : w->x[5] & mask);
		ROW_EQ(text, w->calls, 1);
		expect_call(w, text, 0, 'c', AT, 2 * size);
	}
}

TEST(emulate_casp_pair_may_end_in_the_zero_register)
{
	struct world *w = fresh();

	w->x[30] = LE8(0);
	set_mem(w, AT + 8, 0, 8, false);
	step_done(w, "caspal x30, xzr, x4, x5, [x1]", 0x487efc24, EMULATE_NORMAL);
	EXPECT_EQ(w->x[30], LE8(0));
	EXPECT_EQ(w->x[EMULATE_SP], 0x12000);
	EXPECT(get_mem(w, AT, 8, false) == w->x[4]);
	EXPECT(get_mem(w, AT + 8, 8, false) == w->x[5]);
}

TEST_MAIN(T(emulate_exclusives_of_every_size_store_what_was_not_touched),
	  T(emulate_exclusive_pair_that_is_not_aligned_is_one_access),
	  T(emulate_store_exclusive_fails_when_memory_changed),
	  T(emulate_store_exclusive_fails_without_its_load),
	  T(emulate_exclusive_monitor_is_open_after_an_abort),
	  T(emulate_store_exclusive_may_drop_its_status),
	  T(emulate_store_exclusive_uses_the_old_value_of_its_status_register),
	  T(emulate_exclusives_and_atomics_stay_within_16_bytes_and_off_devices),
	  T(emulate_atomics_do_every_operation_at_every_size),
	  T(emulate_atomics_of_128_bits_work_on_both_registers),
	  T(emulate_atomics_without_a_register_for_the_result),
	  T(emulate_atomics_take_part_in_races_and_end),
	  T(emulate_cas_writes_only_over_what_was_expected),
	  T(emulate_casp_compares_and_writes_both_registers),
	  T(emulate_casp_pair_may_end_in_the_zero_register))
