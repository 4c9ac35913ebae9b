/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attack: a bare-metal guest that finds its devices in the device tree and attacks them as the
 * tables of tests/attack say. What it does stands in its command line:
 *
 *	attack=GROUP		all rows of it; several groups with commas between
 *	attack=list		only says which groups there are, and how many rows they have
 *	only="NAME"		of those one row
 *	fuzz=SEED steps=N	so many steps of tests/attack/fuzz.h; numbers are decimal
 *	turns			each row on one of its devices, by turns
 *	rom=ADDRESS		where a --rom is
 *	wait			says "# here", "# ready" and "# done" and waits for a byte on the
 *				UART each time: before it touches a device, before and after all
 *
 *	vmm run --kernel attack --mem 64M --cpus 2 --disk A --disk B --rng --hvc null \
 *		--cmdline attack=ring
 */
#include "tests/attack/fuzz.h"
#include "tests/guest/attack/cpu.h"
#include "tests/guest/attack/tree.h"
#include "tests/guest/guest.h"
#include "tests/guest/mmu.h"

#define UART_IS 0x09000000UL

enum { FR_RX_EMPTY = 0x10, FR_TX_EMPTY = 0x80, FIFO = 16, SLOWER = 25 };

struct hal hal;

/* Those of the table, and those that there are only here. */
static const struct group *const here[] = { &group_cpu, NULL };

int main(const void *tree);

/* --- exceptions: those that are expected are gone over, see cpu.h --- */

__asm__(".pushsection .text\n"
	".balign 2048\n"
	"vectors: .space 0x200\n"
	"	mov	x17, #0x5afe\n" /* EXPECTED */
	"	cmp	x16, x17\n"
	"	b.ne	1f\n"
	"	mov	x16, #0\n"
	"	mrs	x17, esr_el1\n"
	"	ubfx	x17, x17, #26, #6\n"
	"	cmp	x17, #0x21\n" /* the fetch failed */
	"	b.eq	2f\n"
	"	mrs	x17, elr_el1\n"
	"	add	x17, x17, #4\n"
	"	msr	elr_el1, x17\n"
	"	eret\n"
	"2:	msr	elr_el1, x30\n"
	"	eret\n"
	"1:	mrs	x0, esr_el1\n"
	"	mrs	x1, far_el1\n"
	"	mrs	x2, elr_el1\n"
	"	b	stray\n"
	".popsection");

static void set_vectors(void)
{
	uint64_t at;

	__asm__ volatile("adrp %0, vectors\n\tadd %0, %0, :lo12:vectors\n\t"
			 "msr vbar_el1, %0\n\tisb"
			 : "=r"(at));
}

static void say_hex(uint64_t v)
{
	for (int shift = 60; shift >= 0; shift -= 4)
		hal_say((const char[]){ "0123456789abcdef"[v >> shift & 15], '\0' });
}

__attribute__((used, noreturn)) static void stray(uint64_t esr, uint64_t far, uint64_t elr)
{
	hal_say("not ok: an exception that nobody expects: ESR ");
	say_hex(esr);
	hal_say(" FAR ");
	say_hex(far);
	hal_say(" ELR ");
	say_hex(elr);
	hal_say("\n");
	psci(PSCI_SYSTEM_OFF);
	for (;;)
		;
}

/* --- what attacks are made of: tests/attack/hal.h --- */

#define LOAD(insn, reg)                                                                            \
	__asm__ volatile("mov x16, %3\n\t" insn " %" reg "0, [%2]\n\tmov %1, x16"                  \
			 : "=&r"(value), "=&r"(done)                                               \
			 : "r"(at), "i"(EXPECTED)                                                  \
			 : "x16", "x17", "cc", "memory")
#define STORE(insn, reg)                                                                           \
	__asm__ volatile("mov x16, %3\n\t" insn " %" reg "1, [%2]\n\tmov %0, x16"                  \
			 : "=&r"(done)                                                             \
			 : "r"(v), "r"(at), "i"(EXPECTED)                                          \
			 : "x16", "x17", "cc", "memory")

bool hal_load(uint64_t at, unsigned width, uint64_t *v)
{
	uint64_t value = 0, done;

	if (width == 1)
		LOAD("ldrb", "w");
	else if (width == 2)
		LOAD("ldrh", "w");
	else if (width == 4)
		LOAD("ldr", "w");
	else
		LOAD("ldr", "x");
	*v = done == EXPECTED ? value : 0;
	return done == EXPECTED;
}

