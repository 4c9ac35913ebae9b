/* SPDX-License-Identifier: Apache-2.0 */
/*
 * faults: a bare-metal guest that tries bad accesses of every kind and checks, in its own vectors,
 * that each becomes what the Arm Architecture Reference Manual (ARM DDI 0487) says. It speaks TAP
 * on the PL011. Written for `vmm run --mem 64M` with the two ROMs below; "faults=NAME" on its
 * command line chooses what to do (main.c).
 *
 * A case is one instruction, a row of rows.S, with an address, in a state of the CPU. All registers
 * are loaded with known values, the instruction is run, and behind it is a BRK: so whatever happens
 * ends in an exception, and what the CPU was then is compared with what it must be. What an
 * instruction does where it must work is not written down anywhere: the same one is run on RAM with
 * the same content.
 */
#ifndef TESTS_GUEST_FAULTS_FAULTS_H
#define TESTS_GUEST_FAULTS_FAULTS_H

#define PAGE 0x1000

/* The machine. */
#define RAM	0x40000000
#define RAM_END 0x44000000
#define UART	0x09000000
#define RTC	0x09010000
#define GPIO	0x09030000

/* The content of rom.S, twice: with a device right behind it, and with nothing around it. */
#define ROM_AT_DEVICE 0x09008000
#define ROM	      0x0c000000
#define ROM_SIZE      0x8000
#define ROM_TABLE     (ROM + 0x1000) /* of level 3, maps the first 2 MiB of RAM, access flags clear */
#define ROM_SET_TABLE (ROM + 0x2000) /* the same with access flags set */
#define ROM_CODE      (ROM + 0x3000) /* BRK instructions */

/* Virtual addresses of windows onto what a case is about: the same tables serve both halves. */
#define WINDOW0	     0x00007f0000000000
#define WINDOW1	     0xffffff0000000000
#define WINDOW_PAGES 32
#define STUBS_AT     0x100000 /* from a window's start: the rows' instructions, for EL0 */
#define BUFFER_AT    0x1f0000 /* ... a page of RAM that EL0 may write */

#define BRK_DONE 0x77 /* of the BRK behind an instruction */

/* What an instruction does to memory. */
#define READ   0
#define WRITE  1
#define UPDATE 2 /* both: WnR of an External abort is UNKNOWN */
#define HINT   3 /* never aborts where nothing is */
#define ZERO   4 /* DC ZVA */

/* What a row needs, and what is special about it. */
#define NEEDS_LSE    0x0001
#define NEEDS_RCPC   0x0002
#define NEEDS_RCPC2  0x0004
#define NEEDS_PAUTH  0x0008
#define NEEDS_SVE    0x0010
#define NEEDS_MASK   0x001f
#define SP_BASE	     0x0100
#define EXCLUSIVE    0x0200
#define STORE_EX     0x0400 /* after a load-exclusive: the monitor may be lost */
#define UNPRIVILEGED 0x0800
#define EL1_ONLY     0x1000
#define ALIGNED	     0x2000 /* has to be, even in Normal memory */
#define CORE	     0x4000 /* one of the few that are tried at every address */
#define PC_BASE	     0x8000
#define ANY_FAR	     0x10000 /* several elements: which is first is not defined */

/* Offsets in struct cpu. */
#define CPU_SP0	   0xf8
#define CPU_SP1	   0x100
#define CPU_PC	   0x108
#define CPU_PSTATE 0x110
#define CPU_V	   0x120
#define CPU_ESR	   0x1a0
#define CPU_FAR	   0x1a8
#define CPU_VECTOR 0x1b0

#ifndef __ASSEMBLER__

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A CPU at the first instruction of a case, or in the exception that ended it. */
struct cpu {
	uint64_t x[31];
	uint64_t sp0, sp1, pc, pstate, unused;
	uint64_t v[8][2];
	uint64_t esr, far, vector; /* vector: offset from VBAR_EL1 */
	uint64_t unused2;
};

