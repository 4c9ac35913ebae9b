/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/mmu/esr.h"

#include "arch/arm64/mmu/items.h"

#include <string.h>

/* ISS of data aborts and SErrors */
#define ISS_AR	 (1U << 14)
#define ISS_SF	 (1U << 15)
#define ISS_SSE	 (1U << 21)
#define ISS_IDS	 (1U << 24)
#define ISS_IESB (1U << 13)

/* DFSR, IFSR */
#define FSR_FS4 (1U << 10)
#define FSR_WNR (1U << 11)
#define FSR_EXT (1U << 12)
#define FSR_CM	(1U << 13)
#define FSR_FNV (1U << 16)

static unsigned field(uint64_t v, unsigned low, unsigned nr)
{
	return (unsigned)(v >> low & ((UINT64_C(1) << nr) - 1));
}

/* --- made ----------------------------------------------------------------------------------------
 */

unsigned esr_fsc(enum esr_fsc kind, int level)
{
	if (level >= 0)
		return (unsigned)kind + ((unsigned)level & 3);
	switch ((unsigned)kind) {
	case ESR_FSC_ADDRESS_SIZE:
		return 0x29;
	case ESR_FSC_TRANSLATION:
		return 0x2b;
	case ESR_FSC_EXTERNAL_WALK:
	case ESR_FSC_PARITY_WALK:
		return (unsigned)kind - 1;
	default:
		return (unsigned)kind; /* cannot be at level -1 */
	}
}

static uint64_t syndrome(unsigned ec, bool il, uint32_t iss)
{
	return (uint64_t)ec << 26 | (il ? ESR_IL : 0) | (iss & 0x1ffffff);
}

uint64_t esr_data_abort(unsigned from_el, unsigned fsc, bool il, uint32_t flags)
{
	return syndrome(from_el ? ESR_EC_DATA_ABORT : ESR_EC_DATA_ABORT_LOWER, il,
			(fsc & 0x3f) | flags);
}

uint64_t esr_fetch_abort(unsigned from_el, unsigned fsc, bool il, uint32_t flags)
{
	return syndrome(from_el ? ESR_EC_INSN_ABORT : ESR_EC_INSN_ABORT_LOWER, il,
			(fsc & 0x3f) | flags);
}

uint64_t esr_serror(uint32_t iss)
{
	return syndrome(ESR_EC_SERROR, true, iss);
}

/* --- fault status --------------------------------------------------------------------------------
 */

/* By code; a name that ends in a blank takes the level of the code's two low bits behind it. */
static const char *const fsc_names[64] = {
	[0x00 ... 0x03] = "Address size fault, level ",
	[0x04 ... 0x07] = "Translation fault, level ",
	[0x08 ... 0x0b] = "Access flag fault, level ",
	[0x0c ... 0x0f] = "Permission fault, level ",
	[0x10] = "synchronous External abort, not on a walk",
	[0x11] = "synchronous Tag Check Fault",
	[0x12] = "synchronous External abort, on a walk, level -2",
	[0x13] = "synchronous External abort, on a walk, level -1",
	[0x14 ... 0x17] = "synchronous External abort, on a walk, level ",
	[0x18] = "synchronous parity or ECC error, not on a walk",
	[0x1b] = "synchronous parity or ECC error, on a walk, level -1",
	[0x1c ... 0x1f] = "synchronous parity or ECC error, on a walk, level ",
	[0x21] = "Alignment fault",
	[0x22] = "Granule Protection Fault, on a walk, level -2",
	[0x23] = "Granule Protection Fault, on a walk, level -1",
	[0x24 ... 0x27] = "Granule Protection Fault, on a walk, level ",
	[0x28] = "Granule Protection Fault, not on a walk",
	[0x29] = "Address size fault, level -1",
	[0x2a] = "Translation fault, level -2",
	[0x2b] = "Translation fault, level -1",
	[0x2c] = "Address size fault, level -2",
	[0x30] = "TLB conflict abort",
	[0x31] = "unsupported atomic hardware update fault",
	[0x34] = "Lockdown fault",
	[0x35] = "unsupported Exclusive or Atomic access",
};

