/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"
#include "vmm/debug/report.h"

#include <assert.h>
#include <stdlib.h>

/* --- the sentence --------------------------------------------------------------------------- */

struct sentence {
	enum fault_cause cause;
	const char *inside;
	const char *access[FAULT_ACCESS_COUNT]; /* read, write, atomic, fetch */
	const char *walk[FAULT_ACCESS_COUNT];
};

#define COULD_NOT(rest)                                                                            \
	{                                                                                          \
		"vCPU 3 could not read 4 bytes: stage 1 " rest,                                    \
			"vCPU 3 could not write 4 bytes: stage 1 " rest,                           \
			"vCPU 3 could not do an atomic operation on 4 bytes: stage 1 " rest,       \
			"vCPU 3 could not fetch an instruction: stage 1 " rest,                    \
	}

static const struct sentence sentences[] = {
	{
		FAULT_NOTHING_THERE,
		"",
		{
			"vCPU 3 read 4 bytes from 0x0a000e40, where nothing is.",
			"vCPU 3 wrote 4 bytes to 0x0a000e40, where nothing is.",
			"vCPU 3 did an atomic operation on 4 bytes at 0x0a000e40, where nothing "
			"is.",
			"vCPU 3 fetched an instruction from 0x0a000e40, where nothing is.",
		},
		COULD_NOT("looked for a descriptor at 0x0a000e40, where nothing is."),
	},
	{
		FAULT_READ_ONLY,
		"flash0",
		{
			"vCPU 3 read 4 bytes from 0x0a000e40 in flash0, which is read-only.",
			"vCPU 3 wrote 4 bytes to 0x0a000e40 in flash0, which is read-only.",
			"vCPU 3 did an atomic operation on 4 bytes at 0x0a000e40 in flash0, which "
			"is read-only.",
			"vCPU 3 fetched an instruction from 0x0a000e40 in flash0, which is "
			"read-only.",
		},
		COULD_NOT("had to update a descriptor at 0x0a000e40 in flash0, which is "
			  "read-only."),
	},
	{
		FAULT_REFUSED,
		"pl011",
		{
			"vCPU 3 read 4 bytes from 0x0a000e40, where pl011 refuses this size or "
			"alignment.",
			"vCPU 3 wrote 4 bytes to 0x0a000e40, where pl011 refuses this size or "
			"alignment.",
			"vCPU 3 did an atomic operation on 4 bytes at 0x0a000e40, where pl011 "
			"refuses this size or alignment.",
			"vCPU 3 fetched an instruction from 0x0a000e40, where pl011 refuses this "
			"size or alignment.",
		},
		COULD_NOT("looked for a descriptor at 0x0a000e40, where pl011 refuses this size "
			  "or alignment."),
	},
	{
		FAULT_ENDS_OUTSIDE,
		"RAM",
		{
			"vCPU 3 read 4 bytes that begin in RAM and go beyond its end, at "
			"0x0a000e40.",
			"vCPU 3 wrote 4 bytes that begin in RAM and go beyond its end, at "
			"0x0a000e40.",
			"vCPU 3 did an atomic operation on 4 bytes that begin in RAM and go "
			"beyond its end, at 0x0a000e40.",
			"vCPU 3 fetched an instruction that begins in RAM and goes beyond its "
			"end, at 0x0a000e40.",
		},
		COULD_NOT("looked for a descriptor that begins in RAM and goes beyond its end, at "
			  "0x0a000e40."),
	},
	{
		FAULT_NOT_FOR_DEVICE,
		"pl011",
		{
			"vCPU 3 read 4 bytes from 0x0a000e40, where pl011 is: this works on "
			"memory only.",
			"vCPU 3 wrote 4 bytes to 0x0a000e40, where pl011 is: this works on memory "
			"only.",
			"vCPU 3 did an atomic operation on 4 bytes at 0x0a000e40, where pl011 is: "
			"this works on memory only.",
			"vCPU 3 fetched an instruction from 0x0a000e40, where pl011 is: this "
			"works on memory only.",
		},
		COULD_NOT("looked for a descriptor at 0x0a000e40, where pl011 is: this works on "
			  "memory only."),
	},
	{
		FAULT_BEYOND_IPA,
		"",
		{
			"vCPU 3 read 4 bytes from 0x0a000e40, beyond the last address of this "
			"machine.",
			"vCPU 3 wrote 4 bytes to 0x0a000e40, beyond the last address of this "
			"machine.",
			"vCPU 3 did an atomic operation on 4 bytes at 0x0a000e40, beyond the last "
			"address of this machine.",
			"vCPU 3 fetched an instruction from 0x0a000e40, beyond the last address "
			"of this machine.",
		},
		COULD_NOT("looked for a descriptor at 0x0a000e40, beyond the last address of this "
			  "machine."),
	},
	{
		FAULT_HOST_MEMORY,
		"",
		{
			"vCPU 3 read 4 bytes from 0x0a000e40, and the host's memory behind it "
			"failed.",
			"vCPU 3 wrote 4 bytes to 0x0a000e40, and the host's memory behind it "
			"failed.",
			"vCPU 3 did an atomic operation on 4 bytes at 0x0a000e40, and the host's "
			"memory behind it failed.",
			"vCPU 3 fetched an instruction from 0x0a000e40, and the host's memory "
			"behind it failed.",
		},
		COULD_NOT("looked for a descriptor at 0x0a000e40, and the host's memory behind it "
			  "failed."),
	},
	{
		FAULT_WATCHED,
		"",
		{
			"vCPU 3 read 4 bytes from 0x0a000e40, which is watched.",
			"vCPU 3 wrote 4 bytes to 0x0a000e40, which is watched.",
			"vCPU 3 did an atomic operation on 4 bytes at 0x0a000e40, which is "
			"watched.",
			"vCPU 3 fetched an instruction from 0x0a000e40, which is watched.",
		},
		COULD_NOT("looked for a descriptor at 0x0a000e40, which is watched."),
	},
};

static const char *sentence(const struct fault *f)
{
	static char text[REPORT_SENTENCE_MAX];

	EXPECT_EQ(report_sentence(f, text, sizeof(text)), strlen(text));
	return text;
}