bool hal_store(uint64_t at, unsigned width, uint64_t v)
{
	uint64_t done;

	if (width == 1)
		STORE("strb", "w");
	else if (width == 2)
		STORE("strh", "w");
	else if (width == 4)
		STORE("str", "w");
	else
		STORE("str", "x");
	return done == EXPECTED;
}

volatile void *hal_at(uint64_t at)
{
	return (volatile void *)at;
}

void hal_look(uint64_t at, uint64_t len)
{
	(void)at;
	(void)len;
}

void hal_fence(void)
{
	__asm__ volatile("dmb sy" : : : "memory");
}

uint64_t hal_now_us(void)
{
	uint64_t count, hz;

	__asm__ volatile("isb\n\tmrs %0, cntvct_el0\n\tmrs %1, cntfrq_el0"
			 : "=r"(count), "=r"(hz)
			 :
			 : "memory");
	return count / hz * 1000000 + count % hz * 1000000 / hz;
}

void hal_pause(void)
{
	__asm__ volatile("yield" : : : "memory");
}

/* A FIFO's worth at a time, so that nothing is lost to a console that is slow. */
void hal_say(const char *s)
{
	static unsigned room;

	for (; *s; s++) {
		while (room == 0)
			room = read32(UART_FR) & FR_TX_EMPTY ? FIFO : 0;
		write32(UART_DR, (uint8_t)*s);
		room--;
	}
}

void hal_say_number(uint64_t v)
{
	char digits[21];
	char *at = digits + sizeof(digits) - 1;

	*at = '\0';
	do
		*--at = (char)('0' + v % 10);
	while (v /= 10);
	hal_say(at);
}

/* --- the second CPU: on for a job, and off again, so that it takes no time from the host --- */

static struct {
	void (*fn)(void *ctx);
	void *ctx;
	volatile bool done;
} job;

__attribute__((used, noreturn)) static void second_main(void)
{
	set_vectors();
	mmu_on();
	job.fn(job.ctx);
	hal_fence();
	job.done = true;
	psci(PSCI_CPU_OFF);
	for (;;)
		;
}

static char __attribute__((aligned(16))) second_stack[16384];
extern char second[]; /* its first instruction; its stack's end is in x0 */

__asm__(".pushsection .text\n"
	"second:	mov	sp, x0\n"
	"	b	second_main\n"
	".popsection");

/* Of the job before it may be on its way out. */
void hal_start(void (*fn)(void *ctx), void *ctx)
{
	job.fn = fn;
	job.ctx = ctx;
	job.done = false;
	hal_fence();
	while (firmware(PSCI_CPU_ON, 1, (uintptr_t)second,
			(uintptr_t)second_stack + sizeof(second_stack)))
		hal_pause();
}

void hal_join(void)
{
	while (!job.done)
		hal_pause();
	hal_fence();
}

/* --- what there is, and what is to be done --- */

static void found_ram(uint64_t at, uint64_t size)
{
	hal.ram = at;
	hal.ram_size = size;
	hal.free = at + size / 4;
	hal.free_size = size / 2;
}

static void found_cpu(uint64_t at, uint64_t size)
{
	(void)at;
	(void)size;
	hal.cpus++;
}

static void found_gic_v3(uint64_t at, uint64_t size)
{
	(void)at;
	(void)size;
	gic_v3 = true;
}

static void found_uart(uint64_t at, uint64_t size)
{
	(void)size;
	hal.uart = at;
}

static void found_slot(uint64_t at, uint64_t size)
{
	if (size == R_END && hal.nr_slots < HAL_SLOTS)
		hal.slot[hal.nr_slots++] = at;
}

/* The value of "KEY=" or of a word alone in the command line, and where it ends; NULL: not there.
 */
static const char *word(const char *line, const char *key, const char **end)
{
	for (const char *at = line; at && *at; at++) {
		size_t n = 0;
		char stop = ' ';

		if (at != line && at[-1] != ' ')
			continue;
		while (key[n] && at[n] == key[n])
			n++;
		if (key[n])
			continue;
		at += n;
		if (*at == '"')
			stop = *at++;
		for (*end = at; **end && **end != stop; (*end)++)
			;
		return at;
	}
	return NULL;
}

