/* SPDX-License-Identifier: Apache-2.0 */
/*
 * insn32_decode() and insn32_text() against LLVM: which A32 and T32 words are instructions that
 * access memory, and how they are spelled.
 *
 *	insn32_objdump [TIMES]
 *
 * Each test is a group of encodings. Fields that tell instructions apart run through all their
 * values, the others are pseudo-random and the same in each run. TIMES multiplies how many of these
 * there are. Skipped where clang or llvm-objdump is not there, or does not know 32-bit Arm.
 *
 * What the manual calls UNPREDICTABLE may decode here and not there.
 */
#include "arch/arm64/insn/insn32.h"
#include "tests/lib/test.h"
#include "vmm/base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TARGET "--target=armv8a-none-eabi -march=armv8.2-a+fp16 -mfpu=neon-fp-armv8"
#define DUMP   "llvm-objdump -d --no-show-raw-insn --triple=armv8a --mattr=+neon,+fp-armv8,+fullfp16"

enum { WORDS = 1 << 19 };

static uint64_t times = 1;
static uint64_t state;
static uint32_t word[WORDS];
static size_t words;

/* xorshift64* */
static uint32_t any(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)(state * 0x2545f4914f6cdd1d >> 32);
}

static bool have_llvm(void)
{
	return system("{ echo nop | clang " TARGET
		      " -x assembler -c - -o /dev/null && llvm-objdump --version; } "
		      ">/dev/null 2>&1") == 0;
}

static bool is_structure(const char *text)
{
	return (strncmp(text, "vld", 3) == 0 || strncmp(text, "vst", 3) == 0) &&
	       isdigit((unsigned char)text[3]);
}

/* Blanks as objdump has them, no comment, and of a list of VLDM and kin the ends only. */
static void normalise(char *s)
{
	char *list, *last;
	size_t len = strcspn(s, "@\n");

	while (len && isspace((unsigned char)s[len - 1]))
		len--;
	s[len] = '\0';
	for (char *at = s; *at; at++)
		if (*at == '\t')
			*at = ' ';
	list = strpbrk(s, "{");
	if (s[0] != 'v' || is_structure(s) || !list || !strchr(list, ','))
		return;
	last = strrchr(list, ' ');
	list = strchr(list, ',');
	*list++ = '-';
	memmove(list, last + 1, strlen(last));
}

static bool accesses_memory(const char *text)
{
	static const char *const names[] = { "ldr", "str", "ldm", "stm",   "lda",  "stl", "push",
					     "pop", "vld", "vst", "vpush", "vpop", "tbb", "tbh" };

	for (size_t n = 0; n < ARRAY_SIZE(names); n++)
		if (strncmp(text, names[n], strlen(names[n])) == 0)
			return true;
	return false;
}

/* A structure at PC, or in registers beyond D31, which LLVM has as D0 and on, or as others. */
static bool is_unpredictable(const char *text)
{
	const char *at = strchr(text, '{');
	int n, last = -1;

	if (!is_structure(text) || !at)
		return false;
	for (; *at != '}'; at += strcspn(at, ",}")) {
		at += *at == '{' ? 1 : 2;
		if (sscanf(at, "d%d", &n) < 1 || n <= last)
			return true;
		last = n;
	}
	return strncmp(at, "}, [pc", 6) == 0;
}

static bool compare(uint32_t w, uint32_t cpsr, const char *want)
{
	char got[INSN_TEXT_MAX];
	struct insn i;
	bool is_insn = insn32_decode(w, cpsr, &i);

	if (!is_insn) /* a list that is empty or goes beyond the last register is cut to size there
		       */
		return !accesses_memory(want) || is_unpredictable(want) ||
		       strncmp(want + 1, "ldm", 3) == 0 || strncmp(want + 1, "stm", 3) == 0 ||
		       strncmp(want, "vp", 2) == 0;
	(void)insn32_text(w, cpsr, got, sizeof(got));
	if (i.class == INSN_OTHER32 && !i.list) /* the mnemonic is all there is */
		return strcmp(want, "<unknown>") == 0 || strncmp(got, want, strlen(got)) == 0;
	if (i.unpredictable && (strcmp(want, "<unknown>") == 0 || i.regs == 2))
		return true;
	if (i.thumb && i.rn == 15 && i.size == 2) /* LLVM 14 has it in an IT that is not there */
		return strncmp(got, want, strlen(i.name) + strlen(i.suffix)) == 0;
	return strcmp(got, want) == 0;
}