TEST(report_has_a_sentence_for_every_cause_and_access)
{
	static_assert(ARRAY_SIZE(sentences) == FAULT_CAUSE_COUNT, "every cause is here");
	for (unsigned i = 0; i < ARRAY_SIZE(sentences); i++) {
		struct fault f = { .vcpu = 3, .size = 4, .ipa_known = true, .ipa = 0xa000e40 };

		f.cause = sentences[i].cause;
		(void)snprintf(f.inside, sizeof(f.inside), "%s", sentences[i].inside);
		for (enum fault_access a = 0; a < FAULT_ACCESS_COUNT; a++) {
			f.access = a;
			f.walk = false;
			EXPECT_STR(sentence(&f), sentences[i].access[a]);
			f.walk = true;
			EXPECT_STR(sentence(&f), sentences[i].walk[a]);
		}
	}
}

TEST(report_sentence_says_no_more_than_is_known)
{
	static const struct {
		struct fault f;
		const char *want;
	} cases[] = {
		{ { .access = FAULT_READ, .size = 1, .ipa_known = true, .ipa = 0x123456789abc },
		  "vCPU 0 read 1 byte from 0x123456789abc, where nothing is." },
		{ { .access = FAULT_READ, .ipa_known = true },
		  "vCPU 0 read from 0x00000000, where nothing is." },
		{ { .access = FAULT_WRITE, .ipa_known = true },
		  "vCPU 0 wrote to 0x00000000, where nothing is." },
		{ { .access = FAULT_READ_WRITE, .ipa_known = true },
		  "vCPU 0 did an atomic operation at 0x00000000, where nothing is." },
		{ { .access = FAULT_READ_WRITE, .size = 1, .ipa_known = true },
		  "vCPU 0 did an atomic operation on 1 byte at 0x00000000, where nothing is." },
		{ { .access = FAULT_WRITE, .walk = true, .ipa_known = true },
		  "vCPU 0 could not write: stage 1 looked for a descriptor at 0x00000000, where "
		  "nothing is." },
		{ { .access = FAULT_WRITE,
		    .va_source = FAULT_VA_DECODED,
		    .va = 0xffff800012345678 },
		  "vCPU 0 wrote to virtual address 0xffff800012345678, where nothing is." },
		{ { .access = FAULT_FETCH, .size = 4 },
		  "vCPU 0 fetched an instruction from an unknown address, where nothing is." },
		{ { .access = FAULT_WRITE, .cause = FAULT_READ_ONLY, .ipa_known = true },
		  "vCPU 0 wrote to 0x00000000, which is read-only." },
		{ { .access = FAULT_READ, .cause = FAULT_REFUSED, .ipa_known = true },
		  "vCPU 0 read from 0x00000000, where a device refuses this size or alignment." },
		{ { .access = FAULT_FETCH, .cause = FAULT_NOT_FOR_DEVICE, .ipa_known = true },
		  "vCPU 0 fetched an instruction from 0x00000000, where a device is: this works "
		  "on memory only." },
		{ { .access = FAULT_READ, .cause = FAULT_ENDS_OUTSIDE, .ipa_known = true },
		  "vCPU 0 read bytes that begin in memory or a device and go beyond its end, at "
		  "0x00000000." },
		{ { .access = FAULT_READ_WRITE, .cause = FAULT_ENDS_OUTSIDE },
		  "vCPU 0 did an atomic operation on bytes that begin in memory or a device and "
		  "go beyond its end, at an unknown address." },
		{ { .access = FAULT_WRITE, .cause = FAULT_ENDS_OUTSIDE, .size = 1 },
		  "vCPU 0 wrote 1 byte that begins in memory or a device and goes beyond its "
		  "end, at an unknown address." },
		/* What ends where the fault is, is what it began in. */
		{ { .access = FAULT_READ,
		    .cause = FAULT_ENDS_OUTSIDE,
		    .size = 16,
		    .ipa_known = true,
		    .ipa = 0x80000000,
		    .below = { .there = true, .name = "RAM" } },
		  "vCPU 0 read 16 bytes that begin in RAM and go beyond its end, at "
		  "0x80000000." },
		{ { .access = FAULT_READ,
		    .cause = FAULT_ENDS_OUTSIDE,
		    .size = 16,
		    .below = { .there = true, .name = "RAM", .distance = 8 } },
		  "vCPU 0 read 16 bytes that begin in memory or a device and go beyond its end, "
		  "at an unknown address." },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++)
		EXPECT_STR(sentence(&cases[i].f), cases[i].want);
}

/* --- whole texts ---------------------------------------------------------------------------- */

static int names_ctx;

static bool kernel_name(void *ctx, uint64_t va, char *buf, size_t size)
{
	static const struct {
		uint64_t va;
		const char *name;
	} known[] = {
		{ 0xffff800080015a2c, "do_one_initcall+0x5c/0x2d8 (init/main.c:1234)" },
		{ 0xffff800080015f10, "kernel_init_freeable+0x210/0x2b0 (init/main.c:1556)" },
		{ 0xffff800080010a00, "vectors+0x200/0x800" },
		{ 0xffff80008100a010, "uart_ports+0x10/0x40" },
	};

	EXPECT(ctx == &names_ctx);
	for (unsigned i = 0; i < ARRAY_SIZE(known); i++) {
		if (known[i].va != va)
			continue;
		(void)snprintf(buf, size, "%s", known[i].name);
		return true;
	}
	return false;
}

static const struct report_names names = { .name = kernel_name, .ctx = &names_ctx };

