/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/emulate_rig.h"

/* --- one register -------------------------------------------------------------------------- */

TEST(emulate_loads_every_size_and_extends_it)
{
	/* From 0x100f0: all bytes are negative. */
	static const struct {
		const char *text;
		uint32_t word;
		unsigned size;
		uint64_t little, big;
	} rows[] = {
		{ "ldrb w0, [x1]", 0x39400020, 1, 0xf0, 0xf0 },
		{ "ldrh w0, [x1]", 0x79400020, 2, 0xf1f0, 0xf0f1 },
		{ "ldr w0, [x1]", 0xb9400020, 4, 0xf3f2f1f0, 0xf0f1f2f3 },
		{ "ldr x0, [x1]", 0xf9400020, 8, 0xf7f6f5f4f3f2f1f0, 0xf0f1f2f3f4f5f6f7 },
		{ "ldrsb w0, [x1]", 0x39c00020, 1, 0xfffffff0, 0xfffffff0 },
		{ "ldrsb x0, [x1]", 0x39800020, 1, 0xfffffffffffffff0, 0xfffffffffffffff0 },
		{ "ldrsh w0, [x1]", 0x79c00020, 2, 0xfffff1f0, 0xfffff0f1 },
		{ "ldrsh x0, [x1]", 0x79800020, 2, 0xfffffffffffff1f0, 0xfffffffffffff0f1 },
		{ "ldrsw x0, [x1]", 0xb9800020, 4, 0xfffffffff3f2f1f0, 0xfffffffff0f1f2f3 },
		{ "ldurb w0, [x1]", 0x38400020, 1, 0xf0, 0xf0 },
		{ "ldursh w0, [x1]", 0x78c00020, 2, 0xfffff1f0, 0xfffff0f1 },
		{ "ldursw x0, [x1]", 0xb8800020, 4, 0xfffffffff3f2f1f0, 0xfffffffff0f1f2f3 },
		{ "ldtr x0, [x1]", 0xf8400820, 8, 0xf7f6f5f4f3f2f1f0, 0xf0f1f2f3f4f5f6f7 },
		{ "ldtrsb x0, [x1]", 0x38800820, 1, 0xfffffffffffffff0, 0xfffffffffffffff0 },
		{ "ldarb w0, [x1]", 0x08dffc20, 1, 0xf0, 0xf0 },
		{ "ldarh w0, [x1]", 0x48dffc20, 2, 0xf1f0, 0xf0f1 },
		{ "ldar w0, [x1]", 0x88dffc20, 4, 0xf3f2f1f0, 0xf0f1f2f3 },
		{ "ldar x0, [x1]", 0xc8dffc20, 8, 0xf7f6f5f4f3f2f1f0, 0xf0f1f2f3f4f5f6f7 },
		{ "ldlar x0, [x1]", 0xc8df7c20, 8, 0xf7f6f5f4f3f2f1f0, 0xf0f1f2f3f4f5f6f7 },
		{ "ldapr x0, [x1]", 0xf8bfc020, 8, 0xf7f6f5f4f3f2f1f0, 0xf0f1f2f3f4f5f6f7 },
		{ "ldaprb w0, [x1]", 0x38bfc020, 1, 0xf0, 0xf0 },
		{ "ldapur w0, [x1]", 0x99400020, 4, 0xf3f2f1f0, 0xf0f1f2f3 },
		{ "ldapursw x0, [x1]", 0x99800020, 4, 0xfffffffff3f2f1f0, 0xfffffffff0f1f2f3 },
		{ "ldapursb w0, [x1]", 0x19c00020, 1, 0xfffffff0, 0xfffffff0 },
	};

	for (size_t n = 0; n < ARRAY_SIZE(rows); n++)
		for (unsigned k = 0; k < 4; k++) {
			struct world *w = fresh();
			bool big = k & 1;

			w->x[1] = 0x100f0;
			w->cpu.big_endian = big;
			step_done(w, rows[n].text, rows[n].word, kinds[k / 2]);
			ROW_EQ(rows[n].text, w->x[0], big ? rows[n].big : rows[n].little);
			ROW_EQ(rows[n].text, w->x[1], 0x100f0);
			ROW_EQ(rows[n].text, w->calls, 1);
			expect_call(w, rows[n].text, 0, 'r', 0x100f0, rows[n].size);
		}
}

TEST(emulate_loads_what_is_positive_without_a_sign)
{
	struct world *w = fresh();

	w->x[1] = 0x1007e;					      /* 7e 7f 80 81 */
	EXPECT_EQ(step(w, 0x39800020, EMULATE_NORMAL), EMULATE_DONE); /* ldrsb x0, [x1] */
	EXPECT_EQ(w->x[0], 0x7e);
	EXPECT_EQ(step(w, 0x79800020, EMULATE_NORMAL), EMULATE_DONE); /* ldrsh x0, [x1] */
	EXPECT_EQ(w->x[0], 0x7f7e);
	EXPECT_EQ(step(w, 0x79c00020, EMULATE_NORMAL), EMULATE_DONE); /* ldrsh w0, [x1] */
	EXPECT_EQ(w->x[0], 0x7f7e);
}

