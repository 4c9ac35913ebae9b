/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/fault/policy.h"
#include "tests/lib/test.h"

TEST(a_hole_has_its_policy_from_its_first_to_its_last_byte)
{
	static char first[] = "0x0a000000+0x800=ones", second[] = "0x0a000400+0x800=stop";
	static char *holes[] = { first, second };
	const struct vm_config c = { .unclaimed = UNCLAIMED_ZERO, .holes = { holes, 2 } };
	static const struct {
		uint64_t ipa;
		enum unclaimed policy;
	} t[] = {
		{ 0x09ffffff, UNCLAIMED_ZERO }, { 0x0a000000, UNCLAIMED_ONES },
		{ 0x0a0007ff, UNCLAIMED_ONES }, /* the first that holds it counts */
		{ 0x0a000800, UNCLAIMED_STOP }, { 0x0a000bff, UNCLAIMED_STOP },
		{ 0x0a000c00, UNCLAIMED_ZERO }, { UINT64_MAX, UNCLAIMED_ZERO },
	};
	struct policy p;
	struct err e;

	EXPECT_EQ(policy_read(&p, &c, &e), 0);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		EXPECT_EQ(policy_at(&p, t[i].ipa), t[i].policy);
	policy_free(&p);
}

TEST(only_zeroes_and_ones_are_values)
{
	uint64_t v;

	EXPECT(policy_value(UNCLAIMED_ZERO, &v));
	EXPECT_EQ(v, 0);
	EXPECT(policy_value(UNCLAIMED_ONES, &v));
	EXPECT_EQ(v, -1);
	EXPECT(!policy_value(UNCLAIMED_ABORT, &v));
	EXPECT(!policy_value(UNCLAIMED_STOP, &v));
}

TEST_MAIN(T(a_hole_has_its_policy_from_its_first_to_its_last_byte),
	  T(only_zeroes_and_ones_are_values))