static const struct fault full = {
	.access = FAULT_WRITE,
	.cause = FAULT_NOTHING_THERE,
	.action = FAULT_ABORTED,
	.vcpu = 1,
	.state = "EL1h, AArch64",
	.privilege = 1,
	.pc = 0xffff800080015a2c,
	.insn_known = true,
	.insn = 0xb9000401,
	.insn_text = "str w1, [x0, #4]",
	.size = 4,
	.value_known = true,
	.value = { 0xffffffffdeadbeef },
	.va_source = FAULT_VA_BOTH,
	.va = 0xffff80008000de40,
	.ipa_known = true,
	.ipa = 0x0a000e40,
	.regime = "TTBR1_EL1 0x41234000, 4K granule, 48 bits",
	.nr_steps = 3,
	.step = {
		{ 0, 0x41234800, 0x41235003, true, "table" },
		{ 1, 0x41235000, 0x41236003, true, "table" },
		{ 3, 0x41237068, 0x0068000009010f13, true,
		  "page, AttrIndx 4 (Device-nGnRE), EL0 none, EL1 read-write, PXN UXN, nG" },
	},
	.walk_result = "0x0a000e40, Device-nGnRE, read-write",
	.below = { true, "virtio-mmio slot 6", 0x0a000c00, 0x200, 0x40 },
	.above = { true, "virtio-mmio slot 8", 0x0a001000, 0x200, 0x1bc },
	.esr = 0x96000010,
	.far = 0xffff80008000de40,
	.elr = 0xffff800080015a2c,
	.vector = 0xffff800080010a00,
	.esr_text = "Data Abort from the current EL, synchronous External abort, not on a walk",
	.nr_frames = 2,
	.frame = { 0xffff800080015f10, 0xffff800080dead00 },
	.frames_cut = true,
	.nr_exits = 2,
	.exit = { { "MMIO read 4 bytes at 0x9000018: pl011" },
		  { "MMIO write 4 bytes at 0x9000000: pl011" } },
};

static const char full_text[] =
	"fault: vCPU 1 wrote 4 bytes to 0x0a000e40, where nothing is.\n"
	"  cpu              vCPU 1, EL1h, AArch64\n"
	"  pc               0xffff800080015a2c do_one_initcall+0x5c/0x2d8 (init/main.c:1234)\n"
	"  instruction      str w1, [x0, #4] (0xb9000401)\n"
	"  access           write of 4 bytes, value 0xdeadbeef\n"
	"  virtual address  0xffff80008000de40, from the fault address register and the "
	"instruction\n"
	"  stage 1          TTBR1_EL1 0x41234000, 4K granule, 48 bits\n"
	"                   level 0 at 0x41234800: 0x0000000041235003, table\n"
	"                   level 1 at 0x41235000: 0x0000000041236003, table\n"
	"                   level 3 at 0x41237068: 0x0068000009010f13, page, AttrIndx 4 "
	"(Device-nGnRE),\n"
	"                     EL0 none, EL1 read-write, PXN UXN, nG\n"
	"                   result: 0x0a000e40, Device-nGnRE, read-write\n"
	"  stage 2          0x0a000e40: no memory and no device\n"
	"                   0x40 bytes past the end of virtio-mmio slot 6 (0x0a000c00 to "
	"0x0a000dff)\n"
	"                   0x1bc bytes before virtio-mmio slot 8 (0x0a001000 to 0x0a0011ff)\n"
	"  vmm did          injected an external abort\n"
	"                   ESR 0x96000010: Data Abort from the current EL, synchronous External "
	"abort,\n"
	"                     not on a walk\n"
	"                   FAR 0xffff80008000de40, ELR 0xffff800080015a2c\n"
	"                   vector 0xffff800080010a00 vectors+0x200/0x800\n"
	"  called from      0xffff800080015f10 kernel_init_freeable+0x210/0x2b0 "
	"(init/main.c:1556)\n"
	"                   0xffff800080dead00\n"
	"                   and maybe more\n"
	"  exits before     MMIO read 4 bytes at 0x9000018: pl011\n"
	"                   MMIO write 4 bytes at 0x9000000: pl011\n";

static const char full_json[] =
	"{\"text\":\"vCPU 1 wrote 4 bytes to 0x0a000e40, where nothing is.\","
	"\"vcpu\":1,\"access\":\"write\",\"cause\":\"nothing-there\",\"action\":\"aborted\","
	"\"walk\":false,\"state\":\"EL1h, AArch64\",\"el\":1,\"aarch32\":false,"
	"\"pc\":\"0xffff800080015a2c\","
	"\"pc_name\":\"do_one_initcall+0x5c/0x2d8 (init/main.c:1234)\","
	"\"insn\":\"0xb9000401\",\"insn_text\":\"str w1, [x0, #4]\",\"size\":4,"
	"\"value\":\"0xdeadbeef\",\"ipa\":\"0xa000e40\",\"va\":\"0xffff80008000de40\","
	"\"va_source\":\"both\","
	"\"stage1\":{\"regime\":\"TTBR1_EL1 0x41234000, 4K granule, 48 bits\",\"steps\":["
	"{\"level\":0,\"at\":\"0x41234800\",\"descriptor\":\"0x41235003\",\"text\":\"table\"},"
	"{\"level\":1,\"at\":\"0x41235000\",\"descriptor\":\"0x41236003\",\"text\":\"table\"},"
	"{\"level\":3,\"at\":\"0x41237068\",\"descriptor\":\"0x68000009010f13\","
	"\"text\":\"page, AttrIndx 4 (Device-nGnRE), EL0 none, EL1 read-write, PXN UXN, nG\"}],"
	"\"result\":\"0x0a000e40, Device-nGnRE, read-write\"},"
	"\"stage2\":{"
	"\"below\":{\"name\":\"virtio-mmio slot 6\",\"base\":\"0xa000c00\",\"size\":\"0x200\","
	"\"distance\":\"0x40\"},"
	"\"above\":{\"name\":\"virtio-mmio slot 8\",\"base\":\"0xa001000\",\"size\":\"0x200\","
	"\"distance\":\"0x1bc\"}},"
	"\"guest\":{\"esr\":\"0x96000010\",\"esr_text\":\"Data Abort from the current EL, "
	"synchronous External abort, not on a walk\",\"far\":\"0xffff80008000de40\","
	"\"elr\":\"0xffff800080015a2c\",\"vector\":\"0xffff800080010a00\","
	"\"vector_name\":\"vectors+0x200/0x800\"},"
	"\"backtrace\":[{\"pc\":\"0xffff800080015f10\","
	"\"name\":\"kernel_init_freeable+0x210/0x2b0 (init/main.c:1556)\"},"
	"{\"pc\":\"0xffff800080dead00\"}],\"backtrace_cut\":true,"
	"\"exits\":[\"MMIO read 4 bytes at 0x9000018: pl011\","
	"\"MMIO write 4 bytes at 0x9000000: pl011\"]}\n";

