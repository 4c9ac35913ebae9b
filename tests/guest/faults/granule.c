/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Translation by granules of 4, 16 and 64 KiB and by tables of another depth: the upper half has
 * tables of its own for each, the lower one goes on as it is. Beside what the guest sees, each case
 * says which descriptors vmm's report has to name.
 */
#include "faults.h"

#define FSC_EXTERNAL	  0x10
#define FSC_EXTERNAL_WALK 0x14 /* and the level */
#define MAX_GRANULE	  0x10000
#define HOLE		  0x0a000000

struct granule {
	const char *name;
	unsigned shift, bits; /* of a page; of the upper half's addresses */
	unsigned tg1;
	bool (*there)(void);
};

static bool has_4k(void)
{
	return field(id_register(id_aa64mmfr0_el1), 28) != 0xf;
}

static bool has_16k(void)
{
	return field(id_register(id_aa64mmfr0_el1), 20) != 0;
}

static bool has_64k(void)
{
	return field(id_register(id_aa64mmfr0_el1), 24) != 0xf;
}

static const struct granule granules[] = {
	{ "4K, 39 bits", 12, 39, 2, has_4k },	{ "16K, 48 bits", 14, 48, 1, has_16k },
	{ "16K, 47 bits", 14, 47, 1, has_16k }, { "16K, 36 bits", 14, 36, 1, has_16k },
	{ "64K, 48 bits", 16, 48, 3, has_64k }, { "64K, 42 bits", 16, 42, 3, has_64k },
};

static const struct state el1 = { "EL1h", HIGH, NORMAL, EL1H };

static uint64_t tables[4][MAX_GRANULE / 8] __attribute__((aligned(MAX_GRANULE)));

static unsigned shift_of(const struct granule *g, unsigned level)
{
	return g->shift + (3 - level) * (g->shift - 3);
}

static unsigned first_level(const struct granule *g)
{
	return 3 - (g->bits - 1 - g->shift) / (g->shift - 3);
}

/* Where a table of @level has the descriptor that is walked by; another one in each. */
static unsigned index_of(unsigned level)
{
	return level == 0 ? 1 : level + 1;
}

/*
 * Tables down to @last, whose descriptor is @leaf: its address, the start of what it stands for,
 * and on the way what the report has to say.
 */
static uint64_t map(const struct granule *g, unsigned last, uint64_t leaf)
{
	uint64_t va = ~0ULL << g->bits;

	for (unsigned level = first_level(g); level <= last; level++) {
		uint64_t *at = &tables[level][index_of(level)];

		*at = level == last ? leaf : (uint64_t)tables[level + 1] | PTE_TABLE;
		va |= (uint64_t)index_of(level) << shift_of(g, level);
	}
	tables_changed();
	return va;
}

static void say_walk(const struct granule *g, unsigned last)
{
	say(" walk=");
	for (unsigned level = first_level(g); level <= last; level++) {
		say_number(level);
		say(":");
		say_hex((uint64_t)&tables[level][index_of(level)]);
		say("=");
		say_hex(tables[level][index_of(level)]);
		say(",");
	}
}

static void say_want(uint64_t pc, uint64_t ipa, uint64_t va, const char *access, const char *cause)
{
	say("want pc=");
	say_hex(pc);
	say(" ipa=");
	say_hex(ipa);
	say(" va=");
	say_hex(va);
	say(" access=");
	say(access);
	say(" cause=");
	say(cause);
}

/* @insn on @ipa, which a page or a block of @level maps. */
static void data(const struct granule *g, const char *insn, unsigned level, uint64_t ipa,
		 const char *access, const char *cause)
{
	const uint64_t size = 1ULL << shift_of(g, level);
	const struct row *r = row_named(insn);
	const uint64_t leaf = (ipa & ~(size - 1)) | PTE_INDEX(DEVICE) | PTE_AF |
			      (level == 3 ? PTE_PAGE : PTE_BLOCK);
	const uint64_t va = map(g, level, leaf) + (ipa & (size - 1));
	struct cpu in, out;

	say_want(r->code, ipa, va, access, cause);
	say_walk(g, level);
	say("\n");
	begin(r->name, g->name, level == 3 ? "by a page" : "by a block");
	perform(r, &el1, va, &in, &out);
	want_abort(r, &el1, &in, &out, FSC_EXTERNAL, va);
	faults_expected++;
	end();
}