TEST(emulate_stores_every_size_and_nothing_beside_it)
{
	/* x0 is 0x1122334455667788. */
	static const struct {
		const char *text;
		uint32_t word;
		unsigned size;
		uint64_t value;
	} rows[] = {
		{ "strb w0, [x1]", 0x39000020, 1, 0x88 },
		{ "strh w0, [x1]", 0x79000020, 2, 0x7788 },
		{ "str w0, [x1]", 0xb9000020, 4, 0x55667788 },
		{ "str x0, [x1]", 0xf9000020, 8, 0x1122334455667788 },
		{ "stur x0, [x1]", 0xf8000020, 8, 0x1122334455667788 },
		{ "sttrh w0, [x1]", 0x78000820, 2, 0x7788 },
		{ "stlr w0, [x1]", 0x889ffc20, 4, 0x55667788 },
		{ "stlrb w0, [x1]", 0x089ffc20, 1, 0x88 },
		{ "stllr x0, [x1]", 0xc89f7c20, 8, 0x1122334455667788 },
		{ "stlur x0, [x1]", 0xd9000020, 8, 0x1122334455667788 },
		{ "str xzr, [x1]", 0xf900003f, 8, 0 },
		{ "strb wzr, [x1]", 0x3900003f, 1, 0 },
	};

	for (size_t n = 0; n < ARRAY_SIZE(rows); n++)
		for (unsigned k = 0; k < 4; k++) {
			struct world *w = fresh();
			bool big = k & 1;

			w->cpu.big_endian = big;
			step_done(w, rows[n].text, rows[n].word, kinds[k / 2]);
			ROW_EQ(rows[n].text, w->calls, 1);
			expect_call(w, rows[n].text, 0, 'w', AT, rows[n].size);
			ROW_EQ(rows[n].text, get_mem(w, AT, rows[n].size, big), rows[n].value);
			ROW_EQ(rows[n].text, w->mem[AT % MEM - 1], 0x0f);
			ROW_EQ(rows[n].text, w->mem[AT % MEM + rows[n].size], 0x10 + rows[n].size);
			ROW_EQ(rows[n].text, w->x[0], 0x1122334455667788);
		}
}

TEST(emulate_big_endian_data_has_its_high_byte_first)
{
	struct world *w = fresh();

	w->cpu.big_endian = true;
	step_done(w, "str w0, [x1]", 0xb9000020, EMULATE_DEVICE);
	EXPECT(memcmp(w->mem + AT % MEM, "\x55\x66\x77\x88", 4) == 0);
}

TEST(emulate_register_31_is_zero_as_data_and_sp_as_base)
{
	struct world *w = fresh();

	EXPECT_EQ(step(w, 0xf940003f, EMULATE_NORMAL), EMULATE_DONE); /* ldr xzr, [x1] */
	EXPECT_EQ(w->calls, 1);
	EXPECT_EQ(w->x[EMULATE_SP], 0x12000);
	EXPECT_EQ(step(w, 0xf81f0fff, EMULATE_NORMAL), EMULATE_DONE); /* str xzr, [sp, #-16]! */
	EXPECT_EQ(w->x[EMULATE_SP], 0x11ff0);
	expect_call(w, "str xzr, [sp, #-16]!", 0, 'w', 0x11ff0, 8);
	EXPECT_EQ(w->mem[0x1ff0], 0);
}

/* --- addresses ----------------------------------------------------------------------------- */