static const char *text_of(const struct fault *f, const struct report_names *n)
{
	static char text[REPORT_TEXT_MAX];

	EXPECT_EQ(report_text(f, n, text, sizeof(text)), strlen(text));
	return text;
}

/* The object as a line, to be freed. */
static char *json_of(const struct fault *f, const struct report_names *n)
{
	struct json_writer w;
	struct err e;
	char *line = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&line, &size);

	EXPECT(out != NULL);
	json_start_line(&w, out);
	report_json(f, n, &w);
	EXPECT_EQ(json_finish(&w, &e), 0);
	(void)fclose(out);
	return line;
}

static void expect_json(const struct fault *f, const struct report_names *n, const char *want)
{
	char *line = json_of(f, n);

	EXPECT_STR(line, want);
	free(line);
}

TEST(report_tells_everything_that_is_known)
{
	EXPECT_STR(text_of(&full, &names), full_text);
	expect_json(&full, &names, full_json);
}

static bool name_of_call(void *ctx, uint64_t va, char *buf, size_t size)
{
	EXPECT(ctx == &names_ctx);
	(void)snprintf(buf, size, "call before 0x%" PRIx64, va);
	return true;
}

TEST(report_asks_for_return_addresses_in_the_backtrace_only)
{
	const struct report_names n = { kernel_name, &names_ctx, name_of_call };
	const char *text = text_of(&full, &n);
	char *line = json_of(&full, &n);

	EXPECT_HAS(text, "0xffff800080015f10 call before 0xffff800080015f10\n");
	EXPECT_HAS(text, "0xffff800080dead00 call before 0xffff800080dead00\n");
	EXPECT_HAS(text, "0xffff800080015a2c do_one_initcall+0x5c/0x2d8 (init/main.c:1234)\n");
	EXPECT_HAS(text, "vector 0xffff800080010a00 vectors+0x200/0x800\n");
	EXPECT_HAS(line, "{\"pc\":\"0xffff800080015f10\",\"name\":\"call before ");
	EXPECT_HAS(line, "\"pc_name\":\"do_one_initcall+");
	free(line);
}

TEST(report_leaves_out_what_is_unknown)
{
	static const struct fault nothing = { .access = FAULT_READ, .privilege = 1 };

	EXPECT_STR(text_of(&nothing, NULL),
		   "fault: vCPU 0 read from an unknown address, where nothing is.\n"
		   "  cpu              vCPU 0, EL1, AArch64\n"
		   "  pc               0x00000000\n"
		   "  access           read\n"
		   "  stage 2          an unknown address: no memory and no device\n"
		   "  vmm did          injected an external abort\n");
	expect_json(&nothing, NULL,
		    "{\"text\":\"vCPU 0 read from an unknown address, where nothing is.\","
		    "\"vcpu\":0,\"access\":\"read\",\"cause\":\"nothing-there\","
		    "\"action\":\"aborted\",\"walk\":false,\"el\":1,\"aarch32\":false,"
		    "\"pc\":\"0x0\"}\n");
}

TEST(report_shows_both_addresses_where_two_ways_disagree)
{
	static const struct fault f = {
		.access = FAULT_READ_WRITE,
		.cause = FAULT_READ_ONLY,
		.action = FAULT_ZEROES,
		.state = "EL0t, AArch64",
		.pc = 0x400580,
		.insn_known = true,
		.insn = 0x487f7c02,
		.size = 16,
		.value_known = true,
		.value = { 0x1122334455667788, 0xff },
		.va_source = FAULT_VA_DISAGREE,
		.va = 0xffff80008100a010,
		.va_decoded = 0x7fff0010,
		.ipa_known = true,
		.ipa = 0x1000,
		.regime = "MMU off",
		.inside = "flash0",
	};

	EXPECT_STR(text_of(&f, &names),
		   "fault: vCPU 0 did an atomic operation on 16 bytes at 0x00001000 in flash0, "
		   "which is read-only.\n"
		   "  cpu              vCPU 0, EL0t, AArch64\n"
		   "  pc               0x00400580\n"
		   "  instruction      0x487f7c02\n"
		   "  access           atomic operation on 16 bytes, value "
		   "0x00000000000000ff1122334455667788\n"
		   "  virtual address  0xffff80008100a010 uart_ports+0x10/0x40, from the fault "
		   "address register,\n"
		   "                   but 0x7fff0010, from the instruction's registers\n"
		   "  stage 1          MMU off\n"
		   "  stage 2          0x00001000 in flash0: read-only memory\n"
		   "  vmm did          answered with zeroes, and ignored what was written\n");
	expect_json(&f, &names,
		    "{\"text\":\"vCPU 0 did an atomic operation on 16 bytes at 0x00001000 in "
		    "flash0, which is read-only.\",\"vcpu\":0,\"access\":\"read-write\","
		    "\"cause\":\"read-only\",\"action\":\"zeroes\",\"walk\":false,"
		    "\"state\":\"EL0t, AArch64\",\"el\":0,\"aarch32\":false,"
		    "\"pc\":\"0x400580\",\"insn\":\"0x487f7c02\",\"size\":16,"
		    "\"value\":\"0x00000000000000ff1122334455667788\",\"ipa\":\"0x1000\","
		    "\"va\":\"0xffff80008100a010\",\"va_name\":\"uart_ports+0x10/0x40\","
		    "\"va_source\":\"disagree\",\"va_decoded\":\"0x7fff0010\","
		    "\"stage1\":{\"regime\":\"MMU off\",\"steps\":[]},"
		    "\"stage2\":{\"inside\":\"flash0\"}}\n");
}

