/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/emulate_rig.h"

/* The upper half of an X register is nothing to AArch32. */
static struct world *fresh32(void)
{
	struct world *w = fresh();

	w->x[1] = 0xdeadbeef00000000 | AT;
	w->x[2] = 0xdeadbeef00000010;
	w->x[13] = 0x12000;
	return w;
}

TEST(emulate32_loads_every_size_and_extends_it)
{
	/* From 0x100f0: all bytes are negative. */
	static const struct {
		const char *text;
		uint32_t word, cpsr;
		unsigned size;
		uint64_t little, big;
	} rows[] = {
		{ "ldr r0, [r1]", 0xe5910000, 0, 4, 0xf3f2f1f0, 0xf0f1f2f3 },
		{ "ldrb r0, [r1]", 0xe5d10000, 0, 1, 0xf0, 0xf0 },
		{ "ldrh r0, [r1]", 0xe1d100b0, 0, 2, 0xf1f0, 0xf0f1 },
		{ "ldrsb r0, [r1]", 0xe1d100d0, 0, 1, 0xfffffff0, 0xfffffff0 },
		{ "ldrsh r0, [r1]", 0xe1d100f0, 0, 2, 0xfffff1f0, 0xfffff0f1 },
		{ "lda r0, [r1]", 0xe1910c9f, 0, 4, 0xf3f2f1f0, 0xf0f1f2f3 },
		{ "ldr r0, [r1] (T16)", 0x6808, CPSR_T, 4, 0xf3f2f1f0, 0xf0f1f2f3 },
		{ "ldrh r0, [r1] (T16)", 0x8808, CPSR_T, 2, 0xf1f0, 0xf0f1 },
		{ "ldrb.w r0, [r1]", 0xf8910000, CPSR_T, 1, 0xf0, 0xf0 },
		{ "ldrsh.w r0, [r1]", 0xf9b10000, CPSR_T, 2, 0xfffff1f0, 0xfffff0f1 },
	};

	for (size_t n = 0; n < ARRAY_SIZE(rows); n++)
		for (unsigned k = 0; k < 4; k++) {
			struct world *w = fresh32();
			bool big = k & 1;

			w->x[1] = 0x100f0;
			w->cpu.big_endian = big;
			done32(w, rows[n].text, rows[n].word, rows[n].cpsr, kinds[k / 2]);
			ROW_EQ(rows[n].text, w->x[0], big ? rows[n].big : rows[n].little);
			ROW_EQ(rows[n].text, w->calls, 1);
			expect_call(w, rows[n].text, 0, 'r', 0x100f0, rows[n].size);
		}
}

TEST(emulate32_addresses)
{
	/* r0 = [where]; r1 is AT, r2 is 16. base: what r1 becomes. */
	static const struct {
		const char *text;
		uint32_t word, cpsr;
		uint64_t at, base;
	} rows[] = {
		{ "ldr r0, [r1, #4]", 0xe5910004, 0, AT + 4, 0 },
		{ "ldr r0, [r1, #-4]", 0xe5110004, 0, AT - 4, 0 },
		{ "ldr r0, [r1, #4]!", 0xe5b10004, 0, AT + 4, AT + 4 },
		{ "ldr r0, [r1], #-4", 0xe4110004, 0, AT, AT - 4 },
		{ "ldr r0, [r1, r2]", 0xe7910002, 0, AT + 16, 0 },
		{ "ldr r0, [r1, -r2]", 0xe7110002, 0, AT - 16, 0 },
		{ "ldr r0, [r1, r2, lsl #2]", 0xe7910102, 0, AT + 64, 0 },
		{ "ldr r0, [r1, r2, lsr #2]", 0xe7910122, 0, AT + 4, 0 },
		{ "ldr r0, [r1, r2, lsr #32]", 0xe7910022, 0, AT, 0 },
		{ "ldr r0, [r1, r2, asr #32]", 0xe7910042, 0, AT, 0 },
		{ "ldr r0, [r1, r2, ror #2]", 0xe7910162, 0, AT + 4, 0 },
		{ "ldr r0, [r1, r2, rrx]", 0xe7910062, 0, AT + 8, 0 },
		{ "ldr r0, [r1], r2", 0xe6910002, 0, AT, AT + 16 },
		{ "ldr.w r0, [r1, r2, lsl #2]", 0xf8510022, CPSR_T, AT + 64, 0 },
		{ "ldr r0, [r1, #-4] (T32)", 0xf8510c04, CPSR_T, AT - 4, 0 },
		{ "ldr r0, [pc, #4]", 0xe59f0004, 0, PC + 12, 0 },
		{ "ldr r0, [pc, #4] (T16)", 0x4801, CPSR_T, PC + 8, 0 },
		{ "ldr.w r0, [pc, #-4]", 0xf85f0004, CPSR_T, PC, 0 },
	};

	for (size_t n = 0; n < ARRAY_SIZE(rows); n++) {
		struct world *w = fresh32();
		const uint64_t r1 = w->x[1];

		done32(w, rows[n].text, rows[n].word, rows[n].cpsr, EMULATE_DEVICE);
		expect_call(w, rows[n].text, 0, 'r', rows[n].at, 4);
		ROW_EQ(rows[n].text, w->x[1], rows[n].base ? rows[n].base : r1);
	}
}

