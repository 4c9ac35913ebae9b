/* SPDX-License-Identifier: Apache-2.0 */
/* What tests/unit/insn32_objdump.c cannot see: state, fields, and any word at all. */
#include "arch/arm64/insn/insn32.h"
#include "tests/lib/test.h"

#define IT(v) (((v)&0xfcU) << 8 | ((v)&3U) << 25)

static struct insn decode(uint32_t word, uint32_t cpsr)
{
	struct insn i;

	if (!insn32_decode(word, cpsr, &i))
		test_fail(__FILE__, __LINE__, "0x%08x does not decode", word);
	return i;
}

static void expect_text(uint32_t word, uint32_t cpsr, const char *want)
{
	char got[INSN_TEXT_MAX];

	(void)insn32_text(word, cpsr, got, sizeof(got));
	if (strcmp(got, want) != 0)
		test_fail(__FILE__, __LINE__, "0x%08x is \"%s\", expected \"%s\"", word, got, want);
}

TEST(insn32_text_says_the_condition_of_either_set)
{
	expect_text(0x05910004, 0, "ldreq r0, [r1, #4]");
	expect_text(0x05910004, IT(0x18), "ldreq r0, [r1, #4]");
	expect_text(0x6848, CPSR_T, "ldr r0, [r1, #4]");
	expect_text(0x6848, CPSR_T | IT(0x08), "ldreq r0, [r1, #4]");
	expect_text(0x6848, CPSR_T | IT(0x1c), "ldrne r0, [r1, #4]");
	expect_text(0xf8d10004, CPSR_T | IT(0xa8), "ldrge.w r0, [r1, #4]");
	expect_text(0xed910b01, CPSR_T | IT(0xb8), "vldrlt d0, [r1, #4]");
	expect_text(0xf9a22f3d, CPSR_T | IT(0x1c), "vld4ne.8 {d2[], d4[], d6[], d8[]}, [r2:32]!");
}

TEST(insn32_text_of_what_is_no_access)
{
	expect_text(0xe1a00000, 0, ".inst 0xe1a00000");
	expect_text(0xbf00, CPSR_T, ".inst 0xbf00");
	expect_text(0xf3af8000, CPSR_T, ".inst 0xf3af8000");
}

TEST(insn32_length_is_told_by_the_first_halfword)
{
	EXPECT_EQ(insn32_length(0xe7ff), 2);
	EXPECT_EQ(insn32_length(0xe800), 4);
	EXPECT_EQ(insn32_length(0xf000), 4);
	EXPECT_EQ(decode(0x6848, CPSR_T).length, 2);
	EXPECT_EQ(decode(0xf8d10004, CPSR_T).length, 4);
	EXPECT_EQ(decode(0xe5910004, 0).length, 4);
}

TEST(insn32_fields_of_each_form)
{
	struct insn i = decode(0xe1c200d8, 0); /* ldrd r0, r1, [r2, #8] */

	EXPECT_EQ(i.class, INSN_LDST);
	EXPECT_EQ(i.rn, 2);
	EXPECT_EQ(i.rt, 0);
	EXPECT_EQ(i.rt2, 1);
	EXPECT_EQ(i.imm, 8);
	EXPECT(i.load && !i.store && !i.writeback);
	EXPECT_EQ(insn_bytes(&i), 8);
	i = decode(0xe1b20f9f, 0); /* ldrexd r0, r1, [r2] */
	EXPECT_EQ(i.class, INSN_EXCLUSIVE);
	EXPECT_EQ(insn_bytes(&i), 8);
	i = decode(0xb510, CPSR_T); /* push {r4, lr} */
	EXPECT_EQ(i.list, 0x4010);
	EXPECT_EQ(i.rn, 13);
	EXPECT_EQ(i.imm, -8);
	EXPECT(i.store && i.writeback && i.addr == INSN_PRE);
	i = decode(0xecbd0b08, 0); /* vpop {d0-d3} */
	EXPECT_EQ(insn_bytes(&i), 32);
	EXPECT(i.simd && i.load && i.addr == INSN_POST);
	i = decode(0xf4e249d4, 0); /* vld2.32 {d20[1], d22[1]}, [r2:64], r4 */
	EXPECT_EQ(i.class, INSN_STRUCT);
	EXPECT(i.load && !i.store && i.single && !i.replicate);
	EXPECT(i.addr == INSN_POST && i.writeback && i.reg_offset);
	EXPECT_EQ(i.rn, 2);
	EXPECT_EQ(i.rm, 4);
	EXPECT_EQ(i.size, 4);
	EXPECT_EQ(i.lane, 1);
	EXPECT_EQ(i.align, 8);
	EXPECT_EQ(i.regs, 2);
	EXPECT_EQ(insn32_struct_register(&i, 0), 20);
	EXPECT_EQ(insn32_struct_register(&i, 1), 22);
	EXPECT_EQ(insn_bytes(&i), 8);
	i = decode(0xe8f08003, 0); /* ldm r0!, {r0, r1, pc} ^ */
	EXPECT_EQ(i.class, INSN_OTHER32);
}