TEST(emulate_address_of_every_form)
{
	static const struct {
		const char *text;
		uint32_t word;
		uint64_t x2, va, base; /* base: afterwards, where there is write-back */
		unsigned bytes;
	} rows[] = {
		{ "ldr x0, [x1, #8]", 0xf9400420, 0, AT + 8, 0, 8 },
		{ "ldr x0, [x1, #32760]", 0xf97ffc20, 0, AT + 32760, 0, 8 },
		{ "ldur x0, [x1, #-8]", 0xf85f8020, 0, AT - 8, 0, 8 },
		{ "ldr x0, [x1, #16]!", 0xf8410c20, 0, AT + 16, AT + 16, 8 },
		{ "ldr x0, [x1, #-16]!", 0xf85f0c20, 0, AT - 16, AT - 16, 8 },
		{ "ldr x0, [x1], #16", 0xf8410420, 0, AT, AT + 16, 8 },
		{ "ldr x0, [x1], #-16", 0xf85f0420, 0, AT, AT - 16, 8 },
		{ "ldr x0, [sp, #8]", 0xf94007e0, 0, 0x12008, 0, 8 },
		{ "ldr x0, [sp], #16", 0xf84107e0, 0, 0x12000, 0x12010, 8 },
		{ "str x0, [sp, #-16]!", 0xf81f0fe0, 0, 0x11ff0, 0x11ff0, 8 },
		{ "ldr x0, [x1, x2]", 0xf8626820, 0x20, AT + 0x20, 0, 8 },
		{ "ldr x0, [x1, x2, lsl #3]", 0xf8627820, 0x20, AT + 0x100, 0, 8 },
		{ "ldr x0, [x1, x2, lsl #3] -", 0xf8627820, -1ULL, AT - 8, 0, 8 },
		{ "ldr x0, [x1, x2, lsl #3] wraps", 0xf8627820, 1ULL << 62, AT, 0, 8 },
		{ "ldr x0, [x1, x2, sxtx #3]", 0xf862f820, -2ULL, AT - 16, 0, 8 },
		{ "ldr x0, [x1, w2, uxtw]", 0xf8624820, 0x7fffffff10, AT + 0xffffff10, 0, 8 },
		{ "ldr x0, [x1, w2, uxtw #3]", 0xf8625820, 0xffffffff, AT + 0x7fffffff8, 0, 8 },
		{ "ldr x0, [x1, w2, sxtw]", 0xf862c820, 0x1fffffff0, AT - 16, 0, 8 },
		{ "ldr x0, [x1, w2, sxtw] +", 0xf862c820, 0x7fffffff, AT + 0x7fffffff, 0, 8 },
		{ "ldr x0, [x1, w2, sxtw #3]", 0xf862d820, 0xffffffff, AT - 8, 0, 8 },
		{ "ldr x0, [x1, xzr]", 0xf87f6820, 0, AT, 0, 8 },
		{ "ldr q0, [x1, w2, uxtw #4]", 0x3ce25820, 1, AT + 16, 0, 16 },
		{ "ldrb w0, [x1, w2, sxtw]", 0x3862c820, 0xffffffff, AT - 1, 0, 1 },
		{ "ldr x0, .+16", 0x58000080, 0, PC + 16, 0, 8 },
		{ "ldr x0, .-16", 0x58ffff80, 0, PC - 16, 0, 8 },
		{ "ldr w0, .+4", 0x18000020, 0, PC + 4, 0, 4 },
		{ "ldrsw x0, .+4", 0x98000020, 0, PC + 4, 0, 4 },
		{ "ldr q0, .+16", 0x9c000080, 0, PC + 16, 0, 16 },
		{ "ldp x0, x2, [x1]", 0xa9400820, 0, AT, 0, 16 },
		{ "ldp x0, x2, [x1, #-16]", 0xa97f0820, 0, AT - 16, 0, 16 },
		{ "ldp x0, x2, [x1, #16]!", 0xa9c10820, 0, AT + 16, AT + 16, 16 },
		{ "ldp x0, x2, [x1], #-16", 0xa8ff0820, 0, AT, AT - 16, 16 },
		{ "stp x0, x2, [sp, #-16]!", 0xa9bf0be0, 0, 0x11ff0, 0x11ff0, 16 },
		{ "ldp x0, x2, [sp], #16", 0xa8c10be0, 0, 0x12000, 0x12010, 16 },
		{ "ldp q0, q2, [x1]", 0xad400820, 0, AT, 0, 32 },
		{ "ld1 {v0.16b}, [x1], #16", 0x4cdf7020, 0, AT, AT + 16, 16 },
		{ "ld1 {v0.16b}, [x1], x2", 0x4cc27020, 0x123, AT, AT + 0x123, 16 },
		{ "ld1 {v0.b}[3], [x1], #1", 0x0ddf0c20, 0, AT, AT + 1, 1 },
		{ "ld1 {v0.16b}, [sp], x2", 0x4cc273e0, -16ULL, 0x12000, 0x11ff0, 16 },
		{ "ld4 {v0.16b-v3.16b}, [x1]", 0x4c400020, 0, AT, 0, 64 },
		{ "ldxr x0, [x1]", 0xc85f7c20, 0, AT, 0, 8 },
		{ "ldadd x0, x2, [x1]", 0xf8200022, 0, AT, 0, 8 },
		{ "cas x0, x2, [x1]", 0xc8a07c22, 0, AT, 0, 8 },
		{ "casp x2, x3, x4, x5, [x1]", 0x48227c24, 0, AT, 0, 16 },
		{ "stg x1, [x1, #32]", 0xd9202821, 0, AT + 32, 0, 16 },
		{ "ld64b x0, [x1]", 0xf83fd020, 0, AT, 0, 64 },
		{ "dc zva, x1", 0xd50b7421, 0, 0x10000, 0, 64 },
		{ "dc zva, xzr", 0xd50b743f, 0, 0, 0, 64 },
		{ "dc civac, x1", 0xd50b7e21, 0, AT, 0, 0 },
		{ "dc civac, xzr", 0xd50b7e3f, 0, 0, 0, 0 },
		{ "prfm pldl1keep, [x1, #8]", 0xf9800420, 0, AT + 8, 0, 0 },
	};

	for (size_t n = 0; n < ARRAY_SIZE(rows); n++) {
		struct insn i = decode(rows[n].word);
		struct world *w = fresh();
		struct emulate_address a;
		enum emulate_status s;
		unsigned base;

		w->x[2] = rows[n].x2;
		ROW_EQ(rows[n].text, emulate_address(&w->cpu, &i, &a), EMULATE_DONE);
		ROW_EQ(rows[n].text, a.va, rows[n].va);
		ROW_EQ(rows[n].text, a.bytes, rows[n].bytes);
		ROW_EQ(rows[n].text, w->calls, 0);
		if (rows[n].base)
			ROW_EQ(rows[n].text, a.new_base, rows[n].base);

		/* And the whole instruction does the same. */
		base = i.rn;
		s = emulate(&w->cpu, &i, EMULATE_NORMAL, &w->out);
		if (s == EMULATE_CANNOT)
			continue;
		ROW_EQ(rows[n].text, s, EMULATE_DONE);
		if (rows[n].bytes)
			ROW_EQ(rows[n].text, w->call[0].va, rows[n].va);
		if (rows[n].base)
			ROW_EQ(rows[n].text, w->x[base], rows[n].base);
		else if (base == 1)
			ROW_EQ(rows[n].text, w->x[1], AT);
	}
}

TEST(emulate_wraps_at_the_top_of_the_address_space)
{
	struct world *w = fresh();

	w->x[1] = TOP;
	step_done(w, "ldp x0, x2, [x1], #16", 0xa8c10820, EMULATE_NORMAL);
	EXPECT_EQ(w->calls, 2);
	expect_call(w, "ldp", 0, 'r', TOP, 8);
	expect_call(w, "ldp", 1, 'r', 0, 8);
	EXPECT(w->x[0] == 0xfffefdfcfbfaf9f8);
	EXPECT_EQ(w->x[2], 0x0706050403020100);
	EXPECT_EQ(w->x[1], 8);

	w = fresh();
	w->x[1] = TOP + 5;
	step_done(w, "ldr x0, [x1]", 0xf9400020, EMULATE_NORMAL);
	EXPECT_EQ(w->calls, 2);
	expect_call(w, "ldr", 0, 'r', TOP + 5, 3);
	expect_call(w, "ldr", 1, 'r', 0, 5);
	EXPECT_EQ(w->x[0], 0x0403020100fffefd);
}

TEST(emulate_pc_wraps_like_any_address)
{
	struct world *w = fresh();

	w->x[EMULATE_PC] = 0xfffffffffffffffcULL;
	EXPECT_EQ(step(w, 0xf9400020, EMULATE_NORMAL), EMULATE_DONE);
	EXPECT_EQ(w->x[EMULATE_PC], 0);
}

/* --- pairs --------------------------------------------------------------------------------- */

