/* SPDX-License-Identifier: Apache-2.0 */
/*
 * insn_decode() and insn_text() against GNU objdump: which words are instructions that access
 * memory, and how they are spelled.
 *
 *	insn_objdump [TIMES]
 *
 * Each test is a group of Arm ARM C4.1. The fields that tell its instructions apart run through all
 * their values; the others (registers, immediates) are pseudo-random, often all zeroes or ones, and
 * the same in each run. TIMES multiplies how many of these there are. Skipped where no objdump
 * knows AArch64.
 *
 * Version 2.40 must agree on every word. Another one knows fewer or more extensions, so there only
 * the spelling of what both know is compared.
 */
#include "arch/arm64/insn/insn.h"
#include "tests/lib/test.h"
#include "vmm/base/text.h"

#include <ctype.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static uint64_t times = 1;

static uint64_t state;

/* xorshift64* */
static uint32_t any(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)(state * 0x2545f4914f6cdd1d >> 32);
}

/* Pseudo-random registers and immediates; 0, 1 and 31 in fields of five bits come often. */
static uint32_t operands(void)
{
	static const uint32_t special[] = { 0, 1, 31 };
	static const unsigned fields[] = { 0, 5, 10, 16 };
	uint32_t w = any();

	for (size_t n = 0; n < ARRAY_SIZE(fields); n++) {
		uint32_t pick = any() % 6;

		if (pick < ARRAY_SIZE(special))
			w = (w & ~(31U << fields[n])) | special[pick] << fields[n];
	}
	return w;
}

/* Where objdump 2.40 takes for an instruction what insn refuses, or the other way round. */
static const struct {
	uint32_t mask, value;
} exceptions[] = {
	/* FEAT_LSE128, which came later: LDCLRP, LDSETP, SWPP */
	{ 0xff20fc00, 0x19201000 },
	{ 0xff20fc00, 0x19203000 },
	{ 0xff20fc00, 0x19208000 },
	/* FEAT_LRCPC3, too: LDIAPP, STILP; LDAPR, STLR with write-back */
	{ 0xbfa0ec00, 0x99000800 },
	{ 0xbfbffc00, 0x99800800 },
	/* LDAPUR, STLUR of SIMD&FP registers; LDAP1, STL1 */
	{ 0x3f200c00, 0x1d000800 },
	{ 0xbfbffc00, 0x0d018400 },
	/* LD64B and kin are UNDEFINED when Rt is odd or Rt<4:3> is 11 (C6.2); it does not look. */
	{ 0xffe0bc01, 0xf8209001 },
	{ 0xffe0bc18, 0xf8209018 },
	{ 0xffe0ec01, 0xf820a001 },
	{ 0xffe0ec18, 0xf820a018 },
};

static bool is_exception(uint32_t w)
{
	for (size_t n = 0; n < ARRAY_SIZE(exceptions); n++)
		if ((w & exceptions[n].mask) == exceptions[n].value)
			return true;
	return false;
}

/* The objdump to compare with; whether it is of version 2.40. NULL: there is none. */
static const char *objdump(bool *same_age)
{
	static const char *const names[] = { "aarch64-linux-gnu-objdump", "objdump" };
	char cmd[100];

	for (size_t n = 0; n < ARRAY_SIZE(names); n++) {
		(void)snprintf(cmd, sizeof(cmd), "%s -i 2>/dev/null | grep -qx ' *aarch64'",
			       names[n]);
		if (system(cmd) != 0)
			continue;
		(void)snprintf(cmd, sizeof(cmd), "%s --version | head -n 1 | grep -q ' 2\\.40'",
			       names[n]);
		*same_age = system(cmd) == 0;
		return names[n];
	}
	return NULL;
}

/* Cuts the comment off, makes tabs blanks, drops blanks at the end. */
static void normalise(char *s)
{
	char *comment = strstr(s, "//");
	size_t len;

	if (comment)
		*comment = '\0';
	len = strcspn(s, "\n<");
	while (len && isspace((unsigned char)s[len - 1]))
		len--;
	s[len] = '\0';
	for (; *s; s++)
		if (*s == '\t')
			*s = ' ';
}

/* Whether @text, said of @w, is an instruction that accesses memory. */
static bool accesses_memory(uint32_t w, const char *text)
{
	if (strncmp(text, ".inst", 5) == 0)
		return false;
	if ((w & 0x0a000000) == 0x08000000 || (w & 0x9e000000) == 0x84000000 ||
	    (w & 0xfe000000) == 0xe0000000)
		return true;
	if (strncmp(text, "ic ivau", 7) == 0)
		return true;
	/* by virtual address, so not by set and way, nor by physical address */
	return strncmp(text, "dc ", 3) == 0 && !strstr(text, "sw,") && !strstr(text, "papa,");
}

static bool same(const char *got, const char *want, const struct insn *i)
{
	if (i->class == INSN_SVE || i->class == INSN_SME)
		return strncmp(got, want, strlen(got)) == 0 && want[strlen(got)] == ' ';
	return strcmp(got, want) == 0;
}

