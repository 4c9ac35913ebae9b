/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU: instructions that KVM leaves to vmm or refuses, calls of PSCI (Arm DEN 0022) and SMCCC (DEN
 * 0028) with arguments that nobody gives, storms of what traps. There is nothing of it in process.
 * What ends or resets a machine is left out: it does.
 */
#include "tests/guest/attack/cpu.h"

#define GICD 0x08000000UL
#define GICC 0x08010000UL
#define GICR 0x080a0000UL
#define HOLE 0x0b000000UL /* between the slots and the PCI windows; and above RAM */

enum { NOT_SUPPORTED = -1, INVALID = -2, ALREADY_ON = -4 };

uint64_t firmware(uint64_t function, uint64_t a, uint64_t b, uint64_t c)
{
	register uint64_t x0 __asm__("x0") = function;
	register uint64_t x1 __asm__("x1") = a;
	register uint64_t x2 __asm__("x2") = b;
	register uint64_t x3 __asm__("x3") = c;

	__asm__ volatile("hvc #0"
			 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)
			 :
			 : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14",
			   "x15", "x16", "x17", "memory");
	return x0;
}

bool gic_v3;

/* --- instructions at addresses that are no memory; arg: which, arg2: where (0: everywhere) --- */

enum insn {
	LDP,
	STP,
	LDXR,
	STXR,
	LDADD,
	CAS,
	POST,
	PRE,
	SIMD,
	LD1,
	ZVA,
	UNALIGNED,
	WIDE_UNALIGNED,
	PREFETCH,
	CLEAN,
	TRANSLATE,
	BRANCH,
};

static bool perform(enum insn insn, uint64_t at)
{
	switch (insn) {
	case LDP:
		return TRY("ldp x2, x3, [%1]", at, 0);
	case STP:
		return TRY("stp %2, %2, [%1]", at, 0);
	case LDXR:
		return TRY("ldxr w2, [%1]", at, 0);
	case STXR:
		return TRY("stxr w3, %w2, [%1]", at, 0);
	case LDADD:
		return TRY(".arch armv8.1-a\n\tldadd %w2, w3, [%1]", at, 1);
	case CAS:
		return TRY(".arch armv8.1-a\n\tcas w3, %w2, [%1]", at, 1);
	case POST:
		return TRY("mov x2, %1\n\tldr w3, [x2], #4", at, 0);
	case PRE:
		return TRY("mov x2, %1\n\tstr %w2, [x2, #4]!", at, 0);
	case SIMD:
		return TRY("ldr q0, [%1]", at, 0);
	case LD1:
		return TRY("ld1 {v0.16b, v1.16b}, [%1]", at, 0);
	case ZVA:
		return TRY("dc zva, %1", at, 0);
	case UNALIGNED:
		return TRY("ldr w2, [%1, #1]", at, 0);
	case WIDE_UNALIGNED:
		return TRY("str %2, [%1, #3]", at, 0);
	case PREFETCH:
		return TRY("prfm pldl1keep, [%1]", at, 0);
	case CLEAN:
		return TRY("dc civac, %1", at, 0);
	case TRANSLATE:
		return TRY("at s1e1r, %1", at, 0);
	case BRANCH:
	default:
		return TRY("blr %1", at, 0);
	}
}

static uint8_t __attribute__((aligned(256))) buffer[256];

/* The last one can be run, too, and has no code. */
enum { PLACES = 8 };

static uint64_t place(unsigned i)
{
	const uint64_t places[PLACES] = {
		hal.uart,     hal.slot[0], hal.slot[0] + R_CONFIG,
		HOLE,	      GICD,	   hal.ram + hal.ram_size,
		hal.ram - 16, hal.rom,
	};

	return places[i % PLACES] & ~UINT64_C(15);
}

static void no_memory(struct dev *d, const struct attack *a)
{
	(void)d;
	for (unsigned i = 0; i < PLACES - (a->arg == BRANCH); i++)
		for (uint64_t k = 0; k < times(20); k++)
			(void)perform((enum insn)a->arg, place(i));
	/* And on memory it still does what it should. */
	if (a->arg != BRANCH && !perform((enum insn)a->arg, (uintptr_t)buffer))
		complain("the instruction fails on memory, too");
}

/* --- PSCI and SMCCC --- */

static const uint64_t junk[] = {
	0, 1, 2, 0xff, 0x100, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0xff00ffffff, UINT64_MAX,
};