TEST(emulate_loads_pairs_of_general_registers)
{
	static const struct {
		const char *text;
		uint32_t word;
		unsigned size;
	} rows[] = {
		{ "ldp w0, w2, [x1]", 0x29400820, 4 },
		{ "ldnp w0, w2, [x1]", 0x28400820, 4 },
		{ "ldpsw x0, x2, [x1]", 0x69400820, 4 },
		{ "ldp x0, x2, [x1]", 0xa9400820, 8 },
		{ "ldp x0, x2, [x1], #-16", 0xa8ff0820, 8 },
		{ "ldiapp x0, x2, [x1]", 0xd9421820, 8 },
	};

	for (size_t n = 0; n < ARRAY_SIZE(rows); n++)
		for (unsigned k = 0; k < 4; k++) {
			struct world *w = fresh();
			unsigned size = rows[n].size;
			bool big = k & 1, device = k / 2;

			w->cpu.big_endian = big;
			step_done(w, rows[n].text, rows[n].word, kinds[device]);
			ROW_EQ(rows[n].text, w->x[0], get_mem(w, AT, size, big));
			ROW_EQ(rows[n].text, w->x[2], get_mem(w, AT + size, size, big));
			/* A device sees each register; RAM gives a pair at once. */
			ROW_EQ(rows[n].text, w->calls, device ? 2 : 1);
			for (unsigned c = 0; c < w->calls; c++)
				expect_call(w, rows[n].text, c, 'r', AT + c * size,
					    device ? size : 2 * size);
		}
}

TEST(emulate_loads_pairs_of_signed_words)
{
	struct world *w = fresh();

	w->x[1] = 0x1007c; /* 7c 7d 7e 7f 80 81 82 83 */
	step_done(w, "ldpsw x0, x2, [x1]", 0x69400820, EMULATE_DEVICE);
	EXPECT_EQ(w->x[0], 0x7f7e7d7c);
	EXPECT(w->x[2] == 0xffffffff83828180);
}

TEST(emulate_splits_a_pair_in_ram_that_is_not_aligned_as_a_whole)
{
	struct world *w = fresh();

	w->x[1] = AT + 8;
	step_done(w, "ldp x0, x2, [x1]", 0xa9400820, EMULATE_NORMAL);
	EXPECT_EQ(w->calls, 2);
	expect_call(w, "ldp", 0, 'r', AT + 8, 8);
	expect_call(w, "ldp", 1, 'r', AT + 16, 8);
	EXPECT_EQ(w->x[0], LE8(8));
	EXPECT_EQ(w->x[2], LE8(16));

	w = fresh();
	w->x[1] = AT + 4;
	step_done(w, "stp w0, w2, [x1]", 0x29000820, EMULATE_NORMAL);
	EXPECT_EQ(w->calls, 2); /* each is single-copy atomic */
	expect_call(w, "stp", 0, 'w', AT + 4, 4);
	expect_call(w, "stp", 1, 'w', AT + 8, 4);
}

TEST(emulate_stores_pairs_lowest_address_first)
{
	static const struct {
		const char *text;
		uint32_t word;
		unsigned size;
		uint64_t first; /* the second is x2, 16 */
	} rows[] = {
		{ "stp w0, w2, [x1]", 0x29000820, 4, 0x55667788 },
		{ "stp x0, x2, [x1]", 0xa9000820, 8, 0x1122334455667788 },
		{ "stnp x0, x2, [x1]", 0xa8000820, 8, 0x1122334455667788 },
		{ "stp xzr, x2, [x1]", 0xa900083f, 8, 0 },
	};

	for (size_t n = 0; n < ARRAY_SIZE(rows); n++)
		for (unsigned k = 0; k < 4; k++) {
			struct world *w = fresh();
			unsigned size = rows[n].size;
			bool big = k & 1, device = k / 2;

			w->cpu.big_endian = big;
			step_done(w, rows[n].text, rows[n].word, kinds[device]);
			ROW_EQ(rows[n].text, get_mem(w, AT, size, big), rows[n].first);
			ROW_EQ(rows[n].text, get_mem(w, AT + size, size, big), 16);
			ROW_EQ(rows[n].text, w->mem[AT % MEM + 2 * size], 0x10 + 2 * size);
			ROW_EQ(rows[n].text, w->calls, device ? 2 : 1);
			for (unsigned c = 0; c < w->calls; c++)
				expect_call(w, rows[n].text, c, 'w', AT + c * size,
					    device ? size : 2 * size);
		}
}

/* --- other instructions, other ways -------------------------------------------------------- */

TEST(emulate_dc_zva_zeroes_one_block_of_any_size)
{
	for (unsigned bytes = 4; bytes <= 2048; bytes *= 2) {
		struct world *w = fresh();

		w->x[1] = 0x19805; /* not aligned, and need not be */
		w->cpu.zva_bytes = bytes;
		step_done(w, "dc zva, x1", 0xd50b7421, EMULATE_NORMAL);
		for (unsigned n = 0; n < MEM; n++) {
			uint64_t first = 0x9805 / bytes * bytes;

			ROW_EQ("dc zva", w->mem[n],
			       n >= first && n < first + bytes ? 0 : (uint8_t)n);
		}
		EXPECT_EQ(w->out.nr, 1);
		EXPECT_EQ(w->out.access[0].kind, EMULATE_WRITE);
		EXPECT_EQ(w->out.access[0].va, 0x19805 / bytes * bytes);
		EXPECT_EQ(w->out.access[0].bytes, bytes);
	}
}

TEST(emulate_dc_zva_cannot_without_a_block_size)
{
	static const unsigned sizes[] = { 0, 1, 2, 3, 48, 4096, UINT32_MAX };

	for (size_t n = 0; n < ARRAY_SIZE(sizes); n++) {
		struct world *w = fresh();

		w->cpu.zva_bytes = sizes[n];
		EXPECT_EQ(step(w, 0xd50b7421, EMULATE_NORMAL), EMULATE_CANNOT);
		EXPECT_EQ(w->calls, 0);
	}
}