/* An instruction: rows.S. Registers it uses are told there. */
struct row {
	uint64_t code; /* its address; a BRK follows */
	const char *name;
	int32_t off; /* the first byte that it accesses, from its base register */
	uint32_t flags;
	uint8_t kind;
	uint8_t bytes;	 /* all that it accesses; 0: nothing to speak of */
	uint8_t element; /* bytes of a single access */
	uint8_t before;	 /* bytes of other instructions in front of it */
	uint32_t unused;
};

extern const struct row rows[], rows_end[];

/* How the CPU reaches memory. */
enum view { OFF, IDENTITY, LOW, HIGH }; /* MMU off; VA = IPA; WINDOW0; WINDOW1 */
enum memory { DEVICE, NORMAL, NON_CACHEABLE };

struct state {
	const char *name;
	uint8_t view, memory;
	uint8_t mode; /* PSTATE.M */
};

enum { EL0T = 0, EL1T = 4, EL1H = 5 };

#define PSTATE_MASKED 0x3c0 /* D, A, I, F */
#define PSTATE_FLAGS  0xa0000000

/* --- head.S --- */

/* Goes on as @in until the next exception: *out. */
void run(const struct cpu *in, struct cpu *out);

/* --- tables.c --- */

void mmu_on(void);
bool mmu_is_on(void);

/* A page of RAM, which EL0 has at BUFFER_AT. */
extern uint8_t buffer[PAGE];

/* Descriptor bits. */
#define PTE_TABLE	  3ULL
#define PTE_PAGE	  3ULL
#define PTE_BLOCK	  1ULL
#define PTE_INDEX(memory) ((uint64_t)(memory) << 2)
#define PTE_EL0		  (1ULL << 6)
#define PTE_RO		  (1ULL << 7)
#define PTE_INNER	  (3ULL << 8)
#define PTE_AF		  (1ULL << 10)

/*
 * Points both windows at @ipa: page 8 of WINDOW_PAGES is the one that holds it. Everyone may read
 * and write there or, if @code, read and execute.
 */
void window(uint64_t ipa, enum memory memory, bool code);

/* Where @ipa, a little away from that of the last window(), is for @s. */
uint64_t va_of(const struct state *s, uint64_t ipa);

/*
 * The windows also at @va, below 512 GiB, 1 GiB aligned and more than 2 GiB; and the page @code,
 * which EL0 may execute, @at bytes from the start of each.
 */
void window_of_code(uint64_t va, uint64_t at, const void *code);

/* The entry of the top table for @va, which both halves share; and an empty table, one of 8. */
uint64_t *top_entry(uint64_t va);
uint64_t *spare_table(unsigned n);
void tables_changed(void);

/* --- tap.c --- */

void say(const char *s);
void say_hex(uint64_t v);
void say_number(uint64_t v);

/*
 * A case is begun, then what is so is compared with what must be, then it ends. It is a line of
 * TAP, or one of those of its row, which end_rows() puts into a line for each row.
 */
void begin(const char *what, const char *where, const char *state);
void begin_row(const struct row *r, const char *where, const char *state);
void want(const char *what, uint64_t got, uint64_t wanted);
void wrong(const char *what);
void end(void);
void end_rows(const char *group);
void skip(const char *what, const char *why);
void tap_plan(void);

/* --- probe.c --- */

extern uint64_t faults_expected; /* how many of the cases vmm has to count */

/* Whether the CPU has what @r needs, and may run it in @s. */
bool possible(const struct row *r, const struct state *s);

/*
 * run(), but for the upper half of ESR_EL1: KVM before 6.2 leaves ones there with an abort of its
 * own. esr_ones counts them.
 */
void go(const struct cpu *in, struct cpu *out);
extern uint64_t esr_ones;

/* The first row whose name starts so. */
const struct row *row_named(const char *start);

/* Runs @r with the first byte that it accesses at @va. */
void perform(const struct row *r, const struct state *s, uint64_t va, struct cpu *in,
	     struct cpu *out);

/* Runs @r on RAM that has @content of @size bytes, which becomes what is there then. */
void perform_on_ram(const struct row *r, void *content, size_t size, struct cpu *in,
		    struct cpu *out);

/* That all of X, V and SP is as it was. */
void want_unchanged(const struct cpu *in, const struct cpu *out);

/* That @out is the exception of @r for an access that failed at @far with status code @fsc. */
void want_abort(const struct row *r, const struct state *s, const struct cpu *in,
		const struct cpu *out, unsigned fsc, uint64_t far);