TEST(emulate32_literal_of_t32_counts_from_a_multiple_of_4)
{
	struct world *w = fresh32();

	w->x[EMULATE_PC] = PC + 2;
	EXPECT_EQ(step32(w, 0x4801, CPSR_T, EMULATE_NORMAL), EMULATE_DONE);
	EXPECT_EQ(w->call[0].va, PC + 8);
}

TEST(emulate32_rrx_takes_the_carry)
{
	struct world *w = fresh32();

	w->x[1] = 0x80010000;
	EXPECT_EQ(step32(w, 0xe7910062, CPSR_C, EMULATE_DEVICE), EMULATE_DONE);
	EXPECT_EQ(w->call[0].va, 0x10008);
}

TEST(emulate32_addresses_wrap_at_32_bits)
{
	struct world *w = fresh32();

	w->x[1] = 0xfffffffc;
	EXPECT_EQ(step32(w, 0xe5b10010, 0, EMULATE_DEVICE), EMULATE_DONE); /* [r1, #16]! */
	EXPECT_EQ(w->call[0].va, 0xc);
	EXPECT_EQ(w->x[1], 0xc);
}

TEST(emulate32_pairs_are_words)
{
	struct world *w = fresh32();

	done32(w, "ldrd r2, r3, [r1]", 0xe1c120d0, 0, EMULATE_DEVICE);
	EXPECT_EQ(w->calls, 2);
	EXPECT_EQ(w->x[2], 0x13121110);
	EXPECT_EQ(w->x[3], 0x17161514);
	w = fresh32();
	done32(w, "strd r2, r3, [r1] (T32)", 0xe9c12300, CPSR_T, EMULATE_DEVICE);
	EXPECT_EQ(w->calls, 2);
	EXPECT_EQ(get_mem(w, AT, 4, false), 0x10);
	EXPECT_EQ(get_mem(w, AT + 4, 4, false), (uint32_t)w->x[3]);
}

TEST(emulate32_lists_and_their_four_ways)
{
	/* {r0, r4, lr}; from: the lowest address; base: what r1 becomes. */
	static const struct {
		const char *text;
		uint32_t word;
		int from, base;
	} rows[] = {
		{ "ldm r1, {r0, r4, lr}", 0xe8914011, 0, 0 },
		{ "ldm r1!, {r0, r4, lr}", 0xe8b14011, 0, 12 },
		{ "ldmib r1, {r0, r4, lr}", 0xe9914011, 4, 0 },
		{ "ldmib r1!, {r0, r4, lr}", 0xe9b14011, 4, 12 },
		{ "ldmda r1, {r0, r4, lr}", 0xe8114011, -8, 0 },
		{ "ldmda r1!, {r0, r4, lr}", 0xe8314011, -8, -12 },
		{ "ldmdb r1, {r0, r4, lr}", 0xe9114011, -12, 0 },
		{ "ldmdb r1!, {r0, r4, lr}", 0xe9314011, -12, -12 },
	};

	for (size_t n = 0; n < ARRAY_SIZE(rows); n++) {
		struct world *w = fresh32();
		const uint64_t from = AT + (unsigned long long)(long long)rows[n].from;

		done32(w, rows[n].text, rows[n].word, 0, EMULATE_DEVICE);
		ROW_EQ(rows[n].text, w->calls, 3);
		for (unsigned k = 0; k < 3; k++)
			expect_call(w, rows[n].text, k, 'r', from + 4 * k, 4);
		ROW_EQ(rows[n].text, w->x[0], get_mem(w, from, 4, false));
		ROW_EQ(rows[n].text, w->x[4], get_mem(w, from + 4, 4, false));
		ROW_EQ(rows[n].text, w->x[14], get_mem(w, from + 8, 4, false));
		ROW_EQ(rows[n].text, (uint32_t)w->x[1], (uint32_t)AT + (uint32_t)rows[n].base);
	}
}

