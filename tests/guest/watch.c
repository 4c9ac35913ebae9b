/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Touches memory that `vmm run --watch` watches, with every kind of instruction, and looks whether
 * each did what it does elsewhere: the same instruction on the same bytes in a page that nobody
 * watches. Then counts up one watched word on all vCPUs at once. Speaks TAP; "# hits N" is how many
 * reports there should have been so far.
 *
 *	--cpus N --watch 0x42000108+16:rw --watch 0x42100108+16
 *
 * With CODE_ONLY: runs code in a page that is watched for reads on all vCPUs at once, with a timer
 * that is faster than the steps.
 *
 *	--cpus N --watch 0x42300000+4:r
 */
#include "guest.h"
#include "mmu.h"

#define PSCI_CPU_SUSPEND 0xc4000001U
#define PSCI_CPU_ON	 0xc4000003U

#define WATCHED_RW 0x42000000UL
#define WATCHED_W  0x42100000UL
#define PLAIN	   0x42200000UL
#define CODE	   0x42300000UL
#define FIRST	   0x108 /* the watched bytes in the first two */
#define LAST	   0x117

#define MAX_CPUS 4
#define TURNS	 30 /* of each vCPU, in each way of counting */
#define PASS_NS	 300000000ULL

/* --- one instruction ----------------------------------------------------------------------------
 */

struct regs {
	uint64_t x[6];
	__attribute__((aligned(16))) uint8_t v[4][16];
};

/* Runs @code with x0 as the address, x1 to x5 and v0 to v3 as in *r, and puts back what they are.
 */
#define OP(name, code)                                                                             \
	void op_##name(struct regs *r);                                                            \
	__asm__(".pushsection .text\n"                                                             \
		".arch armv8.5-a+sve\n"                                                            \
		"op_" #name ": mov x9, x0\n"                                                       \
		"ldp	q0, q1, [x9, #48]\n"                                                          \
		"ldp	q2, q3, [x9, #80]\n"                                                          \
		"ldp	x4, x5, [x9, #32]\n"                                                          \
		"ldp	x2, x3, [x9, #16]\n"                                                          \
		"ldp	x0, x1, [x9]\n" code "\n"                                                  \
		"stp	x0, x1, [x9]\n"                                                               \
		"stp	x2, x3, [x9, #16]\n"                                                          \
		"stp	x4, x5, [x9, #32]\n"                                                          \
		"stp	q0, q1, [x9, #48]\n"                                                          \
		"stp	q2, q3, [x9, #80]\n"                                                          \
		"ret\n"                                                                            \
		".popsection");

enum { R = 1, W = 2, PROBABLY = 4, SVE = 8, LSE = 16 };