TEST(insn32_structures_that_are_undefined_or_unpredictable_are_refused)
{
	static const uint32_t words[] = {
		0xf4210eef, /* no such type */
		0xf42108cf, /* vld2.64 {d0, d1}, [r1] */
		0xf421072f, /* vld1.8 {d0}, [r1:128] */
		0xf421042f, /* vld3.8 {d0, d1, d2}, [r1:128] */
		0xf421083f, /* vld2.8 {d0, d1}, [r1:256] */
		0xf4a1001f, /* vld1.8 {d0[0]}, with an alignment */
		0xf4a1042f, /* vld1.16 {d0[0]}, with a stride */
		0xf4a1081f, /* vld1.32 {d0[0]}, with one of 2 */
		0xf4a10b3f, /* vld4.32 {d0[0], ...}, with one of 32 */
		0xf4a10cdf, /* vld1 {d0[]} of 64 bits */
		0xf4a10fcf, /* vld4.32 {d0[], ...}, as of 64 bits */
		0xf4810c0f, /* vst1.8 {d0[]}, [r1] */
		0xf42f070f, /* vld1.8 {d0}, [pc] */
		0xf461fa0f, /* vld1.8 {d31, d32}, [r1] */
		0xf461a18f, /* vld4.32 {d26, d28, d30, d32}, [r1] */
		0xf4e1fc2f, /* vld1.8 {d31[], d32[]}, [r1] */
	};
	struct insn i;

	for (size_t n = 0; n < ARRAY_SIZE(words); n++) {
		if (insn32_decode(words[n], 0, &i) ||
		    insn32_decode(words[n] ^ 0x0d000000, CPSR_T, &i))
			test_fail(__FILE__, __LINE__, "0x%08x decodes", words[n]);
	}
}

/* No word makes a decoder or its reader leave what there is. */
TEST(insn32_any_word_has_bounds)
{
	uint64_t state = 0x9e3779b97f4a7c15;

	for (unsigned n = 0; n < 2000000; n++) {
		char text[INSN_TEXT_MAX];
		uint32_t word, cpsr;
		struct insn i;

		state ^= state >> 12;
		state ^= state << 25;
		state ^= state >> 27;
		word = (uint32_t)(state * 0x2545f4914f6cdd1d >> 32);
		cpsr = (uint32_t)state;
		if (n % 4 == 0)
			word &= 0xffff;
		if (!insn32_decode(word, cpsr, &i))
			continue;
		EXPECT(i.rn < 16 && i.rt < (i.simd ? 32 : 16) && i.rt2 < 16 && i.rs < 16 &&
		       i.rm < 16 && i.shift <= 32 && i.cond < 15);
		EXPECT(insn_bytes(&i) <= 128);
		if (i.class == INSN_STRUCT)
			EXPECT(insn_bytes(&i) && insn_bytes(&i) <= 32 &&
			       insn32_struct_register(&i, i.regs - 1U) < 32);
		else
			EXPECT_EQ(insn_bytes(&i), i.class == INSN_OTHER32 ? 0 : i.size * i.regs);
		EXPECT(i.load != i.store);
		if (i.list)
			EXPECT_EQ((unsigned)__builtin_popcount(i.list), i.regs);
		if (i.simd && i.class == INSN_LDST)
			EXPECT(i.reg_bytes == 8 ? i.rt + i.regs / 2 <= 32 : i.rt + i.regs <= 32);
		EXPECT(insn32_text(word, cpsr, text, sizeof(text)) < sizeof(text));
	}
}

