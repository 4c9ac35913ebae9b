/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"
#include "arch/arm64/mmu/esr.h"

#include <stdio.h>

static const char *text(uint64_t esr)
{
	static char buf[128];

	esr_text(esr, buf, sizeof(buf));
	return buf;
}

TEST(esr_aborts_are_put_into_words)
{
	static const struct {
		uint64_t esr;
		const char *text;
	} t[] = {
		/* what KVM injects */
		{ 0x96000010, "Data Abort from EL1, synchronous External abort, not on a walk, "
			      "WnR 0" },
		{ 0xffffffff96000010, "Data Abort from EL1, synchronous External abort, not on a "
				      "walk, WnR 0" },
		{ 0x94000010, "Data Abort from EL1, synchronous External abort, not on a walk, "
			      "WnR 0, IL 0" },
		{ 0x92000010, "Data Abort from EL0, synchronous External abort, not on a walk, "
			      "WnR 0" },
		{ 0x82000010, "Instruction Abort from EL0, synchronous External abort, not on a "
			      "walk" },
		{ 0x86000015, "Instruction Abort from EL1, synchronous External abort, on a walk, "
			      "level 1" },
		{ 0x96000017, "Data Abort from EL1, synchronous External abort, on a walk, level "
			      "3, WnR 0" },
		{ 0xbe000000, "SError interrupt, uncategorized" },
		{ 0xbf000000, "SError interrupt, IMPLEMENTATION DEFINED syndrome 0x0" },
		/* what a guest meets by itself */
		{ 0x96000045, "Data Abort from EL1, Translation fault, level 1, WnR 1" },
		{ 0x9600006b, "Data Abort from EL1, Translation fault, level -1, WnR 1" },
		{ 0x9200000f, "Data Abort from EL0, Permission fault, level 3, WnR 0" },
		{ 0x96000061, "Data Abort from EL1, Alignment fault, WnR 1" },
		{ 0x96000035, "Data Abort from EL1, unsupported Exclusive or Atomic access, "
			      "WnR 0" },
		{ 0x96000011, "Data Abort from EL1, synchronous Tag Check Fault, WnR 0" },
		{ 0x960001c4, "Data Abort from EL1, Translation fault, level 0, WnR 1, S1PTW, "
			      "CM" },
		{ 0x96000610, "Data Abort from EL1, synchronous External abort, not on a walk, "
			      "WnR 0, EA, FnV" },
		{ 0x96001010, "Data Abort from EL1, synchronous External abort, not on a walk, "
			      "WnR 0, uncontainable (UC)" },
		{ 0x86001810, "Instruction Abort from EL1, synchronous External abort, not on a "
			      "walk, restartable (UEO)" },
		/* those bits mean something else, or nothing, for other faults */
		{ 0x96001046, "Data Abort from EL1, Translation fault, level 2, WnR 1" },
		{ 0x96001817, "Data Abort from EL1, synchronous External abort, on a walk, level "
			      "3, WnR 0" },
		{ 0xbe001c11, "SError interrupt, asynchronous SError interrupt, reserved AET 7" },
		{ 0xbe000011, "SError interrupt, asynchronous SError interrupt, uncontainable "
			      "(UC)" },
		{ 0xbe002e11, "SError interrupt, asynchronous SError interrupt, recoverable "
			      "(UER), EA, IESB" },
		{ 0xbe000012, "SError interrupt, reserved fault status 0x12" },
		/* with ISV, as in ESR_EL2 */
		{ 0x93c08006, "Data Abort from EL0, Translation fault, level 2, WnR 0, 8 bytes to "
			      "X0" },
		{ 0x93c2804e, "Data Abort from EL0, Permission fault, level 2, WnR 1, 8 bytes "
			      "from X2" },
		{ 0x932a4007, "Data Abort from EL0, Translation fault, level 3, WnR 0, 1 byte to "
			      "W10 sign-extended acquire/release" },
		/* other classes */
		{ 0x56000000, "SVC from AArch64" },
		{ 0x56001234, "SVC from AArch64, ISS 0x1234" },
		{ 0x02000000, "Unknown reason" },
		{ 0x00000000, "Unknown reason, IL 0" },
		{ 0xf2000800, "BRK from AArch64, ISS 0x800" },
		{ 0x8a000000, "PC alignment fault" },
		{ 0x3a000000, "Illegal Execution state" },
		{ 0xfe000000, "reserved exception class 0x3f" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(t); i++)
		EXPECT_STR(text(t[i].esr), t[i].text);
}

TEST(esr_every_fault_status_has_its_name)
{
	static const struct {
		unsigned fsc;
		const char *name;
	} t[] = {
		{ 0x00, "Address size fault, level 0" },
		{ 0x03, "Address size fault, level 3" },
		{ 0x04, "Translation fault, level 0" },
		{ 0x08, "Access flag fault, level 0" },
		{ 0x0b, "Access flag fault, level 3" },
		{ 0x0c, "Permission fault, level 0" },
		{ 0x10, "synchronous External abort, not on a walk" },
		{ 0x12, "synchronous External abort, on a walk, level -2" },
		{ 0x13, "synchronous External abort, on a walk, level -1" },
		{ 0x14, "synchronous External abort, on a walk, level 0" },
		{ 0x18, "synchronous parity or ECC error, not on a walk" },
		{ 0x1b, "synchronous parity or ECC error, on a walk, level -1" },
		{ 0x1f, "synchronous parity or ECC error, on a walk, level 3" },
		{ 0x20, "reserved fault status 0x20" },
		{ 0x23, "Granule Protection Fault, on a walk, level -1" },
		{ 0x25, "Granule Protection Fault, on a walk, level 1" },
		{ 0x28, "Granule Protection Fault, not on a walk" },
		{ 0x29, "Address size fault, level -1" },
		{ 0x2b, "Translation fault, level -1" },
		{ 0x30, "TLB conflict abort" },
		{ 0x31, "unsupported atomic hardware update fault" },
		{ 0x34, "Lockdown fault" },
		{ 0x3f, "reserved fault status 0x3f" },
		{ 0x45, "Translation fault, level 1" }, /* six bits */
	};

	for (unsigned i = 0; i < ARRAY_SIZE(t); i++)
		EXPECT_STR(esr_fsc_name(t[i].fsc).s, t[i].name);
}

TEST(esr_codes_of_levels_are_those_of_the_manual)
{
	for (int level = 0; level <= 3; level++) {
		EXPECT_EQ(esr_fsc(ESR_FSC_ADDRESS_SIZE, level), level);
		EXPECT_EQ(esr_fsc(ESR_FSC_TRANSLATION, level), 0x04 + level);
		EXPECT_EQ(esr_fsc(ESR_FSC_ACCESS_FLAG, level), 0x08 + level);
		EXPECT_EQ(esr_fsc(ESR_FSC_PERMISSION, level), 0x0c + level);
		EXPECT_EQ(esr_fsc(ESR_FSC_EXTERNAL_WALK, level), 0x14 + level);
		EXPECT_EQ(esr_fsc(ESR_FSC_PARITY_WALK, level), 0x1c + level);
	}
	EXPECT_EQ(esr_fsc(ESR_FSC_ADDRESS_SIZE, -1), 0x29);
	EXPECT_EQ(esr_fsc(ESR_FSC_TRANSLATION, -1), 0x2b);
	EXPECT_EQ(esr_fsc(ESR_FSC_EXTERNAL_WALK, -1), 0x13);
	EXPECT_EQ(esr_fsc(ESR_FSC_PARITY_WALK, -1), 0x1b);
}

TEST(esr_syndromes_are_built_as_the_cpu_would)
{
	EXPECT_EQ(esr_data_abort(1, ESR_FSC_EXTERNAL, true, 0), 0x96000010);
	EXPECT_EQ(esr_data_abort(0, ESR_FSC_EXTERNAL, true, ESR_WNR), 0x92000050);
	EXPECT_EQ(esr_data_abort(1, ESR_FSC_ALIGNMENT, false, ESR_FNV | ESR_CM), 0x94000521);
	EXPECT_EQ(esr_fetch_abort(1, esr_fsc(ESR_FSC_TRANSLATION, 2), true, 0), 0x86000006);
	EXPECT_EQ(esr_fetch_abort(0, ESR_FSC_EXTERNAL, true, ESR_EA), 0x82000210);
	EXPECT_EQ(esr_serror(0), 0xbe000000);
	EXPECT_EQ(esr_serror(ESR_ISV), 0xbf000000);
	EXPECT_EQ(esr_serror(0xffffffff), 0xbfffffff);
	/* A code has six bits, whatever is handed in. */
	EXPECT_EQ(esr_data_abort(1, 0xffffffff, true, 0), 0x9600003f);
}

static const char *fsr(uint32_t v, bool data)
{
	static char buf[128];

	esr_fsr_text(v, data, buf, sizeof(buf));
	return buf;
}

TEST(esr_aarch32_status_is_put_into_words)
{
	static const struct {
		uint32_t fsr;
		bool data;
		const char *text;
	} t[] = {
		/* what KVM injects */
		{ 0x008, true,
		  "Data Abort, synchronous External abort, not on a walk, short "
		  "descriptors, WnR 0" },
		{ 0x210, true,
		  "Data Abort, synchronous External abort, not on a walk, long "
		  "descriptors, WnR 0" },
		{ 0x008, false,
		  "Prefetch Abort, synchronous External abort, not on a walk, short "
		  "descriptors" },
		{ 0x805, true, "Data Abort, Translation fault, level 1, short descriptors, WnR 1" },
		{ 0x80f, true, "Data Abort, Permission fault, level 2, short descriptors, WnR 1" },
		{ 0x3009, true,
		  "Data Abort, Domain fault, level 1, short descriptors, WnR 0, CM, "
		  "ExT" },
		{ 0x406, true,
		  "Data Abort, asynchronous SError interrupt, short descriptors, "
		  "WnR 0" },
		{ 0x405, true,
		  "Data Abort, unsupported Exclusive access, short descriptors, "
		  "WnR 0" },
		{ 0x000, true, "Data Abort, reserved fault status 0x0, short descriptors, WnR 0" },
		{ 0x207, true, "Data Abort, Translation fault, level 3, long descriptors, WnR 0" },
		{ 0x211, true,
		  "Data Abort, asynchronous SError interrupt, long descriptors, "
		  "WnR 0" },
		{ 0x222, false, "Prefetch Abort, Debug exception, long descriptors" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(t); i++)
		EXPECT_STR(fsr(t[i].fsr, t[i].data), t[i].text);
}

TEST(esr_aarch32_status_is_built_in_both_formats)
{
	static const struct {
		unsigned fsc;
		const char *kind; /* what esr_fsr_text() calls it in either format */
	} t[] = {
		{ 0x05, "Translation fault, level 1" },
		{ 0x06, "Translation fault, level 2" },
		{ 0x09, "Access flag fault, level 1" },
		{ 0x0a, "Access flag fault, level 2" },
		{ 0x0d, "Permission fault, level 1" },
		{ 0x0e, "Permission fault, level 2" },
		{ 0x10, "synchronous External abort, not on a walk" },
		{ 0x15, "synchronous External abort, on a walk, level 1" },
		{ 0x16, "synchronous External abort, on a walk, level 2" },
		{ 0x21, "Alignment fault" },
	};
	char want[128];

	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		(void)snprintf(want, sizeof(want), "Data Abort, %s, short descriptors, WnR 1",
			       t[i].kind);
		EXPECT_STR(fsr(esr_dfsr(t[i].fsc, ESR_WNR, false), true), want);
		EXPECT_EQ(esr_dfsr(t[i].fsc, 0, true), 0x200 | t[i].fsc);
	}
	EXPECT_EQ(esr_dfsr(ESR_FSC_EXCLUSIVE, 0, false), 0x405);
	EXPECT_EQ(esr_dfsr(ESR_FSC_DOMAIN + 1, 0, false), 0x009);
	EXPECT_EQ(esr_dfsr(ESR_FSC_DOMAIN + 2, ESR_WNR, false), 0x80b);
	EXPECT_EQ(esr_dfsr(0x3f, ESR_CM, false), 0x2008);
}

TEST(esr_modes_have_their_names)
{
	static const struct {
		uint64_t pstate;
		const char *text;
	} t[] = {
		{ 0x3c5, "EL1h, AArch64" },
		{ 0x600003c4, "EL1t, AArch64" },
		{ 0x80001000, "EL0t, AArch64" },
		{ 0x3c9, "EL2h, AArch64" },
		{ 0x1, "reserved mode 0x1, AArch64" },
		{ 0x1d3, "svc, AArch32 (A32)" },
		{ 0x1f3, "svc, AArch32 (T32)" },
		{ 0x10, "usr, AArch32 (A32)" },
		{ 0x1d7, "abt, AArch32 (A32)" },
		{ 0x1f, "sys, AArch32 (A32)" },
	};
	char buf[32]; /* as in struct fault */

	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		esr_pstate_text(t[i].pstate, buf, sizeof(buf));
		EXPECT_STR(buf, t[i].text);
	}
}