/* Those that end, reset or suspend: the machine, or the CPU that calls. */
static bool is_final(uint64_t function)
{
	switch (function & 0x1f) {
	case 1:	   /* CPU_SUSPEND */
	case 2:	   /* CPU_OFF */
	case 8:	   /* SYSTEM_OFF */
	case 9:	   /* SYSTEM_RESET */
	case 0xc:  /* CPU_DEFAULT_SUSPEND */
	case 0xe:  /* SYSTEM_SUSPEND */
	case 0x12: /* SYSTEM_RESET2 */
	case 0x15: /* SYSTEM_OFF2 */
		return true;
	default:
		return false;
	}
}

/* arg: the first of 32 functions of PSCI. CPU_ON has no CPU among the junk that there is. */
static void psci_functions(struct dev *d, const struct attack *a)
{
	(void)d;
	for (uint64_t f = a->arg; f < a->arg + 32; f++)
		for (unsigned i = 2; !is_final(f) && i < LENGTH(junk); i++)
			(void)firmware(f, junk[i], junk[LENGTH(junk) - 1 - i], junk[i]);
}

/* arg: the first function, arg2: how many. */
static void smccc_functions(struct dev *d, const struct attack *a)
{
	(void)d;
	for (uint64_t f = a->arg; f < a->arg + a->arg2; f++)
		for (uint64_t i = 0; i < times(LENGTH(junk)); i++)
			(void)firmware(f, junk[i], 0, 0);
}

/* Every owner of functions, and the first, the last and some in between of each. */
static void smccc_owners(struct dev *d, const struct attack *a)
{
	(void)d;
	(void)a;
	for (uint64_t owner = 0; owner < 64; owner++)
		for (unsigned i = 0; i < LENGTH(junk); i++)
			if (owner != 4) /* PSCI's */
				(void)firmware(0x80000000 | owner << 24 | (junk[i] & 0xffff), 0, 0,
					       0);
}

static void expect_answer(uint64_t is, int64_t should)
{
	if ((int32_t)is != (int32_t)should)
		complain_of("PSCI answers minus", (uint64_t) - (int64_t)(int32_t)is,
			    (uint64_t)-should);
}

static void cpu_on_self(struct dev *d, const struct attack *a)
{
	uint64_t mpidr;

	(void)d;
	__asm__("mrs %0, mpidr_el1" : "=r"(mpidr));
	for (uint64_t i = 0; i < a->arg; i++)
		expect_answer(firmware(PSCI_CPU_ON, mpidr & 0xff00ffffff, hal.ram, 0), ALREADY_ON);
}

static void cpu_on_nobody(struct dev *d, const struct attack *a)
{
	static const uint64_t nobody[] = { 2, 3, 0xff, 0x100, 0xffff, 0xffffff, 0xff00ffffff };

	(void)d;
	(void)a;
	for (unsigned i = 0; i < LENGTH(nobody); i++)
		expect_answer(firmware(PSCI_CPU_ON, nobody[i], hal.ram, 0), INVALID);
}

static volatile bool there, leave;

static void stay(void *ctx)
{
	(void)ctx;
	there = true;
	while (!leave)
		hal_pause();
}

/* Once more while it is on. */
static void cpu_on_twice(struct dev *d, const struct attack *a)
{
	(void)d;
	there = leave = false;
	hal_start(stay, NULL);
	while (!there)
		hal_pause();
	for (uint64_t i = 0; i < a->arg; i++)
		expect_answer(firmware(PSCI_CPU_ON, 1, hal.ram, 0), ALREADY_ON);
	leave = true;
	hal_join();
}

static void nothing(void *ctx)
{
	(void)ctx;
}

static void cpu_storm(struct dev *d, const struct attack *a)
{
	(void)d;
	for (uint64_t i = 0; i < times(a->arg); i++) {
		hal_start(nothing, NULL);
		hal_join();
	}
}

/* A reset of a type that the architecture has not given out. */
static void reset2_types(struct dev *d, const struct attack *a)
{
	static const uint32_t types[] = { 1, 2, 0xff, 0x7fffffff };

	(void)d;
	for (unsigned i = 0; i < LENGTH(types); i++) {
		const uint64_t is = firmware(a->arg, types[i], junk[i], 0);

		if ((int32_t)is != NOT_SUPPORTED)
			expect_answer(is, INVALID);
	}
}

static void call_storm(struct dev *d, const struct attack *a)
{
	(void)d;
	for (uint64_t i = 0; i < times(a->arg); i++)
		(void)firmware(a->arg2, 0, 0, 0);
}