TEST(emulate32_all_registers_at_once)
{
	struct world *w = fresh32();

	w->x[13] = 0x12040;
	done32(w, "stmdb sp!, {r0-r12, lr}", 0xe92d5fff, 0, EMULATE_NORMAL);
	EXPECT_EQ(w->calls, 14);
	EXPECT_EQ(w->x[13], 0x12040 - 56);
	EXPECT_EQ(get_mem(w, 0x12040 - 4, 4, false), (uint32_t)w->x[14]);
	EXPECT_EQ(get_mem(w, 0x12040 - 56, 4, false), (uint32_t)w->x[0]);
}

TEST(emulate32_load_of_pc_is_a_branch)
{
	struct world *w = fresh32();

	set_mem(w, 0x12000, 0x55667788, 4, false);
	set_mem(w, 0x12004, 0x40001235, 4, false);
	EXPECT_EQ(step32(w, 0xe8bd8010, 0, EMULATE_NORMAL), EMULATE_DONE); /* pop {r4, pc} */
	EXPECT_EQ(w->x[EMULATE_PC], 0x40001235);
	EXPECT_EQ(w->x[4], 0x55667788);
	EXPECT_EQ(w->x[13], 0x12008);
	w = fresh32();
	done32(w, "push {r4, lr}", 0xb510, CPSR_T, EMULATE_NORMAL);
	w = fresh32();
	done32(w, "str pc, [r1]", 0xe581f000, 0, EMULATE_DEVICE);
	EXPECT_EQ(get_mem(w, AT, 4, false), (uint32_t)PC + 8);
}

TEST(emulate32_vector_registers_are_words_of_v0_to_v15)
{
	struct world *w = fresh32();

	done32(w, "vldr s5, [r1]", 0xedd12a00, 0, EMULATE_DEVICE);
	EXPECT_EQ(w->v[1].lo, 0x13121110a4a5a6a8);
	EXPECT_EQ(w->v[1].hi, fresh_simd(1).hi);
	w = fresh32();
	done32(w, "vldr d3, [r1]", 0xed913b00, 0, EMULATE_DEVICE);
	EXPECT_EQ(w->calls, 2);
	EXPECT_EQ(w->v[1].hi, LE8(0));
	EXPECT_EQ(w->v[1].lo, fresh_simd(1).lo);
	w = fresh32();
	w->cpu.big_endian = true;
	done32(w, "vldr d3, [r1]", 0xed913b00, 0, EMULATE_DEVICE);
	EXPECT_EQ(w->v[1].hi, 0x1011121314151617);
	w = fresh32();
	done32(w, "vldr.16 s0, [r1]", 0xed910900, 0, EMULATE_DEVICE);
	EXPECT_EQ(w->v[0].lo, 0xa0a1a2a300001110);
	w = fresh32();
	done32(w, "vstmia r1!, {d16-d31}", 0xece10b20, 0, EMULATE_NORMAL);
	EXPECT_EQ(w->calls, 32);
	EXPECT_EQ((uint32_t)w->x[1], (uint32_t)AT + 128);
	EXPECT_EQ(get_mem(w, AT, 8, false), fresh_simd(8).lo);
	EXPECT_EQ(get_mem(w, AT + 120, 8, false), fresh_simd(15).hi);
	w = fresh32();
	done32(w, "vldmdb r1!, {s1-s4}", 0xed710a04, CPSR_T, EMULATE_DEVICE);
	EXPECT_EQ(w->v[0].lo >> 32, 0x03020100);
	EXPECT_EQ(w->v[0].hi, 0x0b0a090807060504);
	EXPECT_EQ((uint32_t)w->v[1].lo, 0x0f0e0d0c);
	EXPECT_EQ(w->v[1].lo >> 32, fresh_simd(1).lo >> 32);
}