TEST(report_tells_of_a_walk_that_met_the_fault)
{
	static const struct fault f = {
		.access = FAULT_WRITE,
		.walk = true,
		.vcpu = 2,
		.state = "EL1h, AArch64",
		.privilege = 1,
		.pc = 0xffff800080015a2c,
		.insn_text = "str x0, [x1]",
		.size = 8,
		.value_known = true,
		.va_source = FAULT_VA_REGISTER,
		.va = 0x8000,
		.ipa_known = true,
		.ipa = 0x60000008,
		.regime = "TTBR0_EL1 0x41000000, 4K granule, LPA2, 52 bits",
		.nr_steps = 2,
		.step = { { -1, 0x41000000, 0x41001003, true, "table" },
			  { 0, 0x60000008, 0, false, "no memory there" } },
		.walk_result = "external abort on a walk, level 0",
		.below = { true, "RAM", 0x40000000, 0x20000000, 8 },
		.esr = 0x96000014,
		.esr_text = "Data Abort from the current EL",
	};

	EXPECT_STR(text_of(&f, NULL),
		   "fault: vCPU 2 could not write 8 bytes: stage 1 looked for a descriptor at "
		   "0x60000008, where nothing is.\n"
		   "  cpu              vCPU 2, EL1h, AArch64\n"
		   "  pc               0xffff800080015a2c\n"
		   "  instruction      str x0, [x1]\n"
		   "  access           write of 8 bytes, value 0x0000000000000000; stage 1's walk "
		   "for it failed\n"
		   "  virtual address  0x00008000, from the fault address register\n"
		   "  stage 1          TTBR0_EL1 0x41000000, 4K granule, LPA2, 52 bits\n"
		   "                   level -1 at 0x41000000: 0x0000000041001003, table\n"
		   "                   level 0 at 0x60000008: not readable, no memory there\n"
		   "                   result: external abort on a walk, level 0\n"
		   "  stage 2          0x60000008: no memory and no device\n"
		   "                   8 bytes past the end of RAM (0x40000000 to 0x5fffffff)\n"
		   "                   nothing above\n"
		   "  vmm did          injected an external abort\n"
		   "                   ESR 0x96000014: Data Abort from the current EL\n"
		   "                   FAR 0x00000000, ELR 0x00000000\n"
		   "                   vector 0x00000000\n");
	expect_json(
		&f, NULL,
		"{\"text\":\"vCPU 2 could not write 8 bytes: stage 1 looked for a descriptor at "
		"0x60000008, where nothing is.\",\"vcpu\":2,\"access\":\"write\","
		"\"cause\":\"nothing-there\",\"action\":\"aborted\",\"walk\":true,"
		"\"state\":\"EL1h, AArch64\",\"el\":1,\"aarch32\":false,"
		"\"pc\":\"0xffff800080015a2c\",\"insn_text\":\"str x0, [x1]\",\"size\":8,"
		"\"value\":\"0x0000000000000000\",\"ipa\":\"0x60000008\","
		"\"va\":\"0x8000\",\"va_source\":\"register\","
		"\"stage1\":{\"regime\":\"TTBR0_EL1 0x41000000, 4K granule, LPA2, 52 bits\","
		"\"steps\":[{\"level\":-1,\"at\":\"0x41000000\","
		"\"descriptor\":\"0x41001003\",\"text\":\"table\"},"
		"{\"level\":0,\"at\":\"0x60000008\",\"text\":\"no memory there\"}],"
		"\"result\":\"external abort on a walk, level 0\"},"
		"\"stage2\":{\"below\":{\"name\":\"RAM\",\"base\":\"0x40000000\","
		"\"size\":\"0x20000000\",\"distance\":\"0x8\"}},"
		"\"guest\":{\"esr\":\"0x96000014\","
		"\"esr_text\":\"Data Abort from the current EL\",\"far\":\"0x0\","
		"\"elr\":\"0x0\",\"vector\":\"0x0\"}}\n");
}

/* Of an abort that KVM made, some of what the guest was given may be gone. */
TEST(report_says_nothing_of_what_another_exception_replaced)
{
	struct fault f = full;
	char *line;

	f.access = FAULT_FETCH;
	f.action = FAULT_BY_KVM;
	EXPECT_HAS(text_of(&f, NULL), "FAR 0xffff80008000de40, ELR 0xffff800080015a2c\n");
	EXPECT_HAS(text_of(&f, NULL), "vector 0xffff800080010a00\n");
	f.elr_lost = true;
	EXPECT_HAS(text_of(&f, NULL), "FAR 0xffff80008000de40\n");
	EXPECT(!strstr(text_of(&f, NULL), "vector"));
	line = json_of(&f, NULL);
	EXPECT_HAS(line, "\"far\":\"0xffff80008000de40\"}");
	EXPECT(!strstr(line, "vector") && !strstr(line, "elr"));
	free(line);
}

TEST(report_names_the_vector_that_a_vcpu_is_locked_up_at)
{
	static const struct fault f = {
		.access = FAULT_FETCH,
		.action = FAULT_LOCKUP,
		.state = "svc, AArch32",
		.privilege = 1,
		.aarch32 = true,
		.pc = 0x10,
		.size = 4,
		.va_source = FAULT_VA_DECODED,
		.va = 0x10,
		.ipa_known = true,
		.ipa = 0x10,
		.vector = 0x10,
		.esr = 0x86000010, /* of an exception that the guest never sees */
		.above = { true, "pl011", 0x09000000, 0x1000, 0x08ffffec },
	};

	EXPECT_STR(text_of(&f, NULL),
		   "fault: vCPU 0 fetched an instruction from 0x00000010, where nothing is.\n"
		   "  cpu              vCPU 0, svc, AArch32\n"
		   "  pc               0x00000010\n"
		   "  access           instruction fetch of 4 bytes\n"
		   "  virtual address  0x00000010, the pc\n"
		   "  stage 2          0x00000010: no memory and no device\n"
		   "                   nothing below\n"
		   "                   0x8ffffec bytes before pl011 (0x09000000 to 0x09000fff)\n"
		   "  vmm did          stopped the vCPU for good: its exception vector cannot be "
		   "fetched\n"
		   "                   vector 0x00000010\n");
}

/* The row of @text that begins with @label, without the label. */
static const char *row_of(const char *text, const char *label)
{
	static char row[128];
	const char *at = strstr(text, label);

	EXPECT(at != NULL);
	at += strlen(label);
	at += strspn(at, " ");
	(void)snprintf(row, sizeof(row), "%.*s", (int)strcspn(at, "\n"), at);
	return row;
}