TEST(insn32_registers_of_the_modes)
{
	static const struct {
		uint32_t mode;
		uint8_t r7, r8, r12, sp, lr;
	} modes[] = {
		{ 0x10, 7, 8, 12, 13, 14 }, { 0x1f, 7, 8, 12, 13, 14 }, { 0x11, 7, 24, 28, 29, 30 },
		{ 0x12, 7, 8, 12, 17, 16 }, { 0x13, 7, 8, 12, 19, 18 }, { 0x17, 7, 8, 12, 21, 20 },
		{ 0x1b, 7, 8, 12, 23, 22 },
	};

	for (size_t n = 0; n < ARRAY_SIZE(modes); n++) {
		EXPECT_EQ(insn32_register(modes[n].mode, 7), modes[n].r7);
		EXPECT_EQ(insn32_register(modes[n].mode, 8), modes[n].r8);
		EXPECT_EQ(insn32_register(modes[n].mode, 12), modes[n].r12);
		EXPECT_EQ(insn32_register(modes[n].mode, 13), modes[n].sp);
		EXPECT_EQ(insn32_register(modes[n].mode, 14), modes[n].lr);
	}
}

TEST(insn32_state_behind_an_instruction)
{
	const uint32_t flags = 0x90000010;

	EXPECT_EQ(insn32_advance(flags, 0x1000), flags);
	EXPECT_EQ(insn32_advance(flags | CPSR_SS, 0x1000), flags);
	EXPECT_EQ(insn32_advance(flags | CPSR_T, 0x1001), flags | CPSR_T);
	EXPECT_EQ(insn32_advance(flags | CPSR_T, 0x1000), flags);
	/* ITTE EQ: 0000 0110, then 1100, then 1000 of NE, then nothing. */
	EXPECT_EQ(insn32_advance(flags | CPSR_T | IT(0x06), 1), flags | CPSR_T | IT(0x0c));
	EXPECT_EQ(insn32_advance(flags | CPSR_T | IT(0x0c), 1), flags | CPSR_T | IT(0x18));
	EXPECT_EQ(insn32_advance(flags | CPSR_T | IT(0x18), 1), flags | CPSR_T);
}

TEST(insn32_conditions_are_those_of_the_manual)
{
	/* By the flags N, Z, C, V as a number: those with which EQ, NE, ... AL hold. */
	static const uint16_t holds[] = { 0xf0f0, 0x0f0f, 0xcccc, 0x3333, 0xff00,
					  0x00ff, 0xaaaa, 0x5555, 0x0c0c, 0xf3f3,
					  0xaa55, 0x55aa, 0x0a05, 0xf5fa, 0xffff };

	for (unsigned cond = 0; cond < ARRAY_SIZE(holds); cond++)
		for (uint32_t flags = 0; flags < 16; flags++)
			EXPECT_EQ(insn32_passes(cond, flags << 28 | 0x010),
				  holds[cond] >> flags & 1);
}

int main(int argc, char **argv)
{
	static const struct test tests[] = {
		T(insn32_text_says_the_condition_of_either_set),
		T(insn32_text_of_what_is_no_access),
		T(insn32_length_is_told_by_the_first_halfword),
		T(insn32_fields_of_each_form),
		T(insn32_structures_that_are_undefined_or_unpredictable_are_refused),
		T(insn32_any_word_has_bounds),
		T(insn32_registers_of_the_modes),
		T(insn32_state_behind_an_instruction),
		T(insn32_conditions_are_those_of_the_manual),
		{ NULL, NULL },
	};

	return test_main(tests, argc, argv);
}