struct esr_name esr_fsc_name(unsigned fsc)
{
	const char *name = fsc_names[fsc & 0x3f];
	struct esr_name n;
	size_t len = name ? strlen(name) : 0;

	if (!name)
		(void)snprintf(n.s, sizeof(n.s), "reserved fault status 0x%x", fsc & 0x3f);
	else if (name[len - 1] == ' ')
		(void)snprintf(n.s, sizeof(n.s), "%s%u", name, fsc & 3);
	else
		(void)snprintf(n.s, sizeof(n.s), "%s", name);
	return n;
}

/* --- ESR_EL1 -------------------------------------------------------------------------------------
 */

static const char *const ec_names[64] = {
	[0x00] = "Unknown reason",
	[0x01] = "Trapped WFI or WFE",
	[0x03] = "Trapped MCR or MRC (coproc 15)",
	[0x04] = "Trapped MCRR or MRRC (coproc 15)",
	[0x05] = "Trapped MCR or MRC (coproc 14)",
	[0x06] = "Trapped LDC or STC",
	[0x07] = "Trapped SME, SVE, Advanced SIMD or floating-point",
	[0x08] = "Trapped VMRS",
	[0x09] = "Trapped pointer authentication",
	[0x0a] = "Trapped LD64B or ST64B",
	[0x0c] = "Trapped MRRC (coproc 14)",
	[0x0d] = "Branch Target Exception",
	[0x0e] = "Illegal Execution state",
	[0x11] = "SVC from AArch32",
	[0x12] = "HVC from AArch32",
	[0x13] = "SMC from AArch32",
	[0x14] = "Trapped MSRR, MRRS or System instruction",
	[0x15] = "SVC from AArch64",
	[0x16] = "HVC from AArch64",
	[0x17] = "SMC from AArch64",
	[0x18] = "Trapped MSR, MRS or System instruction",
	[0x19] = "Trapped SVE",
	[0x1a] = "Trapped ERET",
	[0x1b] = "Trapped TSTART",
	[0x1c] = "Pointer Authentication failure",
	[0x1d] = "Trapped SME",
	[0x1e] = "Granule Protection Check",
	[0x20] = "Instruction Abort from EL0",
	[0x21] = "Instruction Abort from EL1",
	[0x22] = "PC alignment fault",
	[0x24] = "Data Abort from EL0",
	[0x25] = "Data Abort from EL1",
	[0x26] = "SP alignment fault",
	[0x27] = "Memory Operation Exception",
	[0x28] = "Trapped floating-point from AArch32",
	[0x2c] = "Trapped floating-point from AArch64",
	[0x2d] = "Guarded Control Stack exception",
	[0x2f] = "SError interrupt",
	[0x30] = "Breakpoint from EL0",
	[0x31] = "Breakpoint from EL1",
	[0x32] = "Software Step from EL0",
	[0x33] = "Software Step from EL1",
	[0x34] = "Watchpoint from EL0",
	[0x35] = "Watchpoint from EL1",
	[0x38] = "BKPT from AArch32",
	[0x3a] = "Vector Catch from AArch32",
	[0x3c] = "BRK from AArch64",
	[0x3d] = "Profiling exception",
};

static void add_flag(struct items *i, uint32_t iss, uint32_t flag, const char *name)
{
	if (iss & flag)
		items_add(i, "%s", name);
}

/* SET of a synchronous External abort, with RAS. */
static void add_set(struct items *i, uint32_t iss)
{
	static const char *const names[] = { NULL, NULL, "uncontainable (UC)",
					     "restartable (UEO)" };
	const char *name = names[field(iss, 11, 2)];

	if (name && field(iss, 0, 6) == ESR_FSC_EXTERNAL)
		items_add(i, "%s", name);
}