/* By SMC, or by HVC with another immediate. */
static void other_calls(struct dev *d, const struct attack *a)
{
	(void)d;
	for (uint64_t i = 0; i < times(a->arg); i++) {
		(void)TRY("mov x0, %2\n\tsmc #0", 0, 0x84000000);
		(void)TRY("mov x0, %2\n\thvc #0x1234", 0, 0x84000000);
		(void)TRY("mov x0, %2\n\thvc #0xffff", 0, 0x84000000);
	}
}

/* --- what traps --- */

static void wfe_storm(struct dev *d, const struct attack *a)
{
	(void)d;
	for (uint64_t i = 0; i < times(a->arg); i++)
		__asm__ volatile("sevl\n\twfe\n\twfe" : : : "memory");
}

/*
 * SGIs and PPIs of this CPU get through to it, where they stay pending: it has them masked, and
 * they end a WFI all the same.
 */
static void gic_on(void)
{
	if (gic_v3) {
		(void)hal_store(GICR + 0x14, 4, 0);		  /* WAKER */
		(void)hal_store(GICR + 0x10080, 4, UINT32_MAX);	  /* IGROUPR0 */
		(void)hal_store(GICR + 0x10100, 4, UINT32_MAX);	  /* ISENABLER0 */
		(void)hal_store(GICD, 4, 0x12);			  /* CTLR: ARE, group 1 */
		(void)TRY("msr S3_0_C12_C12_5, %1\n\tisb", 7, 0); /* ICC_SRE_EL1 */
		(void)TRY("msr S3_0_C4_C6_0, %1", 0xff, 0);	  /* ICC_PMR_EL1 */
		(void)TRY("msr S3_0_C12_C12_7, %1\n\tisb", 1, 0); /* ICC_IGRPEN1_EL1 */
	} else {
		(void)hal_store(GICD + 0x100, 4, UINT32_MAX);
		(void)hal_store(GICD, 4, 1);
		(void)hal_store(GICC + 4, 4, 0xff);
		(void)hal_store(GICC, 4, 1);
	}
}

/* The virtual timer ends each wait. */
static void wfi_storm(struct dev *d, const struct attack *a)
{
	(void)d;
	gic_on();
	for (uint64_t i = 0; i < times(a->arg); i++)
		__asm__ volatile("msr cntv_tval_el0, %0\n\tmsr cntv_ctl_el0, %1\n\tisb\n\twfi\n\t"
				 "msr cntv_ctl_el0, xzr"
				 :
				 : "r"(a->arg2), "r"(1UL)
				 : "memory");
}

/* Timers that are due at once, or long ago, switched on and off. */
/*
 * Never further than half of all time: where the host is itself emulated, by QEMU 7.2, what wraps
 * around with the guest's offset has QEMU fire a timer for ever, and nothing else runs.
 */
static void timer_storm(struct dev *d, const struct attack *a)
{
	(void)d;
	for (uint64_t i = 0; i < times(a->arg); i++) {
		const uint64_t when = junk[i % LENGTH(junk)] / 2;

		(void)TRY("msr cntv_cval_el0, %1\n\tmsr cntv_ctl_el0, %2\n\tisb\n\t"
			  "msr cntv_ctl_el0, xzr",
			  when, 1);
		(void)TRY("msr cntp_cval_el0, %1\n\tmsr cntp_ctl_el0, %2\n\tisb\n\t"
			  "msr cntp_ctl_el0, xzr",
			  when, 1);
	}
}

/* For CPUs that are there, are off, and are not. */
static void sgi_storm(struct dev *d, const struct attack *a)
{
	(void)d;
	gic_on();
	for (uint64_t i = 0; i < times(a->arg); i++) {
		(void)TRY("msr S3_0_C12_C11_5, %1", (i & 15) << 24 | 0xffff, 0);
		(void)TRY("msr S3_0_C12_C11_5, %1", UINT64_MAX, 0);
		(void)hal_store(GICD + 0xf00, 4, junk[i % LENGTH(junk)]); /* of GICv2 */
	}
}

static void cache_by_set(struct dev *d, const struct attack *a)
{
	(void)d;
	for (uint64_t i = 0; i < times(a->arg); i++) {
		(void)TRY("dc cisw, %1", junk[i % LENGTH(junk)], 0);
		(void)TRY("dc isw, %1", i << 6, 0);
		(void)TRY("dc csw, %1", i << 6 | 2, 0);
	}
}

