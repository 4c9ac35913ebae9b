/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stage 1 tables, 4 KiB granule, 48 bits. One top table serves both halves: VA = IPA in the lower,
 * where RAM is Normal memory and all else Device; and the windows.
 */
#include "faults.h"

#define TABLE __attribute__((aligned(4096)))

enum { ENTRIES = 512, WINDOW_FIRST = 8, STUBS_FIRST = STUBS_AT / PAGE };

#define MAIR                                                                                       \
	0x4404ff04ULL /* Device-nGnRE, Normal write-back, Normal non-cacheable; see attribute() */

#define TCR_COMMON                                                                                 \
	(16ULL | 1ULL << 8 | 1ULL << 10 | 3ULL << 12 /* lower: 48 bits, write-back, 4 KiB */       \
	 | 16ULL << 16 | 1ULL << 24 | 1ULL << 26 | 3ULL << 28 | 2ULL << 30 /* upper */)

/* RES1 bits; UCI, DZE and UCT so that EL0 may do what EL1 does; SP need not be aligned */
#define SCTLR_COMMON 0x34d0d800ULL
#define SCTLR_ON     (1ULL | 1ULL << 2 | 1ULL << 12)

extern char stubs[], stubs_end[];

static uint64_t top[ENTRIES] TABLE, low[ENTRIES] TABLE, ram[ENTRIES] TABLE;
static uint64_t high[ENTRIES] TABLE, middle[ENTRIES] TABLE, windows[ENTRIES] TABLE;
static uint64_t spare[8][ENTRIES] TABLE;
uint8_t buffer[PAGE] TABLE;
static uint64_t window_ipa;
static bool is_on;

static uint64_t attribute(enum memory m)
{
	return PTE_INDEX(m) | (m == DEVICE ? 0 : PTE_INNER) | PTE_AF;
}

static uint64_t table(const uint64_t *t)
{
	return (uint64_t)t | PTE_TABLE;
}

void tables_changed(void)
{
	__asm__ volatile("dsb ish\n\ttlbi vmalle1\n\tdsb ish\n\tisb" : : : "memory");
}

static void fill(void)
{
	const uint64_t stub_pages = (uint64_t)(stubs_end - stubs) / PAGE;

	top[0] = table(low);
	low[0] = attribute(DEVICE) | PTE_BLOCK;
	low[1] = table(ram);
	for (uint64_t i = 2; i < ENTRIES; i++)
		low[i] = i << 30 | attribute(DEVICE) | PTE_BLOCK;
	for (uint64_t i = 0; i < ENTRIES; i++) {
		uint64_t at = RAM + (i << 21);

		ram[i] = at | attribute(at < RAM_END ? NORMAL : DEVICE) | PTE_BLOCK;
	}
	*top_entry(WINDOW0) = table(high);
	*top_entry(WINDOW1) = table(high);
	high[0] = table(middle);
	middle[0] = table(windows);
	for (uint64_t i = 0; i < stub_pages; i++)
		windows[STUBS_FIRST + i] = ((uint64_t)stubs + i * PAGE) | attribute(NORMAL) |
					   PTE_EL0 | PTE_RO | PTE_PAGE;
	windows[BUFFER_AT / PAGE] = (uint64_t)buffer | attribute(NORMAL) | PTE_EL0 | PTE_PAGE;
}

void mmu_on(void)
{
	uint64_t size = field(id_register(id_aa64mmfr0_el1), 0);

	fill();
	set_register(mair_el1, MAIR);
	set_register(tcr_el1, TCR_COMMON | (size > 5 ? 5 : size) << 32);
	set_register(ttbr0_el1, top);
	set_register(ttbr1_el1, top);
	tables_changed();
	set_register(sctlr_el1, SCTLR_COMMON | SCTLR_ON);
	is_on = true;
}

bool mmu_is_on(void)
{
	return is_on;
}

void window(uint64_t ipa, enum memory memory, bool code)
{
	const uint64_t rights = PTE_EL0 | (code ? PTE_RO : 0);

	window_ipa = (ipa & ~(uint64_t)(PAGE - 1)) - WINDOW_FIRST * PAGE;
	for (uint64_t i = 0; i < WINDOW_PAGES; i++)
		windows[i] = ((window_ipa + i * PAGE) & 0xfffffffff000) | attribute(memory) |
			     rights | PTE_PAGE;
	tables_changed();
}

void window_of_code(uint64_t va, uint64_t at, const void *code)
{
	low[va >> 30] = table(middle);
	windows[at / PAGE] = (uint64_t)code | attribute(NORMAL) | PTE_EL0 | PTE_RO | PTE_PAGE;
	tables_changed();
}

uint64_t va_of(const struct state *s, uint64_t ipa)
{
	if (s->view == OFF || s->view == IDENTITY)
		return ipa;
	return (s->view == LOW ? WINDOW0 : WINDOW1) + (ipa - window_ipa);
}

uint64_t *top_entry(uint64_t va)
{
	return &top[va >> 39 & (ENTRIES - 1)];
}

uint64_t *spare_table(unsigned n)
{
	return spare[n];
}