/* name, code, bytes touched, what it does to them, alignment it needs. */
#define OPS(X)                                                                                     \
	X(strb, "strb w1, [x0]", 1, W, 1)                                                          \
	X(strh, "strh w1, [x0]", 2, W, 1)                                                          \
	X(str_w, "str w1, [x0]", 4, W, 1)                                                          \
	X(str_x, "str x1, [x0]", 8, W, 1)                                                          \
	X(str_post, "str x1, [x0], #16", 8, W, 1)                                                  \
	X(stlr, "stlr x1, [x0]", 8, W, 8)                                                          \
	X(stp, "stp x1, x2, [x0]", 16, W, 1)                                                       \
	X(stp_pre, "sub x0, x0, #16\n stp x1, x2, [x0, #16]!", 16, W, 1)                           \
	X(stp_w, "stp w1, w2, [x0]", 8, W, 1)                                                      \
	X(stnp, "stnp x1, x2, [x0]", 16, W, 1)                                                     \
	X(sttr, "mov x10, #0x40000000\n add x10, x0, x10\n sttr x1, [x10]", 8, W, 1)               \
	X(str_b, "str b0, [x0]", 1, W, 1)                                                          \
	X(str_q, "str q0, [x0]", 16, W, 1)                                                         \
	X(stp_q, "stp q0, q1, [x0]", 32, W, 1)                                                     \
	X(st1_four, "st1 {v0.16b-v3.16b}, [x0]", 64, W, 1)                                         \
	X(st4, "st4 {v0.4s-v3.4s}, [x0]", 64, W, 1)                                                \
	X(st2_lane, "st2 {v0.h, v1.h}[3], [x0]", 4, W, 1)                                          \
	X(ldrb, "ldrb w1, [x0]", 1, R, 1)                                                          \
	X(ldrsb, "ldrsb x1, [x0]", 1, R, 1)                                                        \
	X(ldrsh_w, "ldrsh w1, [x0]", 2, R, 1)                                                      \
	X(ldrsw, "ldrsw x1, [x0]", 4, R, 1)                                                        \
	X(ldr_x, "ldr x1, [x0]", 8, R, 1)                                                          \
	X(ldar, "ldar w1, [x0]", 4, R, 4)                                                          \
	X(ldtr, "mov x10, #0x40000000\n add x10, x0, x10\n ldtr x1, [x10]", 8, R, 1)               \
	X(ldp, "ldp x1, x2, [x0]", 16, R, 1)                                                       \
	X(ldp_post, "ldp x1, x2, [x0], #32", 16, R, 1)                                             \
	X(ldpsw, "ldpsw x1, x2, [x0]", 8, R, 1)                                                    \
	X(ldr_q, "ldr q0, [x0]", 16, R, 1)                                                         \
	X(ldp_d, "ldp d0, d1, [x0]", 16, R, 1)                                                     \
	X(ld1r, "ld1r {v0.4s}, [x0]", 4, R, 1)                                                     \
	X(ld3, "ld3 {v0.16b-v2.16b}, [x0]", 48, R, 1)                                              \
	X(ldadd, "ldadd x1, x2, [x0]", 8, R | W | LSE, 8)                                          \
	X(ldaddb, "ldaddalb w1, w2, [x0]", 1, R | W | LSE, 1)                                      \
	X(stset, "stset w1, [x0]", 4, R | W | LSE, 4)                                              \
	X(swp, "swpal x1, x2, [x0]", 8, R | W | LSE, 8)                                            \
	X(cas_fails, "cas x1, x2, [x0]", 8, R | LSE, 8)                                            \
	X(cas, "ldr x1, [x0]\n casal x1, x2, [x0]", 8, R | W | PROBABLY | LSE, 8)                  \
	X(casp, "ldp x2, x3, [x0]\n mov x4, #5\n casp x2, x3, x4, x5, [x0]", 16,                   \
	  R | W | PROBABLY | LSE, 16)                                                              \
	X(exclusive, "1: ldxr x1, [x0]\n add x1, x1, #1\n stxr w2, x1, [x0]\n cbnz w2, 1b", 8,     \
	  R | W | PROBABLY, 8)                                                                     \
	X(exclusive_b, "1: ldaxrb w1, [x0]\n mvn w1, w1\n stlxrb w2, w1, [x0]\n cbnz w2, 1b", 1,   \
	  R | W | PROBABLY, 1)                                                                     \
	X(exclusive_pair,                                                                          \
	  "1: ldaxp x1, x2, [x0]\n add x1, x1, x4\n stlxp w3, x2, x1, [x0]\n cbnz w3, 1b", 16,     \
	  R | W | PROBABLY, 16)                                                                    \
	X(clrex, "ldxr x1, [x0]\n clrex\n stxr w2, x1, [x0]", 8, R, 8)                             \
	X(zva, "dc zva, x0", 0, W, 1)                                                              \
	X(prefetch, "prfm pldl1keep, [x0]", 0, 0, 1)                                               \
	X(clean, "dc civac, x0", 0, 0, 1)                                                          \
	X(sve_store, "ptrue p0.d, vl2\n st1d {z0.d}, p0, [x0]", 16, W | SVE, 1)                    \
	X(sve_load, "ptrue p0.d, vl2\n ld1d {z0.d}, p0/z, [x0]", 16, SVE, 1)

#define DEFINE(name, code, bytes, kinds, align) OP(name, code)
OPS(DEFINE)

struct op {
	uint16_t bytes, kinds, align;
	char name[26];
};

#define ROW(name, code, bytes, kinds, align) { bytes, kinds, align, #name },
static const struct op ops[] = { OPS(ROW) };
enum { NR_OPS = sizeof(ops) / sizeof(ops[0]) };