static void flush_storm(struct dev *d, const struct attack *a)
{
	(void)d;
	for (uint64_t i = 0; i < times(a->arg); i++)
		__asm__ volatile("tlbi vmalle1is\n\tic ialluis\n\tdsb ish\n\tisb" : : : "memory");
}

/* One instruction, made here. */
static uint32_t __attribute__((aligned(64))) made[2];

static void run_made(uint32_t insn)
{
	made[0] = insn;
	made[1] = 0xd65f03c0; /* ret */
	__asm__ volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0\n\tdsb ish\n\tisb"
			 :
			 : "r"(made)
			 : "memory");
	(void)TRY("blr %1", (uintptr_t)made, 0);
}

/* MRS X0 of all registers that op0, op1 (arg) can name. */
static void read_registers(struct dev *d, const struct attack *a)
{
	const unsigned step = hal.slower > 1 ? 3 : 1;

	(void)d;
	for (uint32_t i = 0; i < 2048; i += step)
		run_made(0xd5300000 | (uint32_t)a->arg << 16 | i << 5);
}

/* Of the debugger, with junk: what is there takes it. */
static void write_debug(struct dev *d, const struct attack *a)
{
	(void)d;
	(void)a;
	for (unsigned i = 0; i < LENGTH(junk); i++) {
		(void)TRY("msr dbgbvr0_el1, %1", junk[i], 0);
		(void)TRY("msr dbgbcr0_el1, %1", junk[i] & ~UINT64_C(1), 0);
		(void)TRY("msr dbgwvr0_el1, %1", junk[i], 0);
		(void)TRY("msr dbgwcr0_el1, %1", junk[i] & ~UINT64_C(1), 0);
		(void)TRY("msr oslar_el1, %1", junk[i] & 1, 0);
		(void)TRY("msr osdlr_el1, xzr", 0, 0);
	}
}

static void write_pmu(struct dev *d, const struct attack *a)
{
	(void)d;
	(void)a;
	for (unsigned i = 0; i < LENGTH(junk); i++) {
		(void)TRY("msr pmcr_el0, %1", junk[i], 0);
		(void)TRY("msr pmselr_el0, %1", junk[i], 0);
		(void)TRY("msr pmxevtyper_el0, %1", junk[i], 0);
		(void)TRY("msr pmxevcntr_el0, %1", junk[i], 0);
		(void)TRY("msr pmcntenset_el0, %1", junk[i], 0);
		(void)TRY("msr pmccntr_el0, %1", junk[i], 0);
		(void)TRY("msr pmintenset_el1, %1", junk[i], 0);
	}
	(void)TRY("msr pmcr_el0, xzr", 0, 0);
	(void)TRY("msr pmcntenclr_el0, %1", UINT32_MAX, 0);
}

/* The interrupt controller's registers, which KVM has: arg: where, arg2: how far. */
static void gic_reads(struct dev *d, const struct attack *a)
{
	const uint64_t step = hal.slower > 1 ? 509 * 4 : 4;
	uint64_t v;

	(void)d;
	for (uint64_t off = 0; off < a->arg2; off += step)
		for (unsigned width = 1; width <= 8; width *= 2)
			(void)hal_load((a->arg + off) & ~UINT64_C(7), width, &v);
}

void cpu_any(uint64_t random)
{
	const uint64_t a = junk[random >> 8 & 7], b = random >> 16;

	switch (random & 7) {
	case 0:
	case 1:
	case 2:
		(void)perform((enum insn)(b % BRANCH), place((unsigned)(b >> 8)));
		break;
	case 3:
		if (!is_final(b) && (b & 0x1f) != 3)
			(void)firmware(0x84000000 | (b & 0x4000001f), a, b, a);
		break;
	case 4:
		(void)hal_load(GICD + (b & 0x1ffff8), 1U << (a & 3), &(uint64_t){ 0 });
		break;
	case 5:
		run_made(0xd5300000 | (uint32_t)(b & 0xfffff) << 5);
		break;
	case 6:
		(void)TRY("sevl\n\twfe", 0, 0);
		break;
	default:
		(void)hal_load(b & 0x3fffffff8, 8, &(uint64_t){ 0 });
		break;
	}
}

#define INSN(id, insn)                                                                             \
	{                                                                                          \
		.name = id " where no memory is", .run = no_memory, .arg = (insn)                  \
	}

