/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vCPU for tests of arch/arm64/emulate: registers, memory and their callbacks, which list every
 * call, check what is promised of all, and refuse the one that a test chooses. Include it in one
 * file of a test program.
 *
 * Memory is 64 KiB that repeat over the whole address space, so that the top of it lies before 0.
 * The byte at an address is the address's low byte: what is loaded tells where from.
 */
#ifndef TESTS_LIB_EMULATE_RIG_H
#define TESTS_LIB_EMULATE_RIG_H

#include "arch/arm64/insn/emulate.h"
#include "arch/arm64/insn/insn32.h"
#include "tests/lib/test.h"

#include <errno.h>

#define PC   0x40080000ULL
#define AT   0x10010ULL /* where x1 points unless a test says otherwise */
#define EDGE 0x11000ULL /* a granule begins here */
#define TOP  0xfffffffffffffff8ULL
#define MEM  0x10000U

enum { MAX_CALLS = 256 };

struct call {
	char what; /* 'r', 'w', 'c' */
	uint64_t va;
	unsigned size;
};

struct world {
	uint64_t x[33]; /* X0 to X30, SP, PC */
	struct emulate_wide v[32];
	uint8_t mem[MEM];
	struct emulate_monitor monitor;
	struct emulate_cpu cpu;
	struct emulate_result out;
	struct call call[MAX_CALLS];
	unsigned calls;
	unsigned abort_at;	    /* the call with this number, from 1, is refused; 0: none */
	bool host_fails;	    /* ... as the host fails */
	unsigned regs;		    /* calls for registers */
	unsigned reg_fails;	    /* the one with this number, from 1, fails; 0: none */
	unsigned races;		    /* so many times somebody else writes before a cas */
	enum emulate_memory memory; /* of the instruction under way */
};

static struct world world;

static bool reg_ok(struct world *w)
{
	return ++w->regs != w->reg_fails;
}

static int get(void *ctx, unsigned reg, uint64_t *v)
{
	struct world *w = ctx;

	EXPECT(reg < ARRAY_SIZE(w->x));
	*v = w->x[reg];
	return reg_ok(w) ? 0 : -EIO;
}

static int set(void *ctx, unsigned reg, uint64_t v)
{
	struct world *w = ctx;

	EXPECT(reg < ARRAY_SIZE(w->x));
	if (!reg_ok(w))
		return -EIO;
	w->x[reg] = v;
	return 0;
}

static int get_simd(void *ctx, unsigned n, struct emulate_wide *v)
{
	struct world *w = ctx;

	EXPECT(n < ARRAY_SIZE(w->v));
	*v = w->v[n];
	return reg_ok(w) ? 0 : -EIO;
}

static int set_simd(void *ctx, unsigned n, struct emulate_wide v)
{
	struct world *w = ctx;

	EXPECT(n < ARRAY_SIZE(w->v));
	if (!reg_ok(w))
		return -EIO;
	w->v[n] = v;
	return 0;
}

/* Lists the call, and checks what is promised of every one. */
static enum emulate_status called(struct world *w, char what, uint64_t va, unsigned size)
{
	EXPECT(size >= 1 && size <= 16);
	EXPECT(va % 4096 + size <= 4096);
	if (w->memory == EMULATE_DEVICE)
		EXPECT(size <= 8 && va % size == 0 && what != 'c');
	EXPECT(w->calls < MAX_CALLS);
	w->call[w->calls++] = (struct call){ what, va, size };
	if (w->calls == w->abort_at)
		return w->host_fails ? EMULATE_FAILED : EMULATE_ABORT;
	return EMULATE_DONE;
}

static enum emulate_status mem_read(void *ctx, uint64_t va, void *data, unsigned size)
{
	struct world *w = ctx;
	enum emulate_status s = called(w, 'r', va, size);

	if (s == EMULATE_DONE)
		memcpy(data, w->mem + va % MEM, size);
	return s;
}

static enum emulate_status mem_write(void *ctx, uint64_t va, const void *data, unsigned size)
{
	struct world *w = ctx;
	enum emulate_status s = called(w, 'w', va, size);

	if (s == EMULATE_DONE)
		memcpy(w->mem + va % MEM, data, size);
	return s;
}

static enum emulate_status mem_cas(void *ctx, uint64_t va, unsigned size, void *expected,
				   const void *desired, bool *matched)
{
	struct world *w = ctx;
	enum emulate_status s = called(w, 'c', va, size);
	uint8_t *at = w->mem + va % MEM;

	EXPECT(va % 16 + size <= 16);
	if (s != EMULATE_DONE)
		return s;
	if (w->races) {
		w->races--;
		at[0]++;
	}
	*matched = memcmp(at, expected, size) == 0;
	if (*matched)
		memcpy(at, desired, size);
	else
		memcpy(expected, at, size);
	return s;
}

static const struct emulate_ops ops = {
	.get = get,
	.set = set,
	.get_simd = get_simd,
	.set_simd = set_simd,
	.read = mem_read,
	.write = mem_write,
	.cas = mem_cas,
};