/* Addresses in a table would have to be relocated. */
static void run_op(unsigned n, struct regs *r)
{
	unsigned i = 0;

#define CALL(name, code, bytes, kinds, align)                                                      \
	if (i++ == n)                                                                              \
		op_##name(r);
	OPS(CALL)
}

static int has_atomics(void)
{
	uint64_t isar0;

	__asm__ volatile("mrs %0, id_aa64isar0_el1" : "=r"(isar0));
	return (isar0 >> 20 & 0xf) != 0;
}

/* --- the same on both ---------------------------------------------------------------------------
 */

static unsigned tests, failures, zva_bytes;
static uint64_t hits;

static void result(int ok, const char *what, const char *where)
{
	tests++;
	failures += !ok;
	say(ok ? "ok " : "not ok ");
	say_number(tests);
	say(" - ");
	say(what);
	say(" ");
	say(where);
	say("\n");
}

static void say_hits(void)
{
	say("# hits ");
	say_number(hits);
	say("\n");
}

/* What is looked at: around the watched bytes, other bytes of the page, and its end. */
static const uint16_t places[][2] = { { 0x100, 0x180 }, { 0x200, 0x240 }, { 0xfc0, 0x1040 } };

static void fill(uintptr_t page)
{
	for (unsigned n = 0; n < 3; n++)
		for (unsigned i = places[n][0]; i < places[n][1]; i += 8)
			*(volatile uint64_t *)(page + i) = 0x8192a3b4c5d6e7f0 + i;
}

static int same(uintptr_t a, uintptr_t b)
{
	int ok = 1;

	for (unsigned n = 0; n < 3; n++)
		for (unsigned i = places[n][0]; i < places[n][1]; i += 8)
			ok &= *(volatile uint64_t *)(a + i) == *(volatile uint64_t *)(b + i);
	return ok;
}

/* Words of 8 bytes in the watched range that fill() writes and same() reads: two. */
static void expect_words(unsigned kinds, unsigned watched_kinds, unsigned times)
{
	if (kinds & watched_kinds)
		hits += 2 * times;
}

static void set_regs(struct regs *r, uintptr_t at)
{
	for (unsigned i = 0; i < sizeof(*r) / 8; i++)
		((volatile uint64_t *)r)[i] = 0xf1e2d3c4b5a69788 * (i + 3);
	r->x[0] = at;
}

static void expect_op(const struct op *op, unsigned off, unsigned watched_kinds)
{
	unsigned first = off, last, kinds = op->kinds & (R | W);

	if (op->bytes == 0 && kinds == W) { /* DC ZVA */
		first = off & ~(zva_bytes - 1);
		last = first + zva_bytes - 1;
	} else {
		last = off + op->bytes - 1;
	}
	if (!kinds || (op->bytes == 0 && kinds != W) || last < FIRST || first > LAST)
		return;
	if (!(op->kinds & PROBABLY)) { /* one access, of one kind or both */
		hits += (kinds & watched_kinds) != 0;
		return;
	}
	/* A load, then an access that writes: what reads, too, is one as well. */
	hits += (watched_kinds & R) + ((kinds & W) != 0 ? 1 : 0);
}

static void try(unsigned n, uintptr_t page, unsigned off, unsigned watched_kinds, const char *where)
{
	const struct op *op = &ops[n];
	struct regs here, there;
	int ok = 1;

	off &= ~(op->align - 1U);
	fill(page);
	fill(PLAIN);
	set_regs(&here, page + off);
	set_regs(&there, PLAIN + off);
	run_op(n, &there);
	run_op(n, &here);
	expect_op(op, off, watched_kinds);
	there.x[0] += page - PLAIN;
	for (unsigned i = 0; i < sizeof(here) / 8; i++)
		ok = ok && ((volatile uint64_t *)&here)[i] == ((volatile uint64_t *)&there)[i];
	ok = same(page, PLAIN) && ok;
	expect_words(W, watched_kinds, 1);
	expect_words(R, watched_kinds, 1);
	result(ok, op->name, where);
}