static void add_data_abort(struct items *i, uint32_t iss)
{
	items_add(i, "%s", esr_fsc_name(iss).s);
	items_add(i, "WnR %u", field(iss, 6, 1));
	if (iss & ESR_ISV)
		items_add(i, "%u byte%s %s %c%u%s%s", 1U << field(iss, 22, 2),
			  field(iss, 22, 2) ? "s" : "", iss & ESR_WNR ? "from" : "to",
			  iss & ISS_SF ? 'X' : 'W', field(iss, 16, 5),
			  iss & ISS_SSE ? " sign-extended" : "",
			  iss & ISS_AR ? " acquire/release" : "");
	else
		add_set(i, iss);
	add_flag(i, iss, ESR_S1PTW, "S1PTW");
	add_flag(i, iss, ESR_CM, "CM");
	add_flag(i, iss, ESR_EA, "EA");
	add_flag(i, iss, ESR_FNV, "FnV");
}

static void add_fetch_abort(struct items *i, uint32_t iss)
{
	items_add(i, "%s", esr_fsc_name(iss).s);
	add_set(i, iss);
	add_flag(i, iss, ESR_S1PTW, "S1PTW");
	add_flag(i, iss, ESR_EA, "EA");
	add_flag(i, iss, ESR_FNV, "FnV");
}

static void add_serror(struct items *i, uint32_t iss)
{
	static const char *const aet[] = { "uncontainable (UC)", "unrecoverable (UEU)",
					   "restartable (UEO)",	 "recoverable (UER)",
					   "reserved AET 4",	 "reserved AET 5",
					   "corrected (CE)",	 "reserved AET 7" };

	if (iss & ISS_IDS) {
		items_add(i, "IMPLEMENTATION DEFINED syndrome 0x%x", iss & (ISS_IDS - 1));
		return;
	}
	if (field(iss, 0, 6) == ESR_FSC_SERROR) {
		items_add(i, "asynchronous SError interrupt");
		items_add(i, "%s", aet[field(iss, 10, 3)]);
	} else if (field(iss, 0, 6) == 0) {
		items_add(i, "uncategorized");
	} else {
		items_add(i, "reserved fault status 0x%x", field(iss, 0, 6));
	}
	add_flag(i, iss, ESR_EA, "EA");
	add_flag(i, iss, ISS_IESB, "IESB");
}

void esr_text(uint64_t esr, char *buf, size_t size)
{
	struct items i = items_in(buf, size);
	unsigned ec = field(esr, 26, 6);
	uint32_t iss = field(esr, 0, 25);

	if (ec_names[ec])
		items_add(&i, "%s", ec_names[ec]);
	else
		items_add(&i, "reserved exception class 0x%x", ec);
	switch (ec) {
	case ESR_EC_DATA_ABORT_LOWER:
	case ESR_EC_DATA_ABORT:
		add_data_abort(&i, iss);
		break;
	case ESR_EC_INSN_ABORT_LOWER:
	case ESR_EC_INSN_ABORT:
		add_fetch_abort(&i, iss);
		break;
	case ESR_EC_SERROR:
		add_serror(&i, iss);
		break;
	default:
		if (iss)
			items_add(&i, "ISS 0x%x", iss);
		break;
	}
	/* Nearly every instruction has 32 bits, and reasons that are none have IL 1 as well. */
	if (!(esr & ESR_IL))
		items_add(&i, "IL 0");
}

/* --- AArch32 -------------------------------------------------------------------------------------
 */

/* FS[4:0] with short descriptors. */
static const char *const fs_names[32] = {
	[0x01] = "Alignment fault",
	[0x02] = "Debug exception",
	[0x03] = "Access flag fault, level 1",
	[0x04] = "fault on instruction cache maintenance",
	[0x05] = "Translation fault, level 1",
	[0x06] = "Access flag fault, level 2",
	[0x07] = "Translation fault, level 2",
	[0x08] = "synchronous External abort, not on a walk",
	[0x09] = "Domain fault, level 1",
	[0x0b] = "Domain fault, level 2",
	[0x0c] = "synchronous External abort, on a walk, level 1",
	[0x0d] = "Permission fault, level 1",
	[0x0e] = "synchronous External abort, on a walk, level 2",
	[0x0f] = "Permission fault, level 2",
	[0x10] = "TLB conflict abort",
	[0x14] = "Lockdown fault",
	[0x15] = "unsupported Exclusive access",
	[0x16] = "asynchronous SError interrupt",
	[0x18] = "asynchronous SError interrupt, parity or ECC error",
	[0x19] = "synchronous parity or ECC error, not on a walk",
	[0x1c] = "synchronous parity or ECC error, on a walk, level 1",
	[0x1e] = "synchronous parity or ECC error, on a walk, level 2",
};