TEST(report_says_what_vmm_did_for_every_action_and_access)
{
	static const char *const want[FAULT_ACTION_COUNT][FAULT_ACCESS_COUNT] = {
		[FAULT_ABORTED] = { "injected an external abort", "injected an external abort",
				    "injected an external abort", "injected an external abort" },
		[FAULT_SERROR] = { "injected an SError", "injected an SError", "injected an SError",
				   "injected an SError" },
		[FAULT_ZEROES] = { "answered with zeroes", "ignored the write",
				   "answered with zeroes, and ignored what was written",
				   "answered with zeroes" },
		[FAULT_ONES] = { "answered with ones", "ignored the write",
				 "answered with ones, and ignored what was written",
				 "answered with ones" },
		[FAULT_SKIPPED] = { "skipped the instruction, which has no effect there",
				    "skipped the instruction, which has no effect there",
				    "skipped the instruction, which has no effect there",
				    "skipped the instruction, which has no effect there" },
		[FAULT_STOPPED] = { "stopped the machine before the instruction",
				    "stopped the machine before the instruction",
				    "stopped the machine before the instruction",
				    "stopped the machine before the instruction" },
		[FAULT_LOCKUP] = { "stopped the vCPU for good: its exception vector cannot be "
				   "fetched",
				   "stopped the vCPU for good: its exception vector cannot be "
				   "fetched",
				   "stopped the vCPU for good: its exception vector cannot be "
				   "fetched",
				   "stopped the vCPU for good: its exception vector cannot be "
				   "fetched" },
		[FAULT_CARRIED_OUT] = { "carried it out", "carried it out", "carried it out",
					"carried it out" },
		[FAULT_BY_KVM] = { "nothing: KVM injected an external abort by itself; seen later",
				   "nothing: KVM injected an external abort by itself; seen later",
				   "nothing: KVM injected an external abort by itself; seen later",
				   "nothing: KVM injected an external abort by itself; seen "
				   "later" },
	};

	for (enum fault_action i = 0; i < FAULT_ACTION_COUNT; i++) {
		for (enum fault_access a = 0; a < FAULT_ACCESS_COUNT; a++) {
			struct fault f = { .action = i, .access = a };

			EXPECT_STR(row_of(text_of(&f, NULL), "vmm did"), want[i][a]);
		}
	}
}

TEST(report_of_what_is_watched_is_short_and_says_old_and_new)
{
	static const struct report_names nobody = { 0 };
	struct fault f = {
		.cause = FAULT_WATCHED,
		.action = FAULT_CARRIED_OUT,
		.access = FAULT_WRITE,
		.vcpu = 1,
		.state = "EL1h, AArch64",
		.pc = 0x40001000,
		.size = 16,
		.ipa_known = true,
		.ipa = 0x42000108,
		.watch = "0x42000108+4",
		.watched = 4,
		.value_known = true,
		.old_known = true,
		.old = { 0xffffffff00000001 },
		.value = { 2 },
		.va_source = FAULT_VA_DECODED,
		.va = 0x82000108,
		.nr_exits = 1,
		.nr_frames = 1,
		.frame = { 0x40002000 },
	};
	static char text[REPORT_TEXT_MAX];

	(void)report_text(&f, &nobody, text, sizeof(text));
	EXPECT_STR(text, "watch: vCPU 1 wrote 16 bytes, and 4 of them to 0x42000108, which is "
			 "watched.\n"
			 "  cpu              vCPU 1, EL1h, AArch64\n"
			 "  pc               0x40001000\n"
			 "  watched          0x42000108+4\n"
			 "  value            0x00000001 -> 0x00000002\n"
			 "  virtual address  0x82000108\n"
			 "  called from      0x40002000\n");
	f.access = FAULT_READ;
	f.action = FAULT_STOPPED;
	(void)report_text(&f, NULL, text, sizeof(text));
	EXPECT_HAS(text, "  value            0x00000001\n");
	EXPECT_HAS(text, "  vmm did          stopped the machine behind the instruction\n");
	f.device = true;
	f.va_source = FAULT_VA_UNKNOWN;
	f.nr_frames = 0;
	(void)report_text(&f, NULL, text, sizeof(text));
	EXPECT_HAS(text, "watch: a device read 16 bytes, and 4 of them from 0x42000108, which is "
			 "watched.\n  watched ");
}

TEST(report_of_what_is_watched_leaves_out_what_it_does_not_know)
{
	struct fault f = {
		.cause = FAULT_WATCHED,
		.action = FAULT_CARRIED_OUT,
		.access = FAULT_WRITE,
		.size = 4,
		.ipa_known = true,
		.ipa = 0x42000108,
		.watch = "0x42000108+4",
		.watched = 4,
		.frames_cut = true, /* and there are none */
	};
	static char text[REPORT_TEXT_MAX];

	(void)report_text(&f, NULL, text, sizeof(text));
	EXPECT(!strstr(text, "  value "));
	EXPECT(!strstr(text, "and maybe more"));
	EXPECT(!strstr(text, "called from"));
	/* An instruction is not so many bytes. */
	f.access = FAULT_FETCH;
	f.watched = 2;
	(void)report_text(&f, NULL, text, sizeof(text));
	EXPECT_HAS(text, "watch: vCPU 0 fetched an instruction from 0x42000108, which is "
			 "watched.\n");
}