static void try_all(uintptr_t page, unsigned watched_kinds, const char *name)
{
	uint64_t pfr0;

	__asm__ volatile("mrs %0, id_aa64pfr0_el1" : "=r"(pfr0));
	say("# ");
	say(name);
	say("\n");
	for (unsigned n = 0; n < NR_OPS; n++) {
		if (ops[n].kinds & SVE && !(pfr0 >> 32 & 0xf))
			continue;
		if (ops[n].kinds & LSE && !has_atomics())
			continue;
		try(n, page, FIRST, watched_kinds, "on watched bytes");
		try(n, page, FIRST - 3, watched_kinds, "that begins before");
		try(n, page, 0x201, watched_kinds, "on other bytes");
		try(n, page, 0xffd, watched_kinds, "in two pages");
	}
	say_hits();
}

/* --- all at once --------------------------------------------------------------------------------
 */

static volatile uint32_t turn, finished, cpus = 1;
static volatile uintptr_t counter; /* 0: run the code that is watched */
static uint8_t __attribute__((aligned(16))) stacks[MAX_CPUS][4096];

static void add(volatile uint32_t *to, uint32_t v)
{
	(void)__atomic_add_fetch(to, v, __ATOMIC_SEQ_CST);
}

/* Turns that each of the vCPUs makes. */
static unsigned ways(void)
{
	return has_atomics() ? 3 : 1;
}

static void count_up(uintptr_t at)
{
	uint64_t old, new;
	uint32_t failed;

	for (unsigned i = 0; i < TURNS; i++) {
		__asm__ volatile("1: ldaxr	%0, [%3]\n"
				 "add	%0, %0, #1\n"
				 "stlxr	%w2, %0, [%3]\n"
				 "cbnz	%w2, 1b"
				 : "=&r"(old), "=&r"(new), "=&r"(failed)
				 : "r"(at)
				 : "memory");
		if (!has_atomics())
			continue;
		__asm__ volatile(".arch armv8.5-a\n stadd %1, [%0]"
				 :
				 : "r"(at), "r"(1UL)
				 : "memory");
		do {
			old = *(volatile uint64_t *)at;
			new = old;
			__asm__ volatile(".arch armv8.5-a\n casal %0, %2, [%1]"
					 : "+r"(new)
					 : "r"(at), "r"(old + 1)
					 : "memory");
		} while (new != old);
	}
}

/* --- code in a page that is watched for reads ---------------------------------------------------
 */

#define CODE_TURNS 20

/* x0: what to count up; x1: turns. Returns SVCs that came back, or 0 when PSTATE is not its own. */
extern const uint32_t code[], code_wait[], code_end[];
__asm__(".pushsection .text\n"
	"code:	mov	x6, #0\n"
	"	mrs	x4, daif\n"
	"1:	ldaxr	x2, [x0]\n"
	"	add	x2, x2, #1\n"
	"	stlxr	w3, x2, [x0]\n"
	"	cbnz	w3, 1b\n"
	"	svc	#0\n"
	"	mrs	x5, daif\n"
	"	cmp	x5, x4\n"
	"	b.ne	2f\n"
	"	msr	daifset, #2\n"
	"	mrs	x5, daif\n"
	"	tbz	x5, #7, 2f\n"
	"	tst	x4, #0x80\n"
	"	b.ne	3f\n"
	"	msr	daifclr, #2\n"
	"	mrs	x5, daif\n"
	"	tbnz	x5, #7, 2f\n"
	"3:	msr	daif, x4\n"
	"	sev\n"
	"	wfe\n"
	"	subs	x1, x1, #1\n"
	"	b.ne	1b\n"
	"	mov	x0, x6\n"
	"	ret\n"
	"2:	mov	x0, #0\n"
	"	ret\n"
	"code_wait: hvc	#0\n"
	"	ret\n"
	"code_end:\n"
	".popsection");