/* That an Instruction Abort at @pc is what ended it. */
void want_fetch_abort(const struct state *s, const struct cpu *in, const struct cpu *out,
		      unsigned fsc, uint64_t pc);

/* That @r came to its end. */
void want_done(const struct row *r, const struct cpu *in, const struct cpu *out);

/* The same, with the same outcome as @ref_out had from @ref_in. */
void want_same(const struct row *r, const struct cpu *in, const struct cpu *out,
	       const struct cpu *ref_in, const struct cpu *ref_out);

/* Whether @out is that of an instruction that came to its end. */
bool is_done(const struct cpu *out);
unsigned fsc_of(const struct cpu *out);

/* What every case starts with: known values everywhere, at @pc in @s. */
void prepare(struct cpu *in, const struct state *s, uint64_t pc);

/* Where the code of @r is for @s. */
uint64_t code_of(const struct row *r, const struct state *s);

/* --- the cases: a group each, with the MMU off or on, as it is --- */

void cases_holes(void);	   /* holes.c: nothing is there. Also with the MMU off */
void cases_rom(void);	   /* holes.c */
void cases_straddle(void); /* straddle.c: begins in one thing and ends in another */
void cases_devices(void);  /* devices.c. Also with the MMU off */
void cases_aarch32(void);  /* aarch32.c: 32-bit programs. MMU on */
void cases_aarch32_ram(void);
bool aarch32_one(const char *insn, uint64_t ipa, uint64_t *pc, uint64_t *va); /* for log.c */
void cases_fetch(void); /* silent.c: instructions where there are none. Also with the MMU off */
/* silent.c: one that KVM settles. The registers tell of it, until the next exception. */
void case_fetch_from_device(void);
void case_fetch_by_tables_in_a_device(void);
void case_fetch_far_away(void);
void cases_walk(void);	    /* silent.c: tables that are not there */
void cases_opened(void);    /* silent.c: beside a page that is read again and again */
void cases_first(void);	    /* silent.c: the first fault of all */
void cases_translate(void); /* silent.c: AT by tables that are not there */

/* value.c: holes read as bytes of @value, and ignore writes. Each also with the MMU off. */
void cases_value(uint8_t value);	/* what all loads and stores do */
void cases_value_odd(uint8_t value);	/* what needs memory: the value, or an abort, but an end */
void cases_value_device(uint8_t value); /* what a device refuses */
void cases_value_straddle(uint8_t value); /* what begins in RAM. MMU on */
void cases_ranges(void);		  /* --hole: the ranges are told there */

/* poison.c: pages of RAM whose memory fails, as the host is asked to let them; and then a reset. */
void cases_poison(void);
void cases_denied(void);
void cases_poison_reset(const char *tree);

/* granule.c: pages and tables of other sizes, also with lines of what vmm has to report. MMU on */
void cases_granules(void);

/* log.c: few, each with a line of what vmm has to report. */
void cases_log(void);
void cases_log_rom(void); /* log.c */

/* lockup.c: ways to get the CPU to where it can never go on. None returns. */
void lockup(const char *tree);
bool asked(const char *tree, const char *word);

void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int v, size_t n);

#define id_register(name)                                                                          \
	({                                                                                         \
		uint64_t v_;                                                                       \
		__asm__ volatile("mrs %0, " #name : "=r"(v_));                                     \
		v_;                                                                                \
	})

#define set_register(name, value)                                                                  \
	__asm__ volatile("msr " #name ", %0\n\tisb" : : "r"((uint64_t)(value)) : "memory")

/* After new instructions were written to the cache line of @at. */
static inline void instructions_changed(uint64_t at)
{
	__asm__ volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0\n\tdsb ish\n\tisb"
			 :
			 : "r"(at)
			 : "memory");
}

static inline unsigned field(uint64_t v, unsigned low)
{
	return v >> low & 0xf;
}

static inline uint32_t read32(uint64_t at)
{
	return *(volatile uint32_t *)at;
}

static inline void write32(uint64_t at, uint32_t v)
{
	*(volatile uint32_t *)at = v;
}

#endif
#endif