TEST(emulate_dc_zva_lists_what_it_zeroed_before_an_abort)
{
	struct world *w = fresh();

	w->abort_at = 3;
	EXPECT_EQ(step(w, 0xd50b7421, EMULATE_NORMAL), EMULATE_ABORT);
	EXPECT_EQ(w->out.va, 0x10020);
	EXPECT_EQ(w->out.nr, 1);
	EXPECT_EQ(w->out.access[0].bytes, 32);
	w->abort_at = 1;
	EXPECT_EQ(step(w, 0xd50b7421, EMULATE_NORMAL), EMULATE_ABORT);
	EXPECT_EQ(w->out.nr, 0);
}

TEST(emulate_hints_and_maintenance_do_nothing)
{
	static const uint32_t words[] = {
		0xd50b7a21, /* dc cvac, x1 */
		0xd50b7e21, /* dc civac, x1 */
		0xd50b7521, /* ic ivau, x1 */
		0xf9800020, /* prfm pldl1keep, [x1] */
		0xd8000040, /* prfm pldl1keep, .+8 */
		0xf8803020, /* prfum pldl1keep, [x1, #3] */
	};

	for (size_t n = 0; n < ARRAY_SIZE(words); n++)
		for (unsigned k = 0; k < 2; k++) {
			struct world *w = fresh();

			step_done(w, "hint", words[n], kinds[k]);
			EXPECT_EQ(w->calls, 0);
			EXPECT_EQ(w->out.nr, 0);
			w->x[EMULATE_PC] = PC;
			EXPECT(memcmp(w->x, fresh()->x, sizeof(w->x)) == 0);
		}
}

TEST(emulate_cannot_do_what_it_does_not_know_and_leaves_all_alone)
{
	static const uint32_t words[] = {
		0xd50b7461, /* dc gva, x1 */
		0xd50b7481, /* dc gzva, x1 */
		0xf8200420, /* ldraa x0, [x1] */
		0xf8a01c20, /* ldrab x0, [x1, #8]! */
		0xf83fd020, /* ld64b x0, [x1] */
		0xf83f9020, /* st64b x0, [x1] */
		0xf822b020, /* st64bv x2, x0, [x1] */
		0xd9200820, /* stg x0, [x1] */
		0xd9600020, /* ldg x0, [x1] */
		0x69000820, /* stgp x0, x2, [x1] */
		0xd9a01420, /* st2g x0, [x1], #16 */
		0x19010440, /* cpyfp [x0]!, [x1]!, x2! */
		0x19c20420, /* setp [x0]!, x1!, x2 */
		0xa400a020, /* ld1b {z0.b}, p0/z, [x1] */
		0xe5e0e020, /* st1d {z0.d}, p0, [x1] */
		0x85804020, /* ldr z0, [x1] */
	};

	for (size_t n = 0; n < ARRAY_SIZE(words); n++)
		for (unsigned k = 0; k < 2; k++) {
			struct world *w = fresh();

			EXPECT_EQ(step(w, words[n], kinds[k]), EMULATE_CANNOT);
			EXPECT_EQ(w->calls, 0);
			EXPECT_EQ(w->out.nr, 0);
			EXPECT(memcmp(w->x, fresh()->x, sizeof(w->x)) == 0);
		}
}

TEST(emulate_overlapping_registers_do_what_most_cores_do)
{
	struct world *w = fresh();

	step_done(w, "ldr x1, [x1], #8", 0xf8408421, EMULATE_NORMAL);
	EXPECT_EQ(w->x[1], LE8(0)); /* the loaded value, not the base */

	w = fresh();
	step_done(w, "ldr x1, [x1, #8]!", 0xf8408c21, EMULATE_NORMAL);
	EXPECT_EQ(w->x[1], LE8(8));

	w = fresh();
	step_done(w, "ldp x1, x2, [x1], #16", 0xa8c10821, EMULATE_NORMAL);
	EXPECT_EQ(w->x[1], LE8(0));
	EXPECT_EQ(w->x[2], LE8(8));

	w = fresh();
	step_done(w, "ldp x0, x1, [x1], #16", 0xa8c10420, EMULATE_DEVICE);
	EXPECT_EQ(w->x[0], LE8(0));
	EXPECT_EQ(w->x[1], LE8(8));

	w = fresh();
	step_done(w, "ldp x0, x0, [x1]", 0xa9400020, EMULATE_NORMAL);
	EXPECT_EQ(w->x[0], LE8(8));

	w = fresh();
	step_done(w, "str x1, [x1], #8", 0xf8008421, EMULATE_NORMAL);
	EXPECT_EQ(get_mem(w, AT, 8, false), AT); /* the base as it was */
	EXPECT_EQ(w->x[1], AT + 8);

	w = fresh();
	step_done(w, "str x1, [x1, #8]!", 0xf8008c21, EMULATE_NORMAL);
	EXPECT_EQ(get_mem(w, AT + 8, 8, false), AT);
	EXPECT_EQ(w->x[1], AT + 8);

	w = fresh();
	step_done(w, "stp x1, x2, [x1, #16]!", 0xa9810821, EMULATE_NORMAL);
	EXPECT_EQ(get_mem(w, AT + 16, 8, false), AT);
	EXPECT_EQ(w->x[1], AT + 16);

	w = fresh(); /* these are no overlaps to the manual */
	w->x[1] = AT / 2;
	step_done(w, "ldr x1, [x1, x1]", 0xf8616821, EMULATE_NORMAL);
	EXPECT_EQ(w->x[1], LE8(0));

	w = fresh();
	step_done(w, "ldadd x1, x1, [x1]", 0xf8210021, EMULATE_NORMAL);
	EXPECT_EQ(w->x[1], LE8(0));
	EXPECT_EQ(get_mem(w, AT, 8, false), LE8(0) + AT);
}