/* SVC counts up x6; the timer counts up TPIDR_EL1 and comes again after half a millisecond. */
__asm__(".pushsection .text\n"
	"	.balign	2048\n"
	"vectors: .space	0x200\n"
	"	mrs	x7, esr_el1\n"
	"	lsr	x7, x7, #26\n"
	"	cmp	x7, #0x15\n"
	"	b.ne	.\n"
	"	add	x6, x6, #1\n"
	"	eret\n"
	"	.balign	0x80\n"
	"	stp	x0, x1, [sp, #-16]!\n"
	"	mrs	x0, s3_0_c12_c12_0\n" /* ICC_IAR1_EL1 */
	"	mrs	x1, tpidr_el1\n"
	"	add	x1, x1, #1\n"
	"	msr	tpidr_el1, x1\n"
	"	mrs	x1, cntfrq_el0\n"
	"	lsr	x1, x1, #11\n"
	"	msr	cntv_tval_el0, x1\n"
	"	isb\n"
	"	msr	s3_0_c12_c12_1, x0\n" /* ICC_EOIR1_EL1 */
	"	ldp	x0, x1, [sp], #16\n"
	"	eret\n"
	"	.balign	0x800\n"
	".popsection");

static volatile uint32_t code_failed;
static volatile uint64_t code_counter;
static volatile uint32_t passing;

static void set_vectors(void)
{
	__asm__ volatile("adrp x9, vectors\n add x9, x9, :lo12:vectors\n msr vbar_el1, x9\n isb"
			 :
			 :
			 : "x9");
}

static void run_code(void)
{
	register uint64_t x0 __asm__("x0") = (uintptr_t)&code_counter;
	register uint64_t x1 __asm__("x1") = CODE_TURNS;

	__asm__ volatile("blr %2"
			 : "+r"(x0), "+r"(x1)
			 : "r"(CODE)
			 : "x2", "x3", "x4", "x5", "x6", "x7", "x30", "cc", "memory");
	if (x0 != CODE_TURNS)
		code_failed = 1;
}

/* Waits for an interrupt, in KVM. None comes, but the call may be over at any time. */
static void wait_in_code(void)
{
	register uint64_t x0 __asm__("x0") = PSCI_CPU_SUSPEND;
	register uint64_t x1 __asm__("x1") = 0;

	__asm__ volatile("blr %2"
			 : "+r"(x0), "+r"(x1)
			 : "r"(CODE + 4 * (uintptr_t)(code_wait - code))
			 : "x2", "x3", "x30", "memory");
}

static void pass_time(void)
{
	const uint64_t begin = now_ns();

	while (now_ns() - begin < PASS_NS)
		;
}

static void put_code(void)
{
	for (unsigned i = 0; code + i < code_end; i++) {
		((volatile uint32_t *)CODE)[i] = code[i];
		__asm__ volatile("dc cvau, %0\n dsb ish\n ic ivau, %0\n dsb ish\n isb"
				 :
				 : "r"(CODE + 4 * i)
				 : "memory");
	}
}

/* The virtual timer's interrupt, on a GICv3 as QEMU's virt has it; false without one. */
static int start_timer(void)
{
	uint64_t pfr0;

	__asm__ volatile("mrs %0, id_aa64pfr0_el1" : "=r"(pfr0));
	if (!(pfr0 >> 24 & 0xf))
		return 0;
	write32(0x08000000, 0x12);		       /* GICD_CTLR: ARE, group 1 */
	write32(0x080a0014, read32(0x080a0014) & ~2U); /* GICR_WAKER */
	while (read32(0x080a0014) & 4)
		;
	write32(0x080b0080, ~0U);			  /* GICR_IGROUPR0 */
	write32(0x080b0100, 1U << 27);			  /* GICR_ISENABLER0 */
	__asm__ volatile("msr s3_0_c12_c12_5, %0\n isb\n" /* ICC_SRE_EL1 */
			 "msr s3_0_c4_c6_0, %1\n"	  /* ICC_PMR_EL1 */
			 "msr s3_0_c12_c12_7, %0\n"	  /* ICC_IGRPEN1_EL1 */
			 "msr tpidr_el1, xzr\n"
			 "msr cntv_tval_el0, xzr\n"
			 "msr cntv_ctl_el0, %0\n"
			 "isb\n"
			 "msr daifclr, #2"
			 :
			 : "r"(1UL), "r"(0xffUL)
			 : "memory");
	return 1;
}

static uint64_t stop_timer(void)
{
	uint64_t interrupts;

	__asm__ volatile("msr daifset, #2\n msr cntv_ctl_el0, xzr\n mrs %0, tpidr_el1"
			 : "=r"(interrupts));
	return interrupts;
}