TEST(report_shows_as_many_digits_of_the_value_as_the_access_has_bytes)
{
	static const struct {
		unsigned size;
		uint64_t value[2];
		const char *want;
	} cases[] = {
		{ 1, { 0xffffff00, 0 }, "write of 1 byte, value 0x00" },
		{ 2, { UINT64_MAX, UINT64_MAX }, "write of 2 bytes, value 0xffff" },
		{ 3, { UINT64_MAX, 0 }, "write of 3 bytes, value 0xffffff" },
		{ 8, { 1, UINT64_MAX }, "write of 8 bytes, value 0x0000000000000001" },
		{ 9, { 1, UINT64_MAX }, "write of 9 bytes, value 0xff0000000000000001" },
		{ 15,
		  { 1, UINT64_MAX },
		  "write of 15 bytes, value 0xffffffffffffff0000000000000001" },
		{ 16, { 1, 2 }, "write of 16 bytes, value 0x00000000000000020000000000000001" },
		{ 64,
		  { 1, 2 },
		  "write of 64 bytes, value 0x00000000000000020000000000000001 in the first 16" },
		{ 0, { 0x1234, 0 }, "write, value 0x1234" },
		{ 0, { 1, 2 }, "write, value 0x20000000000000001" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fault f = { .access = FAULT_WRITE,
				   .size = cases[i].size,
				   .value_known = true,
				   .value = { cases[i].value[0], cases[i].value[1] } };

		EXPECT_STR(row_of(text_of(&f, NULL), "access"), cases[i].want);
	}
}

TEST(report_tells_how_far_the_neighbours_are)
{
	static const struct {
		struct fault_neighbour below, above;
		const char *want;
	} cases[] = {
		{ { 0 }, { 0 }, "" },
		{ { true, "a", 0x1000, 0x1000, 0 },
		  { true, "b", 0x3000, 0x1000, 0 },
		  "right behind a (0x00001000 to 0x00001fff)\n"
		  "right before b (0x00003000 to 0x00003fff)\n" },
		{ { true, "a", 0, 0, 1 },
		  { true, "b", 0, 0, 9 },
		  "1 byte past the end of a\n9 bytes before b\n" },
		{ { true, "a", 0, 1, 10 },
		  { 0 },
		  "0xa bytes past the end of a (0x00000000 to 0x00000000)\nnothing above\n" },
		{ { 0 },
		  { true, "b", 1, UINT64_MAX, UINT64_MAX },
		  "nothing below\n"
		  "0xffffffffffffffff bytes before b (0x00000001 to 0xffffffffffffffff)\n" },
		/* Nobody makes such a one; it wraps and harms nobody. */
		{ { true, "a", UINT64_MAX, UINT64_MAX, 0 },
		  { 0 },
		  "right behind a (0xffffffffffffffff to 0xfffffffffffffffd)\n"
		  "nothing above\n" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fault f = { .below = cases[i].below, .above = cases[i].above };
		const char *at = strstr(text_of(&f, NULL), "  stage 2");
		char got[256] = "";
		size_t n = 0;

		EXPECT(at != NULL);
		for (at = strchr(at, '\n') + 1; *at == ' ' && at[2] == ' ';
		     at = strchr(at, '\n') + 1)
			n += (size_t)snprintf(got + n, sizeof(got) - n, "%.*s",
					      (int)strcspn(at, "\n") + 1 - 19, at + 19);
		EXPECT_STR(got, cases[i].want);
	}
}

TEST(report_words_are_there_for_every_value)
{
	static const char *const cause[] = { "nothing-there", "read-only",	"refused",
					     "ends-outside",  "not-for-device", "beyond-ipa",
					     "host-memory",   "watched" };
	static const char *const action[] = { "aborted", "serror",	"zeroes",
					      "ones",	 "skipped",	"stopped",
					      "lockup",	 "carried-out", "by-kvm" };
	static const char *const access[] = { "read", "write", "read-write", "fetch" };
	static const char *const words[] = { "read of 1 byte", "write of 1 byte",
					     "atomic operation on 1 byte",
					     "instruction fetch of 1 byte" };

	for (enum fault_cause i = 0; i < FAULT_CAUSE_COUNT; i++) {
		EXPECT_STR(report_cause_name(i), cause[i]);
		EXPECT(report_cause_words(i)[0]);
	}
	for (enum fault_action i = 0; i < FAULT_ACTION_COUNT; i++) {
		EXPECT_STR(report_action_name(i), action[i]);
		EXPECT(report_action_words(i)[0]);
	}
	for (enum fault_access i = 0; i < FAULT_ACCESS_COUNT; i++) {
		EXPECT_STR(report_access_name(i), access[i]);
		EXPECT_STR(report_access_words(i, 1).s, words[i]);
	}
}

/* --- bounds --------------------------------------------------------------------------------- */

static void expect_printable(const char *text)
{
	for (; *text; text++)
		if (*text != '\n' && (*text < ' ' || *text > '~'))
			test_fail(__FILE__, __LINE__, "byte 0x%02x in the text", (uint8_t)*text);
}

/* Fills all that is text in @f with @c up to the last byte, and says that everything is known. */
static void stuff(struct fault *f, int c)
{
	*f = (struct fault){ .insn_known = true,
			     .value_known = true,
			     .size = UINT32_MAX,
			     .vcpu = UINT32_MAX,
			     .pc = UINT64_MAX,
			     .ipa_known = true,
			     .ipa = UINT64_MAX,
			     .va_source = FAULT_VA_DISAGREE,
			     .va = UINT64_MAX,
			     .va_decoded = UINT64_MAX,
			     .esr = UINT64_MAX,
			     .far = UINT64_MAX,
			     .elr = UINT64_MAX,
			     .vector = UINT64_MAX,
			     .frames_cut = true,
			     .nr_steps = UINT32_MAX,
			     .nr_frames = UINT32_MAX,
			     .nr_exits = UINT32_MAX };
	f->below = f->above = (struct fault_neighbour){
		.there = true, .base = UINT64_MAX - 1, .size = 1, .distance = UINT64_MAX
	};
	memset(f->state, c, sizeof(f->state));
	memset(f->insn_text, c, sizeof(f->insn_text));
	memset(f->regime, c, sizeof(f->regime));
	memset(f->walk_result, c, sizeof(f->walk_result));
	memset(f->inside, c, sizeof(f->inside));
	memset(f->below.name, c, sizeof(f->below.name));
	memset(f->above.name, c, sizeof(f->above.name));
	memset(f->esr_text, c, sizeof(f->esr_text));
	for (unsigned i = 0; i < FAULT_WALK_STEPS; i++) {
		f->step[i] = (struct fault_step){
			.level = -1, .at = UINT64_MAX, .descriptor = UINT64_MAX, .read = true
		};
		memset(f->step[i].text, c, sizeof(f->step[i].text));
	}
	for (unsigned i = 0; i < FAULT_FRAMES; i++)
		f->frame[i] = UINT64_MAX;
	for (unsigned i = 0; i < FAULT_EXITS; i++)
		memset(f->exit[i].text, c, sizeof(f->exit[i].text));
}

/* A name that is all of *ctx and does not end. */
static bool endless_name(void *ctx, uint64_t va, char *buf, size_t size)
{
	(void)va;
	memset(buf, *(const int *)ctx, size);
	return true;
}

static unsigned length(const struct json *array)
{
	unsigned n = 0;

	EXPECT(array != NULL && array->type == JSON_ARRAY);
	for (const struct json *v = array->first; v; v = v->next)
		n++;
	return n;
}

TEST(report_of_the_greatest_size_fits_and_is_printable_whatever_the_guest_chose)
{
	static const int bytes[] = { 'x', ' ', '"', '\\', '\n', '\r', 0x1b, 0x7f, 0x80, 0xff };
	char sentence_text[REPORT_SENTENCE_MAX + 1];

	for (unsigned i = 0; i < ARRAY_SIZE(bytes) * FAULT_CAUSE_COUNT; i++) {
		int c = bytes[i / FAULT_CAUSE_COUNT];
		struct report_names endless = { .name = endless_name, .ctx = &c };
		struct fault f;
		struct err e;
		const char *text;
		struct json *v;
		char *line;

		stuff(&f, c);
		f.cause = i % FAULT_CAUSE_COUNT;
		f.access = FAULT_READ_WRITE;
		f.walk = i % 2;
		EXPECT(report_sentence(&f, sentence_text, sizeof(sentence_text)) <
		       REPORT_SENTENCE_MAX - 1);
		EXPECT(sentence_text[strlen(sentence_text) - 1] == '.');
		text = text_of(&f, &endless);
		EXPECT(strlen(text) < REPORT_TEXT_MAX - 1);
		expect_printable(text);

		line = json_of(&f, &endless);
		EXPECT(strlen(line) < REPORT_JSON_MAX);
		EXPECT(strchr(line, '\n') == line + strlen(line) - 1);
		line[strlen(line) - 1] = '\0'; /* the line end is not printable text */
		expect_printable(line);
		v = json_parse(line, strlen(line), &e);
		if (!v)
			test_fail(__FILE__, __LINE__, "%s: %s", e.text, line);
		EXPECT_EQ(length(json_get(v, "backtrace")), FAULT_FRAMES);
		EXPECT_EQ(length(json_get(v, "exits")), FAULT_EXITS);
		EXPECT_EQ(length(json_get(json_get(v, "stage1"), "steps")), FAULT_WALK_STEPS);
		json_free(v);
		free(line);
	}
}

/* As long as there is room for, in the shortest words. */
static bool wordy_name(void *ctx, uint64_t va, char *buf, size_t size)
{
	(void)ctx;
	(void)va;
	for (size_t i = 0; i + 1 < size; i++)
		buf[i] = i % 2 ? ' ' : 'a';
	buf[size - 1] = '\0';
	return true;
}

TEST(report_keeps_to_its_columns_unless_a_word_is_longer)
{
	static const struct report_names wordy = { .name = wordy_name };
	const char *at = text_of(&full, &wordy);
	size_t longest = 0;
	struct fault f;

	for (; *at; at += strcspn(at, "\n") + 1)
		if (strcspn(at, "\n") > longest)
			longest = strcspn(at, "\n");
	EXPECT_EQ(longest, REPORT_COLUMNS);
	stuff(&f, 'x');
	memcpy(f.regime, "word word", 9);
	at = strstr(text_of(&f, NULL), "  stage 1");
	EXPECT(at != NULL);
	EXPECT_EQ(strcspn(at, "\n"), strlen("  stage 1          word"));
	at = strchr(at, '\n') + 1;
	EXPECT_EQ(strcspn(at, "\n"), 21 + sizeof(f.regime) - strlen("word "));
}

TEST(report_is_cut_to_any_buffer)
{
	const size_t len = strlen(full_text);
	char sentence_text[] = "vCPU 1 wrote 4 bytes to 0x0a000e40, where nothing is.";

	for (size_t size = 0; size <= len + 1; size++) {
		char *buf = malloc(size ? size : 1); /* a sanitizer sees a write beyond it */

		EXPECT(buf != NULL);
		EXPECT_EQ(report_text(&full, &names, buf, size), size ? size - 1 : 0);
		if (size)
			EXPECT(strlen(buf) == size - 1 && strncmp(buf, full_text, size - 1) == 0);
		if (size <= sizeof(sentence_text)) {
			EXPECT_EQ(report_sentence(&full, buf, size), size ? size - 1 : 0);
			if (size)
				EXPECT(strncmp(buf, sentence_text, size - 1) == 0);
		}
		free(buf);
	}
}

TEST_MAIN(T(report_has_a_sentence_for_every_cause_and_access),
	  T(report_sentence_says_no_more_than_is_known), T(report_tells_everything_that_is_known),
	  T(report_asks_for_return_addresses_in_the_backtrace_only),
	  T(report_leaves_out_what_is_unknown),
	  T(report_shows_both_addresses_where_two_ways_disagree),
	  T(report_tells_of_a_walk_that_met_the_fault),
	  T(report_says_nothing_of_what_another_exception_replaced),
	  T(report_names_the_vector_that_a_vcpu_is_locked_up_at),
	  T(report_says_what_vmm_did_for_every_action_and_access),
	  T(report_of_what_is_watched_is_short_and_says_old_and_new),
	  T(report_of_what_is_watched_leaves_out_what_it_does_not_know),
	  T(report_shows_as_many_digits_of_the_value_as_the_access_has_bytes),
	  T(report_tells_how_far_the_neighbours_are), T(report_words_are_there_for_every_value),
	  T(report_of_the_greatest_size_fits_and_is_printable_whatever_the_guest_chose),
	  T(report_keeps_to_its_columns_unless_a_word_is_longer), T(report_is_cut_to_any_buffer))