static const struct attack rows[] = {
	INSN("LDP", LDP),
	INSN("STP", STP),
	INSN("LDXR", LDXR),
	INSN("STXR", STXR),
	INSN("LDADD", LDADD),
	INSN("CAS", CAS),
	INSN("LDR with post-index", POST),
	INSN("STR with pre-index", PRE),
	INSN("LDR of a vector", SIMD),
	INSN("LD1 of two vectors", LD1),
	INSN("DC ZVA", ZVA),
	INSN("unaligned LDR", UNALIGNED),
	INSN("unaligned STR of 8 bytes", WIDE_UNALIGNED),
	INSN("PRFM", PREFETCH),
	INSN("DC CIVAC", CLEAN),
	INSN("AT S1E1R", TRANSLATE),
	INSN("BLR to", BRANCH),
	{ .name = "PSCI functions with junk", .run = psci_functions, .arg = 0x84000000 },
	{ .name = "PSCI functions of 64 bits with junk", .run = psci_functions, .arg = 0xc4000000 },
	{ .name = "functions of TRNG with junk",
	  .run = smccc_functions,
	  .arg = 0x84000050,
	  .arg2 = 4 },
	{ .name = "functions of TRNG of 64 bits with junk",
	  .run = smccc_functions,
	  .arg = 0xc4000050,
	  .arg2 = 4 },
	{ .name = "functions of the architecture with junk",
	  .run = smccc_functions,
	  .arg = 0x80000000,
	  .arg2 = 8 },
	{ .name = "functions of stolen time with junk",
	  .run = smccc_functions,
	  .arg = 0xc5000020,
	  .arg2 = 2 },
	{ .name = "functions of the hypervisor with junk",
	  .run = smccc_functions,
	  .arg = 0x86000000,
	  .arg2 = 8 },
	{ .name = "functions of every owner", .run = smccc_owners },
	{ .name = "CPU_ON of itself", .run = cpu_on_self, .arg = 20 },
	{ .name = "CPU_ON of no CPU", .run = cpu_on_nobody },
	{ .name = "CPU_ON of one that is on", .run = cpu_on_twice, .arg = 20, .needs = NEEDS_CPU },
	{ .name = "CPU_ON and CPU_OFF by turns",
	  .run = cpu_storm,
	  .arg = 1000,
	  .needs = NEEDS_CPU },
	{ .name = "SYSTEM_RESET2 of no type", .run = reset2_types, .arg = 0x84000012 },
	{ .name = "SYSTEM_RESET2 of 64 bits of no type", .run = reset2_types, .arg = 0xc4000012 },
	{ .name = "calls without end", .run = call_storm, .arg = 100000, .arg2 = 0x84000000 },
	{ .name = "calls of nothing without end",
	  .run = call_storm,
	  .arg = 100000,
	  .arg2 = 0x12345678 },
	{ .name = "calls by SMC, and of another number", .run = other_calls, .arg = 1000 },
	{ .name = "WFE without end", .run = wfe_storm, .arg = 20000 },
	{ .name = "WFI for a microsecond without end", .run = wfi_storm, .arg = 20000, .arg2 = 62 },
	{ .name = "WFI for nothing without end", .run = wfi_storm, .arg = 20000, .arg2 = 0 },
	{ .name = "timers without end", .run = timer_storm, .arg = 20000 },
	{ .name = "SGIs without end", .run = sgi_storm, .arg = 20000 },
	{ .name = "caches by set and way", .run = cache_by_set, .arg = 500 },
	{ .name = "TLBI and IC without end", .run = flush_storm, .arg = 20000 },
	{ .name = "all registers of op1 0", .run = read_registers, .arg = 8 | 0 },
	{ .name = "all registers of op1 3", .run = read_registers, .arg = 8 | 3 },
	{ .name = "all registers of op1 4", .run = read_registers, .arg = 8 | 4 },
	{ .name = "all debug registers", .run = read_registers, .arg = 0 },
	{ .name = "all trace registers", .run = read_registers, .arg = 1 },
	{ .name = "debug registers are written", .run = write_debug },
	{ .name = "counters are written", .run = write_pmu },
	{ .name = "reads of the distributor",
	  .run = gic_reads,
	  .arg = 0x08000000,
	  .arg2 = 0x10000 },
	{ .name = "reads of the ITS", .run = gic_reads, .arg = 0x08080000, .arg2 = 0x20000 },
	{ .name = "reads of the redistributors",
	  .run = gic_reads,
	  .arg = 0x080a0000,
	  .arg2 = 0x60000 },
};

const struct group group_cpu = GROUP("cpu", rows, .on = ON(ID_MACHINE));