TEST(emulate_access_in_ram_that_crosses_a_granule_is_a_call_on_each_side)
{
	struct world *w = fresh();
	static const uint8_t want[] = { 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11 };

	w->x[1] = EDGE - 3;
	step_done(w, "str x0, [x1]", 0xf9000020, EMULATE_NORMAL);
	EXPECT_EQ(w->calls, 2);
	expect_call(w, "str", 0, 'w', EDGE - 3, 3);
	expect_call(w, "str", 1, 'w', EDGE, 5);
	EXPECT(memcmp(w->mem + (EDGE - 3) % MEM, want, 8) == 0);
	EXPECT_EQ(w->out.nr, 2);
	EXPECT_EQ(w->out.access[0].written.lo, 0x667788);
	EXPECT_EQ(w->out.access[1].written.lo, 0x1122334455);

	w = fresh();
	w->x[1] = EDGE - 1;
	w->cpu.big_endian = true;
	step_done(w, "ldr q0, [x1]", 0x3dc00020, EMULATE_NORMAL);
	EXPECT_EQ(w->calls, 2);
	expect_call(w, "ldr", 0, 'r', EDGE - 1, 1);
	expect_call(w, "ldr", 1, 'r', EDGE, 15);
	EXPECT(w->v[0].hi == 0xff00010203040506);
	EXPECT_EQ(w->v[0].lo, 0x0708090a0b0c0d0e);

	w = fresh();
	w->x[1] = EDGE - 24; /* crosses, and no element does */
	step_done(w, "stp q0, q2, [x1]", 0xad000820, EMULATE_NORMAL);
	EXPECT_EQ(w->calls, 3);
	expect_call(w, "stp", 1, 'w', EDGE - 8, 8);
	expect_call(w, "stp", 2, 'w', EDGE, 8);
}

TEST(emulate_unaligned_access_in_ram_is_one_call_when_it_crosses_nothing)
{
	struct world *w = fresh();

	w->x[1] = AT + 3;
	step_done(w, "ldr x0, [x1]", 0xf9400020, EMULATE_NORMAL);
	EXPECT_EQ(w->x[0], LE8(3));
	EXPECT_EQ(w->calls, 1);
	expect_call(w, "ldr", 0, 'r', AT + 3, 8);
}

/* --- what is refused ----------------------------------------------------------------------- */

TEST(emulate_device_memory_wants_elements_aligned)
{
	/* The alignment that is just enough. */
	static const struct {
		const char *text;
		uint32_t word;
		unsigned align;
	} rows[] = {
		{ "ldrb w0, [x1]", 0x39400020, 1 },
		{ "ldrh w0, [x1]", 0x79400020, 2 },
		{ "ldr w0, [x1]", 0xb9400020, 4 },
		{ "str x0, [x1]", 0xf9000020, 8 },
		{ "stlr w0, [x1]", 0x889ffc20, 4 },
		{ "ldapur w0, [x1]", 0x99400020, 4 },
		{ "ldp w0, w2, [x1]", 0x29400820, 4 },
		{ "stp x0, x2, [x1]", 0xa9000820, 8 },
		{ "ldr q0, [x1]", 0x3dc00020, 16 },
		{ "stp q0, q2, [x1]", 0xad000820, 16 },
		{ "ldp s0, s2, [x1]", 0x2d400820, 4 },
		{ "ld1 {v0.16b}, [x1]", 0x4c407020, 1 },
		{ "ld4 {v30.2s-v1.2s}, [x1]", 0x0c40083e, 4 },
		{ "ld1 {v0.h}[7], [x1]", 0x4d405820, 2 },
		{ "ld3r {v0.2d-v2.2d}, [x1]", 0x4d40ec20, 8 },
	};

	for (size_t n = 0; n < ARRAY_SIZE(rows); n++)
		for (unsigned at = 0; at < 16; at++) {
			bool fits = at % rows[n].align == 0;
			struct world *w = fresh();

			w->x[1] = AT + at;
			ROW_EQ(rows[n].text, step(w, rows[n].word, EMULATE_DEVICE),
			       fits ? EMULATE_DONE : EMULATE_ALIGNMENT);
			ROW_EQ(rows[n].text, w->x[EMULATE_PC], fits ? PC + 4 : PC);
			if (!fits) {
				ROW_EQ(rows[n].text, w->calls, 0);
				ROW_EQ(rows[n].text, w->out.va, AT + at);
			}
			/* RAM takes anything. */
			w = fresh();
			w->x[1] = AT + at;
			ROW_EQ(rows[n].text, step(w, rows[n].word, EMULATE_NORMAL), EMULATE_DONE);
		}
}

TEST(emulate_dc_zva_on_a_device_is_an_alignment_fault)
{
	struct world *w = fresh();

	EXPECT_EQ(step(w, 0xd50b7421, EMULATE_DEVICE), EMULATE_ALIGNMENT);
	EXPECT_EQ(w->calls, 0);
}

/* One of every way to make calls. */
static const uint32_t samples[] = {
	0xf9400020, /* ldr x0, [x1] */
	0xf8410420, /* ldr x0, [x1], #16 */
	0xf9000020, /* str x0, [x1] */
	0xf81f0fe0, /* str x0, [sp, #-16]! */
	0xa8ff0820, /* ldp x0, x2, [x1], #-16 */
	0xa9810821, /* stp x1, x2, [x1, #16]! */
	0x69400820, /* ldpsw x0, x2, [x1] */
	0xf8627820, /* ldr x0, [x1, x2, lsl #3] */
	0x58000080, /* ldr x0, .+16 */
	0xacc10420, /* ldp q0, q1, [x1], #32 */
	0xad000820, /* stp q0, q2, [x1] */
	0x3dc00020, /* ldr q0, [x1] */
	0x4cdf7020, /* ld1 {v0.16b}, [x1], #16 */
	0x4cc27020, /* ld1 {v0.16b}, [x1], x2 */
	0x4c400020, /* ld4 {v0.16b-v3.16b}, [x1] */
	0x4c000020, /* st4 {v0.16b-v3.16b}, [x1] */
	0x0ddf0c20, /* ld1 {v0.b}[3], [x1], #1 */
	0x0d60a420, /* ld4 {v0.d-v3.d}[0], [x1] */
	0x4d60e820, /* ld4r {v0.4s-v3.4s}, [x1] */
	0xc87f0820, /* ldxp x0, x2, [x1] */
	0xc8037c20, /* stxr w3, x0, [x1] */
	0xf8200022, /* ldadd x0, x2, [x1] */
	0x19228020, /* swpp x0, x2, [x1] */
	0xc8a07c22, /* cas x0, x2, [x1] */
	0x48227c24, /* casp x2, x3, x4, x5, [x1] */
	0xd50b7421, /* dc zva, x1 */
};