/*
 * An object file with all words. In T32 each has a label, where decoding starts afresh, and NOPs
 * behind it, that the rest of an unknown one is not taken for an IT of the next.
 */
enum { SLOT_T32 = 12 };

static void assemble(const char *object, bool thumb)
{
	char cmd[200];
	FILE *f;

	(void)snprintf(cmd, sizeof(cmd), "clang " TARGET " -x assembler -c - -o %s", object);
	f = popen(cmd, "w");
	EXPECT(f != NULL);
	(void)fprintf(f, thumb ? ".syntax unified\n.thumb\n" : ".arm\n");
	for (size_t n = 0; n < words; n++)
		if (!thumb)
			(void)fprintf(f, ".inst 0x%08" PRIx32 "\n", word[n]);
		else if (word[n] >> 16)
			(void)fprintf(f, "w%zu: .inst.w 0x%08" PRIx32 "\nnop\nnop\nnop\nnop\n", n,
				      word[n]);
		else
			(void)fprintf(f, "w%zu: .inst.n 0x%04" PRIx32 "\nnop\nnop\nnop\nnop\nnop\n",
				      n, word[n]);
	EXPECT_EQ(pclose(f), 0);
}

static void check_words(bool thumb)
{
	const uint32_t cpsr = thumb ? CPSR_T : 0, slot = thumb ? SLOT_T32 : 4;
	char object[] = "/tmp/insn32.XXXXXX", cmd[300], line[400];
	unsigned differ = 0;
	size_t seen = 0;
	int fd = mkstemp(object);
	FILE *f;

	EXPECT(fd >= 0);
	(void)close(fd);
	(void)alarm(0); /* as long as it takes */
	assemble(object, thumb);
	(void)snprintf(cmd, sizeof(cmd), DUMP " %s", object);
	f = popen(cmd, "r");
	EXPECT(f != NULL);
	while (fgets(line, sizeof(line), f)) {
		uint64_t at;
		int text = 0;

		if (sscanf(line, " %" SCNx64 ": %n", &at, &text) < 1 || !text || at % slot ||
		    at / slot >= words)
			continue;
		seen++;
		normalise(line + text);
		if (!compare(word[at / slot], cpsr, line + text) && differ++ < 20) {
			char got[INSN_TEXT_MAX];

			(void)insn32_text(word[at / slot], cpsr, got, sizeof(got));
			(void)printf("    %08" PRIx32 ": %s, LLVM: %s\n", word[at / slot], got,
				     line + text);
		}
	}
	(void)pclose(f);
	(void)unlink(object);
	(void)printf("    %zu words\n", seen);
	EXPECT_EQ(differ, 0);
	EXPECT_EQ(seen, words);
}

/* The words @value with any value of the bits @sweep, and @each values of the bits @free_bits. */
static void add(uint32_t value, uint32_t sweep, uint32_t free_bits, uint64_t each)
{
	uint32_t fields = 0;

	state = value | 0x9e3779b97f4a7c15;
	do {
		for (uint64_t n = 0; n < each * times && words < WORDS; n++)
			word[words++] = value | fields | (any() & free_bits);
		fields = (fields - sweep) & sweep;
	} while (fields);
}

static void check(bool thumb, uint32_t value, uint32_t sweep, uint32_t free_bits, uint64_t each)
{
	if (!have_llvm())
		test_skip("no clang and llvm-objdump that know 32-bit Arm");
	words = 0;
	add(value, sweep, free_bits, each);
	check_words(thumb);
}

TEST(insn32_a32_words_and_bytes)
{
	check(false, 0xe4000000, 0x03f00000, 0x000fffff, 256);
}

TEST(insn32_a32_halfwords_pairs_and_exclusives)
{
	check(false, 0xe0000090, 0x01f00060, 0x000fff0f, 256);
	check(false, 0xe1800c90, 0x00700300, 0x000ff00f, 256);
	check(false, 0xe1800c9f, 0x00700300, 0x000ff000, 256);
	check(false, 0xe180fc90, 0x00700300, 0x000f000f, 256);
}