TEST(emulate32_exclusives_on_memory_and_not_on_devices)
{
	struct world *w = fresh32();

	EXPECT_EQ(step32(w, 0xe1912f9f, 0, EMULATE_DEVICE), EMULATE_UNSUPPORTED); /* ldrex r2 */
	EXPECT_EQ(w->calls, 0);
	done32(w, "ldrexd r4, r5, [r1]", 0xe1b14f9f, 0, EMULATE_NORMAL);
	EXPECT_EQ(w->x[4], 0x13121110);
	EXPECT_EQ(w->x[5], 0x17161514);
	w->x[EMULATE_PC] = PC;
	done32(w, "strexd r0, r2, r3, [r1]", 0xe1a10f92, 0, EMULATE_NORMAL);
	EXPECT_EQ(w->x[0], 0);
	EXPECT_EQ(get_mem(w, AT, 4, false), 0x10);
	EXPECT_EQ(get_mem(w, AT + 4, 4, false), (uint32_t)w->x[3]);
	w->x[EMULATE_PC] = PC;
	done32(w, "strex r0, r2, [r1]", 0xe1810f92, 0, EMULATE_NORMAL);
	EXPECT_EQ(w->x[0], 1);
}

TEST(emulate32_refusals_change_nothing)
{
	struct world *w = fresh32();
	uint64_t before[ARRAY_SIZE(w->x)];

	w->abort_at = 2;
	memcpy(before, w->x, sizeof(before));
	EXPECT_EQ(step32(w, 0xe8b14011, 0, EMULATE_DEVICE), EMULATE_ABORT); /* ldm r1!, ... */
	EXPECT_EQ(w->out.va, AT + 4);
	EXPECT_EQ(memcmp(w->x, before, sizeof(before)), 0);
	w = fresh32();
	w->x[1] = AT + 1;
	EXPECT_EQ(step32(w, 0xe5910000, 0, EMULATE_DEVICE), EMULATE_ALIGNMENT);
	EXPECT_EQ(w->calls, 0);
}

TEST(emulate32_what_is_not_done_is_said)
{
	static const struct {
		const char *text;
		uint32_t word, cpsr;
		bool has_address;
	} rows[] = {
		{ "tbb [r0, r1]", 0xe8d0f001, CPSR_T, true },
		{ "ldm r1, {r0, r1} ^", 0xe8d10003, 0, true },
		{ "ldr r0, [pc, #4]!", 0xe5bf0004, 0, false },
	};

	for (size_t n = 0; n < ARRAY_SIZE(rows); n++) {
		struct world *w = fresh32();
		struct emulate_address at;
		struct insn i;

		ROW_EQ(rows[n].text, step32(w, rows[n].word, rows[n].cpsr, EMULATE_NORMAL),
		       EMULATE_CANNOT);
		ROW_EQ(rows[n].text, w->calls, 0);
		EXPECT(insn32_decode(rows[n].word, rows[n].cpsr, &i));
		ROW_EQ(rows[n].text, emulate_address(&w->cpu, &i, &at),
		       rows[n].has_address ? EMULATE_DONE : EMULATE_CANNOT);
	}
}

int main(int argc, char **argv)
{
	static const struct test tests[] = {
		T(emulate32_loads_every_size_and_extends_it),
		T(emulate32_addresses),
		T(emulate32_literal_of_t32_counts_from_a_multiple_of_4),
		T(emulate32_rrx_takes_the_carry),
		T(emulate32_addresses_wrap_at_32_bits),
		T(emulate32_pairs_are_words),
		T(emulate32_lists_and_their_four_ways),
		T(emulate32_all_registers_at_once),
		T(emulate32_load_of_pc_is_a_branch),
		T(emulate32_vector_registers_are_words_of_v0_to_v15),
		T(emulate32_exclusives_on_memory_and_not_on_devices),
		T(emulate32_refusals_change_nothing),
		T(emulate32_what_is_not_done_is_said),
		{ NULL, NULL },
	};

	return test_main(tests, argc, argv);
}