/* A world where a store-exclusive of 8 bytes at AT may succeed. */
static struct world *armed(void)
{
	struct world *w = fresh();

	w->monitor = (struct emulate_monitor){ .va = AT, .bytes = 8 };
	memcpy(w->monitor.value, w->mem + AT % MEM, 8);
	return w;
}

static void expect_registers_untouched(const struct world *w)
{
	static uint64_t x[33];
	static struct emulate_wide v[32];

	memcpy(x, w->x, sizeof(x));
	memcpy(v, w->v, sizeof(v));
	EXPECT(memcmp(x, fresh()->x, sizeof(x)) == 0);
	EXPECT(memcmp(v, fresh()->v, sizeof(v)) == 0);
}

/* Whether memory is no longer as it was. */
static bool written(const struct world *w, const struct call *c)
{
	for (unsigned k = 0; k < c->size; k++)
		if (w->mem[(c->va + k) % MEM] != (uint8_t)(c->va + k))
			return true;
	return false;
}

TEST(emulate_abort_anywhere_leaves_registers_and_keeps_what_was_stored)
{
	for (size_t n = 0; n < ARRAY_SIZE(samples); n++)
		for (unsigned k = 0; k < 8; k++) {
			enum emulate_memory memory = kinds[k & 1];
			bool odd = k & 2, host = k & 4;
			unsigned total;
			struct world *w = armed();

			w->x[1] += odd;
			if (step(w, samples[n], memory) != EMULATE_DONE)
				continue; /* not on this kind of memory, or not at this address */
			total = w->calls;
			for (unsigned at = 1; at <= total; at++) {
				w = armed();
				w->x[1] += odd;
				w->abort_at = at;
				w->host_fails = host;
				ROW_EQ("sample", step(w, samples[n], memory),
				       host ? EMULATE_FAILED : EMULATE_ABORT);
				ROW_EQ("sample", w->calls, at);
				ROW_EQ("sample", w->out.va, w->call[at - 1].va);
				/* The calls before it: an atomic's, and those of DC ZVA, are one.
				 */
				if (decode(samples[n]).class == INSN_LDST ||
				    decode(samples[n]).class == INSN_STRUCT)
					ROW_EQ("sample", w->out.nr, at - 1);
				for (unsigned c = 0; c < at; c++)
					if (w->call[c].what == 'w')
						EXPECT(written(w, &w->call[c]) == (c + 1 < at));
				w->x[1] -= odd;
				expect_registers_untouched(w);
			}
		}
}

TEST(emulate_register_that_cannot_be_reached_is_a_failure_of_the_host)
{
	for (size_t n = 0; n < ARRAY_SIZE(samples); n++) {
		struct world *w = armed();
		unsigned total;

		EXPECT_EQ(step(w, samples[n], EMULATE_NORMAL), EMULATE_DONE);
		total = w->regs;
		for (unsigned at = 1; at <= total; at++) {
			w = armed();
			w->reg_fails = at;
			EXPECT_EQ(step(w, samples[n], EMULATE_NORMAL), EMULATE_FAILED);
			EXPECT_EQ(w->regs, at); /* nothing is tried after it */
			EXPECT_EQ(w->x[EMULATE_PC], PC);
		}
	}
}

/* --- the report ---------------------------------------------------------------------------- */

TEST(emulate_result_lists_values_as_the_program_sees_them)
{
	for (unsigned big = 0; big < 2; big++) {
		struct world *w = fresh();
		const struct emulate_access *a = w->out.access;

		w->cpu.big_endian = big;
		step_done(w, "stp x0, x2, [x1]", 0xa9000820, EMULATE_DEVICE);
		EXPECT_EQ(w->out.nr, 2);
		EXPECT_EQ(a[0].kind, EMULATE_WRITE);
		EXPECT_EQ(a[0].va, AT);
		EXPECT_EQ(a[0].bytes, 8);
		EXPECT_EQ(a[0].written.lo, 0x1122334455667788);
		EXPECT_EQ(a[0].written.hi, 0);
		EXPECT_EQ(a[1].va, AT + 8);
		EXPECT_EQ(a[1].written.lo, 16);

		w->x[EMULATE_PC] = PC;
		step_done(w, "ldp x0, x2, [x1]", 0xa9400820, EMULATE_NORMAL);
		EXPECT_EQ(w->out.nr, 1);
		EXPECT_EQ(a[0].kind, EMULATE_READ);
		EXPECT_EQ(a[0].bytes, 16);
		EXPECT_EQ(a[0].read.lo, 0x1122334455667788);
		EXPECT_EQ(a[0].read.hi, 16);
		EXPECT_EQ(a[0].written.lo, 0);

		w->x[EMULATE_PC] = PC;
		step_done(w, "str q0, [x1]", 0x3d800020, EMULATE_NORMAL);
		EXPECT_EQ(w->out.nr, 1);
		EXPECT(a[0].written.lo == 0xa0a1a2a3a4a5a6a7);
		EXPECT(a[0].written.hi == 0xb0b1b2b3b4b5b6b7);

		w->x[EMULATE_PC] = PC; /* for a device as halves, as they lie in memory */
		step_done(w, "str q0, [x1]", 0x3d800020, EMULATE_DEVICE);
		EXPECT_EQ(w->out.nr, 2);
		EXPECT(a[big].written.lo == 0xa0a1a2a3a4a5a6a7);
		EXPECT(a[!big].written.lo == 0xb0b1b2b3b4b5b6b7);

		w->x[EMULATE_PC] = PC;
		step_done(w, "ld4 {v0.16b-v3.16b}, [x1]", 0x4c400020, EMULATE_NORMAL);
		EXPECT_EQ(w->out.nr, 64);
		EXPECT_EQ(a[63].va, AT + 63);
		EXPECT_EQ(a[63].read.lo, 0x10 + 63);
	}
}