TEST(insn32_a32_blocks)
{
	check(false, 0xe8000000, 0x01f00000, 0x000fffff, 512);
	check(false, 0xe80d0000, 0x01f00000, 0x0000ffff, 128);
}

TEST(insn32_a32_extension_registers)
{
	check(false, 0xec000800, 0x01f00300, 0x000ff0ff, 128);
	check(false, 0xec000a00, 0x01f0010f, 0x000ff000, 16);
	check(false, 0xec0d0a00, 0x01f0010f, 0x0000f000, 4);
}

TEST(insn32_a32_structures)
{
	check(false, 0xf4000000, 0x00a00ff0, 0x004ff00f, 16);
	check(false, 0xf4000002, 0x00e0fff0, 0x000f0000, 1);
}

TEST(insn32_a32_conditions)
{
	check(false, 0x04000000, 0xf3f00000, 0x000fffff, 16);
	check(false, 0x0c000a00, 0xf1f00000, 0x000ff11f, 4);
	check(false, 0x08000000, 0xf1f00000, 0x000fffff, 4);
}

TEST(insn32_a32_any_word)
{
	check(false, 0x00000000, 0xff000000, 0x00ffffff, 256);
}

TEST(insn32_t16_all)
{
	check(true, 0x4800, 0x07ff, 0, 1);
	check(true, 0x5000, 0x0fff, 0, 1);
	check(true, 0x6000, 0x1fff, 0, 1);
	check(true, 0x8000, 0x1fff, 0, 1);
	check(true, 0xb400, 0x09ff, 0, 1);
	check(true, 0xc000, 0x0fff, 0, 1);
}

TEST(insn32_t32_singles)
{
	check(true, 0xf8000000, 0x01f00f00, 0x000ff0ff, 16);
	check(true, 0xf8000000, 0x01f00030, 0x000ff00f, 32);
	check(true, 0xf80f0000, 0x01f00f00, 0x0000f0ff, 4);
}

TEST(insn32_t32_pairs_exclusives_and_blocks)
{
	check(true, 0xe8000000, 0x01f000f0, 0x000fff0f, 16);
	check(true, 0xe8000000, 0x01f00000, 0x000fffff, 256);
	check(true, 0xe8c00f0f, 0x001000f0, 0x000ff000, 256);
	check(true, 0xe8c00f00, 0x001000f0, 0x000ff00f, 256);
	check(true, 0xe8c0000f, 0x001000f0, 0x000fff00, 256);
	check(true, 0xe80d0000, 0x01f00000, 0x0000ffff, 128);
}

TEST(insn32_t32_extension_registers)
{
	check(true, 0xec000800, 0x01f00300, 0x000ff0ff, 64);
	check(true, 0xec000a00, 0x01f0010f, 0x000ff000, 16);
}

TEST(insn32_t32_structures)
{
	check(true, 0xf9000000, 0x00a00ff0, 0x004ff00f, 16);
}

TEST(insn32_t32_any_word)
{
	check(true, 0xe8000000, 0x17000000, 0x00ffffff, 1024);
}

int main(int argc, char **argv)
{
	static const struct test tests[] = {
		T(insn32_a32_words_and_bytes),
		T(insn32_a32_halfwords_pairs_and_exclusives),
		T(insn32_a32_blocks),
		T(insn32_a32_extension_registers),
		T(insn32_a32_structures),
		T(insn32_a32_conditions),
		T(insn32_a32_any_word),
		T(insn32_t16_all),
		T(insn32_t32_singles),
		T(insn32_t32_pairs_exclusives_and_blocks),
		T(insn32_t32_extension_registers),
		T(insn32_t32_structures),
		T(insn32_t32_any_word),
		{ NULL, NULL },
	};

	if (argc > 1 && (!text_u64(argv[1], &times) || !times || times > 1000)) {
		(void)fprintf(stderr, "usage: insn32_objdump [TIMES]\n");
		return 1;
	}
	return test_main(tests, 1, argv);
}