static bool is_in(const char *at, const char *end, const char *name)
{
	while (at < end) {
		size_t n = 0;

		while (at + n < end && at[n] != ',' && name[n] == at[n])
			n++;
		if (!name[n] && (at + n == end || at[n] == ','))
			return true;
		while (at < end && *at++ != ',')
			;
	}
	return false;
}

static uint64_t hex(const char *at, const char *end)
{
	uint64_t v = 0;

	for (at += 2; at < end; at++)
		v = v * 16 + (uint64_t)(*at <= '9' ? *at - '0' : (*at | 32) - 'a' + 10);
	return v;
}

static uint64_t decimal(const char *line, const char *key)
{
	const char *end, *at = word(line, key, &end);
	uint64_t v = 0;

	for (; at && at < end; at++)
		v = v * 10 + (uint64_t)(*at - '0');
	return v;
}

static void let_look(const char *what)
{
	hal_say(what);
	while (read32(UART_FR) & FR_RX_EMPTY)
		hal_pause();
	(void)read32(UART_DR);
}

static void list(const struct group *const *g)
{
	for (; *g; g++) {
		hal_say("group ");
		hal_say((*g)->name);
		hal_say(" ");
		hal_say_number((*g)->nr);
		hal_say("\n");
	}
}

/* What the command line says: the groups, and of them all rows or the one that it names. */
struct wish {
	const char *groups, *groups_end;
	const char *only;
	unsigned rows;
};

static void run(const struct group *const *g, struct wish *w, struct score *score)
{
	for (; *g; g++) {
		if (!is_in(w->groups, w->groups_end, (*g)->name))
			continue;
		w->rows += w->only ? 1 : (*g)->nr;
		attack_group(*g, w->only, NULL, score);
	}
}

static const char *copy(const char *at, const char *end)
{
	static char text[128];

	for (unsigned i = 0; at && i < sizeof(text) - 1 && at + i < end; i++)
		text[i] = at[i];
	return at ? text : NULL;
}

static void run_all(const char *line)
{
	struct score score = { 0 };
	struct wish w = { 0 };
	const char *end;

	w.only = copy(word(line, "only=", &end), end);
	w.groups = word(line, "attack=", &w.groups_end);
	if (word(line, "fuzz=", &end)) {
		const struct fuzz f = {
			.seed = decimal(line, "fuzz="),
			.steps = decimal(line, "steps="),
			.more = cpu_any,
		};

		w.rows = score.rows = 1;
		score.passed = attack_fuzz(&f);
		score.failed = !score.passed;
	}
	run(groups, &w, &score);
	run(here, &w, &score);
	attack_sum(&score, w.rows);
}

/* The tree lies in memory that attacks may write to. */
static const char *keep(const char *line)
{
	static char text[512];

	for (unsigned i = 0; line && line[i] && i < sizeof(text) - 1; i++)
		text[i] = line[i];
	return text;
}

int main(const void *tree)
{
	const char *line, *end, *at;
	bool look;

	hal.patience_ms = 10000;
	hal.slower = SLOWER;
	set_vectors();
	mmu_make();
	mmu_on();
	if (!tree_each(tree, "device_type", "memory", found_ram) ||
	    !tree_each(tree, "device_type", "cpu", found_cpu) ||
	    !tree_each(tree, "compatible", "arm,gic-v3", found_gic_v3) ||
	    !tree_each(tree, "compatible", "arm,pl011", found_uart) ||
	    !tree_each(tree, "compatible", "virtio,mmio", found_slot) || hal.uart != UART_IS)
		return 1;
	line = keep(tree_chosen(tree, "bootargs"));
	at = word(line, "rom=0x", &end);
	if (at)
		hal.rom = hex(at - 2, end);
	at = word(line, "attack=", &end);
	if (at && is_in(at, end, "list")) {
		list(groups);
		list(here);
		return 0;
	}
	look = word(line, "wait", &end);
	if (look)
		let_look("# here\n");
	hal.by_turns = word(line, "turns", &end);
	if (!attack_begin())
		return 1;
	if (look)
		let_look("# ready\n");
	run_all(line);
	if (look)
		let_look("# done\n");
	return 0;
}
