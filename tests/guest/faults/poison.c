/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's memory fails under the guest's. The guest says which pages of its RAM are to fail,
 * "poison ADDRESS...", and waits for a byte on the UART; each then is as if it had a memory error
 * of its own, and all others are as before.
 */
#include "faults.h"

#define FSC_EXTERNAL	  0x10
#define FSC_EXTERNAL_WALK 0x14 /* and the level */

#define AT_1   0xffffc00000000000 /* of a table of level 1 */
#define INSIDE 0x40

#define UART_FR	   (UART + 0x18)
#define UART_CR	   (UART + 0x30)
#define UART_EMPTY (1U << 4)

#define PTE_VALID_PAGE (PTE_INDEX(NORMAL) | PTE_INNER | PTE_AF | PTE_PAGE)

struct pages {
	uint8_t before[PAGE], data[PAGE], after[PAGE], code[PAGE], table[PAGE];
};

static struct pages pages __attribute__((aligned(4096)));

/* In what vmm loads at a reset; and where a guest can see that it was reset. */
uint8_t of_image[PAGE] __attribute__((aligned(4096))) = { [0 ... PAGE - 1] = 0x1d };
#define OF_NOBODY 0x43000000
#define BEEN_HERE 0x43001000

static const struct state states[] = {
	{ "Normal by TTBR1, EL1h", HIGH, NORMAL, EL1H },
	{ "Normal by TTBR0, EL0", LOW, NORMAL, EL0T },
	{ 0 },
};

static void let_fail(const uint64_t *at, unsigned nr)
{
	say("poison");
	for (unsigned i = 0; i < nr; i++) {
		say(" ");
		say_hex(at[i]);
	}
	say("\n");
	write32(UART_CR, 0x301);
	while (read32(UART_FR) & UART_EMPTY)
		;
	(void)read32(UART);
}

static void fill(uint8_t *page, uint8_t with)
{
	for (unsigned i = 0; i < PAGE; i++)
		page[i] = with;
}

static void access(const struct row *r, const struct state *s, const char *where, uint64_t ipa,
		   uint64_t far)
{
	struct cpu in, out;

	begin_row(r, where, s->name);
	perform(r, s, va_of(s, ipa), &in, &out);
	want_abort(r, s, &in, &out, FSC_EXTERNAL, va_of(s, far));
	faults_expected++;
	end();
}

/* By the rows that have all of @flags. */
static void data(const struct state *s, uint64_t at, uint32_t flags)
{
	window(at, s->memory, false);
	for (const struct row *r = rows; r < rows_end; r++)
		if (possible(r, s) && (r->flags & flags) == flags && r->kind != HINT &&
		    !(r->flags & (STORE_EX | PC_BASE)))
			access(r, s, "page that failed", at + INSIDE, at + INSIDE);
	access(row_named("ldr x2,[x1,16]"), s, "begins in a good page", at - 4, at);
	access(row_named("str w2,[x1,8]"), s, "begins in a good page", at - 2, at);
}

static void fetch(const struct state *s)
{
	struct cpu in, out;

	window((uint64_t)pages.code, NORMAL, true);
	begin("eret to", "page that failed", s->name);
	prepare(&in, s, va_of(s, (uint64_t)pages.code + INSIDE));
	go(&in, &out);
	want_fetch_abort(s, &in, &out, FSC_EXTERNAL, in.pc);
	faults_expected++;
	end();
}

static void walk(const struct state *s)
{
	const struct row *r = row_named("ldr x2,[x1,16]");
	struct cpu in, out;

	begin(r->name, "table of level 3 that failed", s->name);
	perform(r, s, AT_1 + INSIDE, &in, &out);
	want_abort(r, s, &in, &out, FSC_EXTERNAL_WALK + 3, AT_1 + INSIDE);
	faults_expected++;
	end();
}

static void want_page(const char *what, const uint8_t *page, uint8_t with)
{
	begin(what, NULL, NULL);
	for (unsigned i = 0; i < PAGE; i++)
		if (page[i] != with)
			want(what, page[i], with);
	end();
}

void cases_poison(void)
{
	const uint64_t at[] = { (uint64_t)pages.data, (uint64_t)pages.code, (uint64_t)pages.table };
	uint64_t *t1 = spare_table(0), *t2 = spare_table(1);

	fill(pages.before, 0x11);
	fill(pages.data, 0x22);
	fill(pages.after, 0x33);
	fill(pages.code, 0x44);
	*(uint64_t *)pages.table = (uint64_t)pages.after | PTE_VALID_PAGE;
	*top_entry(AT_1) = (uint64_t)t1 | PTE_TABLE;
	t1[0] = (uint64_t)t2 | PTE_TABLE;
	t2[0] = (uint64_t)pages.table | PTE_TABLE;
	tables_changed();
	let_fail(at, 3);
	for (const struct state *s = states; s->name; s++) {
		data(s, (uint64_t)pages.data, 0);
		fetch(s);
	}
	end_rows("page that failed");
	walk(&states[0]);
	want_page("page behind one that failed", pages.after, 0x33);
	/* But for what the stores that went over its end may have left there. */
	want("byte before a page that failed", pages.before[PAGE - 8], 0x11);
}

/*
 * The host forbids all access to a page: nobody says which one it was. It is not the kernel's,
 * where vmm looks for symbols.
 */
void cases_denied(void)
{
	const uint64_t at = OF_NOBODY;

	fill((uint8_t *)at, 0x22);
	let_fail(&at, 1);
	for (const struct state *s = states; s->name; s++)
		data(s, at, CORE);
	end_rows("page that the host does not give");
}

/*
 * A reset writes kernel and device tree anew, and finds that their pages failed; so did one that
 * the guest touched. Afterwards the guest has memory there again.
 */
void cases_poison_reset(const char *tree)
{
	const uint64_t at[] = { (uint64_t)of_image, (uint64_t)tree & ~(uint64_t)(PAGE - 1),
				OF_NOBODY };
	volatile uint32_t *been_here = (uint32_t *)BEEN_HERE;
	const struct state *s = &states[0];

	if (*been_here != 0x600d) {
		*been_here = 0x600d;
		fill((uint8_t *)OF_NOBODY, 0x55);
		let_fail(at, 3);
		mmu_on();
		window(OF_NOBODY, NORMAL, false);
		access(row_named("ldr x2,[x1,16]"), s, "page that failed", OF_NOBODY, OF_NOBODY);
		__asm__ volatile("ldr x0, =0x84000009\n\thvc #0" : : : "x0"); /* SYSTEM_RESET */
	}
	want_page("page of the kernel after a reset", of_image, 0x1d);
	want_page("page that failed after a reset", (uint8_t *)OF_NOBODY, 0);
}