static void work(void)
{
	uint32_t seen = 0;

	for (;;) {
		while (turn == seen)
			;
		seen = turn;
		if (counter)
			count_up(counter);
		else if (passing)
			pass_time();
		else
			run_code();
		__asm__ volatile("dmb ish" : : : "memory");
		add(&finished, 1);
	}
}

__attribute__((used)) static void second_main(void)
{
	set_vectors();
	mmu_on();
	add(&cpus, 1);
	work();
}

__asm__(".pushsection .text\n"
	"second:	mov	sp, x0\n"
	"	mrs	x1, cpacr_el1\n"
	"	orr	x1, x1, #(3 << 20)\n"
	"	msr	cpacr_el1, x1\n"
	"	isb\n"
	"	b	second_main\n"
	".popsection");

static void start_cpus(void)
{
	for (uint64_t n = 1; n < MAX_CPUS; n++) {
		register uint64_t x0 __asm__("x0") = PSCI_CPU_ON;
		register uint64_t x1 __asm__("x1") = n;
		register uint64_t x2 __asm__("x2");
		register uint64_t x3 __asm__("x3") = (uintptr_t)stacks[n] + sizeof(stacks[n]);
		uint32_t before = cpus;

		__asm__ volatile("adr %2, second\n\thvc #0"
				 : "+r"(x0), "+r"(x1), "=&r"(x2), "+r"(x3)
				 :
				 : "memory");
		while (x0 == 0 && cpus == before)
			;
	}
}

static void count_together(uintptr_t at, const char *where)
{
	uint64_t before = *(volatile uint64_t *)at;

	counter = at;
	finished = 0;
	__asm__ volatile("dmb ish" : : : "memory");
	turn++;
	count_up(at);
	while (finished != cpus - 1)
		;
	__asm__ volatile("dmb ish" : : : "memory");
	result(*(volatile uint64_t *)at - before == (uint64_t)ways() * TURNS * cpus,
	       "every step of every vCPU counts", where);
}

static __attribute__((unused)) void run_together(void)
{
	int timer;

	put_code();
	counter = 0;
	finished = 0;
	timer = start_timer();
	__asm__ volatile("dmb ish" : : : "memory");
	turn++;
	run_code();
	while (finished != cpus - 1)
		;
	__asm__ volatile("dmb ish" : : : "memory");
	if (timer)
		result(stop_timer() > 3, "the timer comes", "through");
	result(code_counter == (uint64_t)CODE_TURNS * cpus && !code_failed,
	       "code runs as it does elsewhere", "in what is watched");
}

/* Who waits in KVM while it is alone comes out of it, so that the others get on. */
static __attribute__((unused)) void wait_beside_others(void)
{
	finished = 0;
	passing = 1;
	__asm__ volatile("dmb ish" : : : "memory");
	turn++;
	while (finished != cpus - 1)
		wait_in_code();
	result(1, "vCPUs get on beside one that waits", "in what is watched");
}

static __attribute__((unused)) void try_everything(void)
{
	try_all(WATCHED_W, W, "watched for writes");
	try_all(WATCHED_RW, R | W, "watched for reads and writes");
	start_cpus();
	say("# vCPUs ");
	say_number(cpus);
	say("\n");
	count_together(WATCHED_RW + 0x300, "beside what is watched");
	count_together(WATCHED_W + 0x300, "beside what is watched for writes");
	say_hits();
	count_together(WATCHED_W + FIRST, "in what is watched for writes");
	hits += ways() * TURNS * cpus;
	say_hits();
	count_together(WATCHED_RW + FIRST, "in what is watched");
}

int main(void)
{
	uint64_t dczid;

	__asm__ volatile("mrs %0, dczid_el0" : "=r"(dczid));
	zva_bytes = 4U << (dczid & 0xf);
	__asm__ volatile("mrs x9, cpacr_el1\n orr x9, x9, #(3 << 16)\n msr cpacr_el1, x9\n isb"
			 :
			 :
			 : "x9");
	set_vectors();
	mmu_make();
	mmu_on();
#ifdef CODE_ONLY
	start_cpus();
	run_together();
	wait_beside_others();
#else
	try_everything();
#endif
	say("1..");
	say_number(tests);
	say("\n# failed ");
	say_number(failures);
	say("\n");
	return 0;
}
