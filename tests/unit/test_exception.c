/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/fault/exception.h"
#include "tests/lib/test.h"

TEST(each_state_has_its_vector)
{
	static const struct {
		uint64_t pstate, offset;
	} t[] = {
		{ 0x3c5, 0x200 },      /* EL1h */
		{ 0x3c4, 0x000 },      /* EL1t */
		{ 0x000, 0x400 },      /* EL0t */
		{ 0x010, 0x600 },      /* 32-bit User */
		{ 0x600003c5, 0x200 }, /* flags do not matter */
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		EXPECT_EQ(exception_vector(0xffff800080010800, t[i].pstate),
			  (int64_t)(0xffff800080010800 + t[i].offset));
	EXPECT_EQ(exception_vector(0x7ff, 0x3c5), 0x200); /* VBAR's low bits are RES0 */
}

TEST(an_exception_masks_everything_and_keeps_the_flags)
{
	const uint64_t span = 1ULL << 23, dssbs = 1ULL << 44;
	const uint64_t user = 0xf0000000 | PSTATE_BTYPE | PSTATE_SS | PSTATE_IL | PSTATE_UAO;

	EXPECT_EQ(exception_pstate(0, span, false), 0x3c5);
	EXPECT_EQ(exception_pstate(user, span, false), 0xf00003c5);
	EXPECT_EQ(exception_pstate(0, 0, false), 0x3c5 | PSTATE_PAN);
	EXPECT_EQ(exception_pstate(PSTATE_PAN | 4, span, false), 0x3c5 | PSTATE_PAN);
	EXPECT_EQ(exception_pstate(PSTATE_DIT, span | dssbs, true),
		  0x3c5 | PSTATE_DIT | PSTATE_SSBS | PSTATE_TCO);
	EXPECT_EQ(exception_pstate(PSTATE_SSBS, span, false), 0x3c5);
}

TEST_MAIN(T(each_state_has_its_vector), T(an_exception_masks_everything_and_keeps_the_flags))