TEST(esr_any_value_fits_the_report)
{
	char buf[160];

	for (uint32_t i = 0; i < 1000000; i++) {
		uint32_t esr = i * 2654435761U;
		size_t size = i % 8 ? 128 : i / 8 % 130;

		memset(buf, 0x7f, sizeof(buf));
		esr_text(esr, buf, size);
		EXPECT(buf[size] == 0x7f && (size == 0 || strlen(buf) < size));
		EXPECT(size < 128 || strlen(buf) > 8);
		esr_fsr_text(esr, i & 1, buf, size);
		EXPECT(buf[size] == 0x7f && (size == 0 || strlen(buf) < size));
		esr_pstate_text(esr, buf, size);
		EXPECT(buf[size] == 0x7f && (size == 0 || strlen(buf) < size));
	}
	/* The longest of all loses nothing in 128 bytes but flags. */
	esr_text(0x932a4007 | ESR_S1PTW | ESR_CM | ESR_EA | ESR_FNV | 0x14, buf, 128);
	EXPECT_HAS(buf, "acquire/release");
}

TEST_MAIN(T(esr_aborts_are_put_into_words), T(esr_every_fault_status_has_its_name),
	  T(esr_codes_of_levels_are_those_of_the_manual),
	  T(esr_syndromes_are_built_as_the_cpu_would), T(esr_aarch32_status_is_put_into_words),
	  T(esr_aarch32_status_is_built_in_both_formats), T(esr_modes_have_their_names),
	  T(esr_any_value_fits_the_report))