static void add_short_status(struct items *i, uint32_t fsr)
{
	unsigned fs = field(fsr, 0, 4) | (fsr & FSR_FS4 ? 0x10 : 0);

	if (fs_names[fs])
		items_add(i, "%s", fs_names[fs]);
	else
		items_add(i, "reserved fault status 0x%x", fs);
	items_add(i, "short descriptors");
}

/* The codes of AArch64, with three that only AArch32 reports so. */
static void add_long_status(struct items *i, uint32_t fsr)
{
	unsigned status = field(fsr, 0, 6);

	switch (status) {
	case 0x11:
		items_add(i, "asynchronous SError interrupt");
		break;
	case 0x19:
		items_add(i, "asynchronous SError interrupt, parity or ECC error");
		break;
	case 0x22:
		items_add(i, "Debug exception");
		break;
	default:
		items_add(i, "%s", esr_fsc_name(status).s);
		break;
	}
	items_add(i, "long descriptors");
}

uint32_t esr_dfsr(unsigned fsc, uint32_t flags, bool long_format)
{
	static const uint8_t fs[0x40] = {
		[0x05] = 0x05, [0x06] = 0x07,		     /* translation */
		[0x09] = 0x03, [0x0a] = 0x06,		     /* access flag */
		[0x0d] = 0x0d, [0x0e] = 0x0f,		     /* permission */
		[0x10] = 0x08, [0x15] = 0x0c, [0x16] = 0x0e, /* external, and on a walk */
		[0x21] = 0x01, [0x35] = 0x15,		     /* alignment, exclusive */
		[0x3d] = 0x09, [0x3e] = 0x0b,		     /* domain */
	};
	uint32_t v = (flags & ESR_WNR ? FSR_WNR : 0) | (flags & ESR_CM ? FSR_CM : 0);

	fsc &= 0x3f;
	if (long_format)
		return v | DFSR_LPAE | fsc;
	fsc = fs[fsc] ? fs[fsc] : fs[ESR_FSC_EXTERNAL];
	return v | (fsc & 0xf) | (fsc & 0x10 ? FSR_FS4 : 0);
}

void esr_fsr_text(uint32_t fsr, bool data, char *buf, size_t size)
{
	struct items i = items_in(buf, size);

	items_add(&i, "%s", data ? "Data Abort" : "Prefetch Abort");
	if (fsr & DFSR_LPAE)
		add_long_status(&i, fsr);
	else
		add_short_status(&i, fsr);
	if (data) {
		items_add(&i, "WnR %u", fsr & FSR_WNR ? 1 : 0);
		add_flag(&i, fsr, FSR_CM, "CM");
		add_flag(&i, fsr, FSR_FNV, "FnV");
	}
	add_flag(&i, fsr, FSR_EXT, "ExT");
}

void esr_pstate_text(uint64_t pstate, char *buf, size_t size)
{
	static const char *const mode64[16] = {
		[0] = "EL0t", [4] = "EL1t",  [5] = "EL1h", [8] = "EL2t",
		[9] = "EL2h", [12] = "EL3t", [13] = "EL3h"
	};
	static const char *const mode32[16] = {
		[0] = "usr", [1] = "fiq",  [2] = "irq",	 [3] = "svc", [6] = "mon",
		[7] = "abt", [10] = "hyp", [11] = "und", [15] = "sys"
	};
	struct items i = items_in(buf, size);
	bool aarch32 = field(pstate, 4, 1);
	unsigned mode = field(pstate, 0, 4);
	const char *name = aarch32 ? mode32[mode] : mode64[mode];

	if (name)
		items_add(&i, "%s", name);
	else
		items_add(&i, "reserved mode 0x%x", mode | (aarch32 ? 0x10 : 0));
	if (aarch32)
		items_add(&i, "AArch32 (%s)", field(pstate, 5, 1) ? "T32" : "A32");
	else
		items_add(&i, "AArch64");
}