/* Whether we say of @w what objdump says, which is @want. */
static bool compare(uint32_t w, uint64_t pc, const char *want, bool same_age)
{
	bool undefined = strncmp(want, ".inst", 5) == 0;
	char got[INSN_TEXT_MAX];
	struct insn i;
	bool is_insn = insn_decode(w, &i);

	(void)insn_text(w, pc, got, sizeof(got));
	/* UNDEFINED is among the answers that the manual allows here, and objdump's for some. */
	if (is_insn && i.unpredictable && undefined)
		return true;
	if (is_insn != accesses_memory(w, want))
		return !same_age || is_exception(w);
	if (!is_insn)
		return true;
	if (i.class == INSN_PREFETCH && !same_age)
		return true; /* later versions have names for more of the operations */
	return same(got, want, &i);
}

/* A file in memory with all values of the bits @sweep, each with @each choices of @free_bits. */
static int words_file(uint32_t value, uint32_t sweep, uint32_t free_bits, uint64_t each)
{
	int fd = memfd_create("words", 0);
	FILE *f = fdopen(dup(fd), "wb");
	uint32_t fields = 0;

	EXPECT(fd >= 0 && f != NULL);
	do {
		for (uint64_t n = 0; n < each; n++) {
			uint32_t w = htole32(value | fields | (operands() & free_bits));

			EXPECT_EQ(fwrite(&w, sizeof(w), 1, f), 1);
		}
		fields = (fields - sweep) & sweep; /* the next subset of the bits */
	} while (fields);
	EXPECT_EQ(fclose(f), 0);
	return fd;
}

/* The words @value with any value of the bits @sweep, and @each values of the bits @free_bits. */
static void check(uint32_t value, uint32_t sweep, uint32_t free_bits, uint64_t each)
{
	bool same_age = false;
	const char *tool = objdump(&same_age);
	unsigned differ = 0;
	uint64_t seen = 0;
	char cmd[200], line[400];
	FILE *f;

	if (!tool)
		test_skip("no objdump that knows aarch64 (binutils-aarch64-linux-gnu)");
	if (times > 1)
		(void)alarm(0); /* as long as it takes */
	state = value | 0x9e3779b97f4a7c15;
	(void)snprintf(cmd, sizeof(cmd), "%s -D -z -b binary -m aarch64 /dev/fd/%d", tool,
		       words_file(value, sweep, free_bits, each * times));
	f = popen(cmd, "r");
	EXPECT(f != NULL);
	while (fgets(line, sizeof(line), f) && differ < 20) {
		uint64_t pc;
		uint32_t w;
		int at = 0;

		/* "  address:\tword \tmnemonic\toperands" */
		if (sscanf(line, " %" SCNx64 ": %8" SCNx32 " %n", &pc, &w, &at) < 2 || !at)
			continue;
		seen++;
		normalise(line + at);
		if (!compare(w, pc, line + at, same_age)) {
			char got[INSN_TEXT_MAX];

			(void)insn_text(w, pc, got, sizeof(got));
			(void)printf("    %08x: %s, objdump: %s\n", w, got, line + at);
			differ++;
		}
	}
	(void)pclose(f);
	(void)printf("    %" PRIu64 " words\n", seen);
	EXPECT_EQ(differ, 0);
	EXPECT_EQ(seen, (each * times) << __builtin_popcount(sweep));
}

TEST(insn_exclusive_ordered_and_compare_and_swap)
{
	check(0x08000000, 0xc1e08000, 0x001f7fff, 2048);
}

TEST(insn_advanced_simd_structures)
{
	check(0x0c000000, 0xc1e0fc00, 0x001f03ff, 128);
}

TEST(insn_literals_tags_and_extensions)
{
	check(0x18000000, 0xc5e0fc00, 0x001f03ff, 96);
}

TEST(insn_pairs)
{
	check(0x28000000, 0xc5c00000, 0x003fffff, 8192);
}

TEST(insn_single_registers_and_atomics)
{
	check(0x38000000, 0xc5e0fc00, 0x001f03ff, 128);
}

TEST(insn_sve)
{
	check(0x84000000, 0x61e0e010, 0x001f1fef, 512);
}

TEST(insn_sme)
{
	check(0xe0000000, 0x01e0fc10, 0x001f03ef, 128);
}

TEST(insn_dc_and_ic)
{
	check(0xd5080000, 0x0027ffe0, 0x1f, 4);
}

TEST(insn_any_word)
{
	check(0x00000000, 0xff000000, 0x00ffffff, 2048);
}

int main(int argc, char **argv)
{
	static const struct test tests[] = {
		T(insn_exclusive_ordered_and_compare_and_swap),
		T(insn_advanced_simd_structures),
		T(insn_literals_tags_and_extensions),
		T(insn_pairs),
		T(insn_single_registers_and_atomics),
		T(insn_sve),
		T(insn_sme),
		T(insn_dc_and_ic),
		T(insn_any_word),
		{ NULL, NULL },
	};

	if (argc > 1 && (!text_u64(argv[1], &times) || !times || times > 1000)) {
		(void)fprintf(stderr, "usage: insn_objdump [TIMES]\n");
		return 1;
	}
	return test_main(tests, 1, argv);
}