TEST(emulate_result_of_one_instruction_holds_nothing_of_the_one_before)
{
	struct world *w = fresh();

	EXPECT_EQ(step(w, 0xc8037c20, EMULATE_NORMAL), EMULATE_DONE); /* stxr w3, x0, [x1] */
	EXPECT(w->out.unpaired);
	w->abort_at = 1;
	EXPECT_EQ(step(w, 0xf9400020, EMULATE_NORMAL), EMULATE_ABORT);
	EXPECT(!w->out.unpaired);
	w->abort_at = 0;
	EXPECT_EQ(step(w, 0xf9400020, EMULATE_NORMAL), EMULATE_DONE);
	EXPECT_EQ(w->out.va, 0);
	EXPECT_EQ(w->out.nr, 1);
	EXPECT_EQ(step(w, 0x85804020, EMULATE_NORMAL), EMULATE_CANNOT);
	EXPECT_EQ(w->out.nr, 0);
}

/* --- anything ------------------------------------------------------------------------------ */

static uint64_t random_state = 0x9e3779b97f4a7c15;

static uint64_t random64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

TEST(emulate_any_word_keeps_its_promises)
{
	unsigned done = 0, tried = 0;
	static struct world before;

	(void)fresh();
	for (unsigned n = 0; n < 400000; n++) {
		uint32_t word = (uint32_t)random64();
		enum emulate_memory memory = kinds[n & 1];
		struct world *w = &world;
		struct emulate_address a;
		enum emulate_status s;
		unsigned covered = 0;
		struct insn i;

		/* Two thirds have bits 27 and 25 as loads and stores do, the rest are as they are.
		 */
		if (n % 3)
			word = (word & ~0x0a000000U) | 0x08000000U;
		if (!insn_decode(word, &i))
			continue;
		if (tried++ % 64 == 0)
			w = fresh();
		for (unsigned r = 0; r < 32; r++)
			w->x[r] = random64() >> (random64() & 63);
		if (n & 4) /* aligned, so that devices take it */
			w->x[i.rn] &= ~0x1fULL;
		w->cpu.big_endian = n & 8;
		w->races = (unsigned)random64() & 3;
		w->abort_at = n & 16 ? 1 + (unsigned)random64() % 8 : 0;
		w->x[EMULATE_PC] = PC;
		w->calls = 0;
		w->memory = memory;
		memcpy(&before, w, sizeof(before));
		s = emulate(&w->cpu, &i, memory, &w->out);
		if (s != EMULATE_DONE) {
			EXPECT(memcmp(w->x, before.x, sizeof(w->x)) == 0);
			EXPECT(memcmp(w->v, before.v, sizeof(w->v)) == 0);
			if (s != EMULATE_ABORT)
				EXPECT_EQ(w->calls, 0);
			continue;
		}
		done++;
		EXPECT_EQ(w->x[EMULATE_PC], PC + 4);
		if (w->x[EMULATE_SP] != before.x[EMULATE_SP])
			EXPECT(i.rn == 31 && i.writeback);
		/* What was accessed lies together, and is all that the address said. */
		memcpy(w->x, before.x, sizeof(w->x));
		EXPECT_EQ(emulate_address(&w->cpu, &i, &a), EMULATE_DONE);
		EXPECT(w->out.nr <= EMULATE_MAX_ACCESSES);
		for (unsigned k = 0; k < w->out.nr; k++) {
			EXPECT(w->out.access[k].va == a.va + covered);
			covered += w->out.access[k].bytes;
		}
		if (!w->out.unpaired)
			EXPECT_EQ(covered, a.bytes);
	}
	/* Enough of them were worth the while. */
	EXPECT(done > 20000);
}

TEST_MAIN(T(emulate_loads_every_size_and_extends_it),
	  T(emulate_loads_what_is_positive_without_a_sign),
	  T(emulate_stores_every_size_and_nothing_beside_it),
	  T(emulate_big_endian_data_has_its_high_byte_first),
	  T(emulate_register_31_is_zero_as_data_and_sp_as_base), T(emulate_address_of_every_form),
	  T(emulate_wraps_at_the_top_of_the_address_space), T(emulate_pc_wraps_like_any_address),
	  T(emulate_loads_pairs_of_general_registers), T(emulate_loads_pairs_of_signed_words),
	  T(emulate_splits_a_pair_in_ram_that_is_not_aligned_as_a_whole),
	  T(emulate_stores_pairs_lowest_address_first),
	  T(emulate_dc_zva_zeroes_one_block_of_any_size),
	  T(emulate_dc_zva_cannot_without_a_block_size),
	  T(emulate_dc_zva_lists_what_it_zeroed_before_an_abort),
	  T(emulate_hints_and_maintenance_do_nothing),
	  T(emulate_cannot_do_what_it_does_not_know_and_leaves_all_alone),
	  T(emulate_overlapping_registers_do_what_most_cores_do),
	  T(emulate_access_in_ram_that_crosses_a_granule_is_a_call_on_each_side),
	  T(emulate_unaligned_access_in_ram_is_one_call_when_it_crosses_nothing),
	  T(emulate_device_memory_wants_elements_aligned),
	  T(emulate_dc_zva_on_a_device_is_an_alignment_fault),
	  T(emulate_abort_anywhere_leaves_registers_and_keeps_what_was_stored),
	  T(emulate_register_that_cannot_be_reached_is_a_failure_of_the_host),
	  T(emulate_result_lists_values_as_the_program_sees_them),
	  T(emulate_result_of_one_instruction_holds_nothing_of_the_one_before),
	  T(emulate_any_word_keeps_its_promises))
