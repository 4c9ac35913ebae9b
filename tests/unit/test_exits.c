/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/exits.h"
#include "tests/lib/test.h"

static char text[sizeof(((struct fault_exit *)NULL)->text)];

static struct space example(void)
{
	const struct space_range ranges[] = {
		{ 0x09000000, 0x1000, SPACE_DEVICE, "pl011" },
		{ 0x40000000, 0x10000000, SPACE_RAM, "RAM" },
	};
	struct space s = { 0 };
	struct err e;

	for (unsigned i = 0; i < ARRAY_SIZE(ranges); i++)
		EXPECT_EQ(space_add(&s, &ranges[i], &e), 0);
	return s;
}

static void expect_text(const struct exits *x, unsigned n, const char *want)
{
	struct space s = example();

	exits_text(&x->at[n % EXITS_KEPT], &s, text, sizeof(text));
	space_free(&s);
	EXPECT_STR(text, want);
}

TEST(exits_say_who_was_accessed)
{
	struct exits x = { 0 };

	exits_add(&x, EXIT_MMIO, 0x09000018, 4, FAULT_READ);
	exits_add(&x, EXIT_MMIO, 0x09000000, 2, FAULT_WRITE);
	exits_add(&x, EXIT_MMIO, 0x0a000040, 8, FAULT_READ);
	exits_add(&x, EXIT_NISV, 0x09000fe0, 0, FAULT_READ);
	exits_add(&x, EXIT_REFUSED, 0, 0, FAULT_READ);
	expect_text(&x, 0, "MMIO read of 4 bytes at 0x09000018: pl011");
	expect_text(&x, 1, "MMIO write of 2 bytes at 0x09000000: pl011");
	expect_text(&x, 2, "MMIO read of 8 bytes at 0x0a000040: nothing");
	expect_text(&x, 3, "access without syndrome at 0x09000fe0: pl011");
	expect_text(&x, 4, "access that the host does not let through");
}

static void refused(struct exits *x, enum exit_kind kind, uint64_t at, uint32_t size,
		    enum fault_access access, const char *want)
{
	exits_add(x, EXIT_REFUSED, 0, 0, FAULT_READ);
	exits_explain(x, kind, at, size, access);
	expect_text(x, x->count - 1, want);
}

TEST(exits_that_the_host_refused_say_what_they_were)
{
	struct exits x = { 0 };

	refused(&x, EXIT_GUARD, 0x60001000, 0, FAULT_FETCH, "fetch at 0x60001000: nothing");
	refused(&x, EXIT_GUARD, 0x60001000, 16, FAULT_READ,
		"read of 16 bytes at 0x60001000: nothing");
	refused(&x, EXIT_GUARD, 0x09000000, 4, FAULT_WRITE,
		"write of 4 bytes at 0x09000000: pl011");
	refused(&x, EXIT_GUARD, 0x09000000, 4, FAULT_READ_WRITE,
		"atomic operation of 4 bytes at 0x09000000: pl011");
	refused(&x, EXIT_WALK, 0x20000000, 4, FAULT_READ, "table walk at 0x20000000: nothing");
	refused(&x, EXIT_WATCHED, 0, 0, FAULT_READ, "access to a page that is watched");
	refused(&x, EXIT_MEMORY, 0x40001000, 8, FAULT_READ,
		"access to 0x40001000: the host's memory failed");
}

TEST(exits_of_the_greatest_values_fit)
{
	struct exits x = { 0 };

	refused(&x, EXIT_GUARD, UINT64_MAX, 2048, FAULT_READ_WRITE,
		"atomic operation of 2048 bytes at 0xffffffffffffffff: nothing");
}

TEST(exits_are_explained_once_and_only_those_that_said_nothing)
{
	struct exits x = { 0 };

	exits_explain(&x, EXIT_WATCHED, 0, 0, FAULT_READ); /* there is none */
	EXPECT_EQ(x.at[EXITS_KEPT - 1].kind, EXIT_MMIO);
	exits_add(&x, EXIT_MMIO, 0x09000018, 4, FAULT_READ);
	exits_explain(&x, EXIT_GUARD, 0x0a000000, 4, FAULT_READ);
	expect_text(&x, 0, "MMIO read of 4 bytes at 0x09000018: pl011");
	exits_add(&x, EXIT_REFUSED, 0, 0, FAULT_READ);
	exits_explain(&x, EXIT_GUARD, 0x0a000000, 4, FAULT_READ);
	exits_explain(&x, EXIT_WATCHED, 0, 0, FAULT_READ);
	expect_text(&x, 1, "read of 4 bytes at 0x0a000000: nothing");
	for (unsigned i = 0; i < EXITS_KEPT; i++) /* over the end of the ring */
		refused(&x, EXIT_GUARD, 0x0a000000, 4, FAULT_READ,
			"read of 4 bytes at 0x0a000000: nothing");
}

TEST_MAIN(T(exits_say_who_was_accessed), T(exits_that_the_host_refused_say_what_they_were),
	  T(exits_of_the_greatest_values_fit),
	  T(exits_are_explained_once_and_only_those_that_said_nothing))