/* The table of @level is at @hole. */
static void walk(const struct granule *g, const char *insn, unsigned level, uint64_t hole)
{
	const struct row *r = row_named(insn);
	const uint64_t at = hole + 8 * index_of(level), inside = 0x123440;
	uint64_t va = map(g, level - 1, hole | PTE_TABLE);
	struct cpu in, out;

	va += ((uint64_t)index_of(level) << shift_of(g, level)) +
	      (inside & ((1ULL << shift_of(g, level)) - 1));
	say_want(r->code, at, va, r->kind == READ ? "read" : "write", "nothing-there");
	say_walk(g, level - 1);
	say_number(level);
	say(":");
	say_hex(at);
	say(",\n");
	begin(r->name, g->name, "a table in a hole");
	perform(r, &el1, va, &in, &out);
	want_abort(r, &el1, &in, &out, FSC_EXTERNAL_WALK + level, va);
	faults_expected++;
	end();
}

/* What vmm carries out needs the right address too. */
static void device(const struct granule *g)
{
	const uint64_t ipa = UART + 0xfe0, page = ipa & ~((1ULL << g->shift) - 1);
	const uint64_t leaf = page | PTE_INDEX(DEVICE) | PTE_AF | PTE_PAGE;
	const uint64_t va = map(g, 3, leaf) + (ipa - page);
	const struct row *r = row_named("ldp w2,w3,[x1],-8");
	struct cpu in, out;

	begin(r->name, g->name, "on pl011");
	perform(r, &el1, va, &in, &out);
	want_done(r, &in, &out);
	want("w2", out.x[2], read32(ipa));
	want("w3", out.x[3], read32(ipa + 4));
	end();
}

static void fetch(const struct granule *g, uint64_t ipa)
{
	const uint64_t page = ipa & ~((1ULL << g->shift) - 1);
	const uint64_t leaf = page | PTE_INDEX(NORMAL) | PTE_INNER | PTE_AF | PTE_PAGE;
	const uint64_t va = map(g, 3, leaf) + (ipa - page);
	struct cpu in, out;

	say_want(va, ipa, va, "fetch", "nothing-there");
	say_walk(g, 3);
	say("\n");
	begin("eret", g->name, "a hole");
	prepare(&in, &el1, va);
	go(&in, &out);
	want_fetch_abort(&el1, &in, &out, FSC_EXTERNAL, va);
	faults_expected++;
	end();
}

static void all(const struct granule *g, uint64_t n)
{
	/* A page of its own for each, since a report is for a PC and a page. */
	const uint64_t hole = HOLE + n * 0x2000;

	data(g, "ldr x2,[x1,16]", 3, hole + 0x40, "read", "nothing-there");
	data(g, "stp x2,x3,[x1],-16", 3, hole + 0x40, "write", "nothing-there");
	data(g, "ldr w2,[x1,8]", 2, hole + 0x1040, "read", "nothing-there");
	data(g, "stp w2,w3,[x1],8", 2, ROM + n * 0x1000 + 0x80, "write", "read-only");
	for (unsigned level = first_level(g) + 1; level <= 3; level++)
		walk(g, level % 2 ? "ldrsb x2,[x1,1]" : "strh w2,[x1,6]", level,
		     0x10000000 + n * 0x100000 + level * MAX_GRANULE);
	fetch(g, hole + 0x100);
	device(g);
}

void cases_granules(void)
{
	const uint64_t tcr = id_register(tcr_el1), ttbr1 = id_register(ttbr1_el1);

	for (unsigned n = 0; n < sizeof(granules) / sizeof(granules[0]); n++) {
		const struct granule *g = &granules[n];

		if (!g->there()) {
			skip(g->name, "this CPU does not have it");
			continue;
		}
		set_register(tcr_el1, (tcr & ~(0x3fULL << 16 | 3ULL << 30)) |
					      (uint64_t)(64 - g->bits) << 16 |
					      (uint64_t)g->tg1 << 30);
		set_register(ttbr1_el1, tables[first_level(g)]);
		tables_changed();
		all(g, n);
	}
	set_register(tcr_el1, tcr);
	set_register(ttbr1_el1, ttbr1);
	tables_changed();
}