static struct emulate_wide fresh_simd(unsigned n)
{
	return (struct emulate_wide){ 0xa0a1a2a3a4a5a6a7 + n, 0xb0b1b2b3b4b5b6b7 + n };
}

/* Registers have a pattern of their own each; x1 is AT, x2 is 16. */
static UNUSED struct world *fresh(void)
{
	struct world *w = &world;

	memset(w, 0, sizeof(*w));
	for (unsigned n = 0; n < 31; n++)
		w->x[n] = 0x1122334455667788 + 0x0101010101010101ULL * n;
	for (unsigned n = 0; n < 32; n++)
		w->v[n] = fresh_simd(n);
	w->x[1] = AT;
	w->x[2] = 16;
	w->x[EMULATE_SP] = 0x12000;
	w->x[EMULATE_PC] = PC;
	for (unsigned n = 0; n < MEM; n++)
		w->mem[n] = (uint8_t)n;
	w->cpu = (struct emulate_cpu){
		.ops = &ops, .ctx = w, .monitor = &w->monitor, .zva_bytes = 64
	};
	return w;
}

static UNUSED void set_mem(struct world *w, uint64_t va, uint64_t v, unsigned size, bool big)
{
	for (unsigned b = 0; b < size; b++)
		w->mem[(va + (big ? size - 1 - b : b)) % MEM] = (uint8_t)(v >> 8 * b);
}

static uint64_t get_mem(const struct world *w, uint64_t va, unsigned size, bool big)
{
	uint64_t v = 0;

	for (unsigned b = 0; b < size; b++)
		v |= (uint64_t)w->mem[(va + (big ? size - 1 - b : b)) % MEM] << 8 * b;
	return v;
}

/* A register of the SIMD&FP file with @size bytes of memory in it. */
static UNUSED struct emulate_wide get_wide(const struct world *w, uint64_t va, unsigned size,
					   bool big)
{
	struct emulate_wide v = { 0 };

	if (size < 16) {
		v.lo = get_mem(w, va, size, big);
	} else {
		v.lo = get_mem(w, big ? va + 8 : va, 8, big);
		v.hi = get_mem(w, big ? va : va + 8, 8, big);
	}
	return v;
}

static struct insn decode(uint32_t word)
{
	struct insn i;

	if (!insn_decode(word, &i))
		test_fail(__FILE__, __LINE__, "0x%08x does not decode", word);
	return i;
}

static enum emulate_status step(struct world *w, uint32_t word, enum emulate_memory memory)
{
	struct insn i = decode(word);

	w->calls = 0;
	w->regs = 0;
	w->memory = memory;
	return emulate(&w->cpu, &i, memory, &w->out);
}

/* For messages: which row of a table it was. */
#define ROW_EQ(row, got, want)                                                                     \
	do {                                                                                       \
		uint64_t got_ = (got), want_ = (want);                                             \
		if (got_ != want_)                                                                 \
			test_fail(__FILE__, __LINE__,                                              \
				  "%s: %s is 0x%" PRIx64 ", expected 0x%" PRIx64, row, #got, got_, \
				  want_);                                                          \
	} while (0)

/* A run that is to succeed. */
static UNUSED void step_done(struct world *w, const char *row, uint32_t word,
			     enum emulate_memory memory)
{
	ROW_EQ(row, step(w, word, memory), EMULATE_DONE);
	ROW_EQ(row, w->x[EMULATE_PC], PC + 4);
}

/* One instruction of A32, or with @cpsr of T32, as step(). */
static UNUSED enum emulate_status step32(struct world *w, uint32_t word, uint32_t cpsr,
					 enum emulate_memory memory)
{
	struct insn i;

	if (!insn32_decode(word, cpsr, &i))
		test_fail(__FILE__, __LINE__, "0x%08x does not decode", word);
	w->calls = 0;
	w->regs = 0;
	w->memory = memory;
	return emulate(&w->cpu, &i, memory, &w->out);
}

static UNUSED void done32(struct world *w, const char *row, uint32_t word, uint32_t cpsr,
			  enum emulate_memory memory)
{
	ROW_EQ(row, step32(w, word, cpsr, memory), EMULATE_DONE);
	ROW_EQ(row, w->x[EMULATE_PC],
	       (uint32_t)PC + (word >> 16 ? 4 : 2) + (cpsr & CPSR_T ? 1 : 0));
}

static UNUSED const enum emulate_memory kinds[] = { EMULATE_NORMAL, EMULATE_DEVICE };

static UNUSED void expect_call(const struct world *w, const char *row, unsigned n, char what,
			       uint64_t va, unsigned size)
{
	EXPECT(n < w->calls);
	ROW_EQ(row, (unsigned char)w->call[n].what, (unsigned char)what);
	ROW_EQ(row, w->call[n].va, va);
	ROW_EQ(row, w->call[n].size, size);
}

/* What 8 bytes at AT + @n hold: 0x1716151413121110 and so on. */
#define LE8(n) (0x0706050403020100 + 0x0101010101010101 * (0x10ULL + (n)))

#endif
