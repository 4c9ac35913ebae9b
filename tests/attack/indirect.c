/* SPDX-License-Identifier: Apache-2.0 */
/* IND: tables of descriptors that are not what they should be. */
#include "tests/attack/chain.h"
#include "tests/attack/table.h"

#define NEXT D_NEXT
#define IN   D_WRITE
#define IND  D_INDIRECT

/* A table of @arg bytes, all of its descriptors in one chain: longer than any device takes. */
static void long_table(struct dev *d, const struct attack *a)
{
	const unsigned n = (unsigned)a->arg / 16;
	struct ring *r = &d->ring[d->kind->ring];
	uint64_t table, buffer;

	dev_start(d, F_INDIRECT | a->arg2, CHAIN_SIZE);
	buffer = dev_pages(d, 4096);
	table = dev_pages(d, 16 * n);
	for (unsigned i = 0; i < n; i++)
		ring_desc_at(table + 16 * i, r->packed, buffer + i % 4096, 1,
			     r->packed || i + 1 == n ? 0 : NEXT, (uint16_t)(i + 1));
	ring_desc(r, 0, table, (uint32_t)a->arg, IND | (r->packed ? (unsigned)D_AVAIL : 0), 0);
	if (!r->packed)
		ring_avail_index(r, 1);
	ring_kick(r);
	if (ring_wait(r, &(uint32_t){ 0 }) != BROKEN)
		complain("the device took a chain longer than any queue");
}

/* Each of a ring's heads has the same table. */
static void shared_table(struct dev *d, const struct attack *a)
{
	struct ring *r = &d->ring[d->kind->ring];
	uint64_t table, buffer;

	(void)a;
	dev_start(d, F_INDIRECT, CHAIN_SIZE);
	buffer = dev_pages(d, 4096);
	table = dev_alloc(d, 16);
	ring_desc_at(table, false, buffer, 16, d->kind->id == ID_RNG ? IN : 0, 0);
	for (unsigned i = 0; i < CHAIN_SIZE; i++) {
		ring_desc(r, i, table, 16, IND, 0);
		ring_avail(r, i, (uint16_t)i);
	}
	ring_avail_index(r, CHAIN_SIZE);
	ring_kick(r);
	for (unsigned i = 0; i < CHAIN_SIZE && d->kind->any && !complained(); i++)
		if (ring_wait(r, &(uint32_t){ 0 }) != USED)
			complain("a table that others share was not used");
}

/* The table is written over by its own request: random numbers, where the device has them. */
static void table_is_buffer(struct dev *d, const struct attack *a)
{
	struct ring *r = &d->ring[d->kind->ring];
	uint64_t table;

	(void)a;
	dev_start(d, F_INDIRECT, CHAIN_SIZE);
	table = dev_pages(d, 4096);
	ring_desc_at(table, false, table, 64, IN | NEXT, 1);
	ring_desc_at(table + 16, false, table + 16, 16, IN, 0);
	ring_desc(r, 0, table, 32, IND, 0);
	ring_avail_index(r, 1);
	ring_kick(r);
	if (ring_wait(r, &(uint32_t){ 0 }) == LATE)
		complain("no answer");
}

static const struct attack rows[] = {
	/* clang-format off */
	CHAIN("table", BOTH, LEGAL, DESCRIPTORS({ TABLE, 0, 32, IND, 0 }),
	      IN_TABLE({ BUFFER, 0, 16, NEXT, 1 }, { BUFFER, 64, 16, IN, 0 })),
	CHAIN("table without the feature", BOTH, BREAKS, .without = F_INDIRECT,
	      DESCRIPTORS({ TABLE, 0, 16, IND, 0 }), IN_TABLE({ BUFFER, 0, 16, IN, 0 })),
	CHAIN("table in a table", SPLIT, BREAKS, DESCRIPTORS({ TABLE, 0, 16, IND, 0 }),
	      IN_TABLE({ TABLE, 64, 16, IND, 0 })),
	CHAIN("table that is in itself", SPLIT, BREAKS, DESCRIPTORS({ TABLE, 0, 16, IND, 0 }),
	      IN_TABLE({ TABLE, 0, 16, IND, 0 })),
	CHAIN("table and next", BOTH, BREAKS,
	      DESCRIPTORS({ TABLE, 0, 16, IND | NEXT, 1 }, { BUFFER, 0, 16, IN, 0 }),
	      IN_TABLE({ BUFFER, 0, 16, 0, 0 })),
	CHAIN("table behind a piece", SPLIT, LEGAL,
	      DESCRIPTORS({ BUFFER, 0, 16, NEXT, 1 }, { TABLE, 0, 16, IND, 0 }),
	      IN_TABLE({ BUFFER, 64, 16, IN, 0 })),
	CHAIN("packed table behind a piece", PACKED, BREAKS,
	      DESCRIPTORS({ BUFFER, 0, 16, NEXT, 0 }, { TABLE, 0, 16, IND, 0 }),
	      IN_TABLE({ BUFFER, 64, 16, IN, 0 })),
	CHAIN("two tables in a chain", SPLIT, BREAKS,
	      DESCRIPTORS({ TABLE, 0, 16, IND | NEXT, 1 }, { TABLE, 16, 16, IND, 0 }),
	      IN_TABLE({ BUFFER, 0, 16, 0, 0 }, { BUFFER, 64, 16, IN, 0 })),
	CHAIN("table of 0 bytes", BOTH, BREAKS, DESCRIPTORS({ TABLE, 0, 0, IND, 0 }),
	      IN_TABLE({ BUFFER, 0, 16, IN, 0 })),
	CHAIN("table of 8 bytes", BOTH, BREAKS, DESCRIPTORS({ TABLE, 0, 8, IND, 0 }),
	      IN_TABLE({ BUFFER, 0, 16, IN, 0 })),
	CHAIN("table of 15 bytes", BOTH, BREAKS, DESCRIPTORS({ TABLE, 0, 15, IND, 0 }),
	      IN_TABLE({ BUFFER, 0, 16, IN, 0 })),
	CHAIN("table of 40 bytes", BOTH, BREAKS, DESCRIPTORS({ TABLE, 0, 40, IND, 0 }),
	      IN_TABLE({ BUFFER, 0, 16, NEXT, 1 }, { BUFFER, 64, 16, IN, 0 })),
	CHAIN("table of 2^31 bytes", BOTH, BREAKS, DESCRIPTORS({ TABLE, 0, 1U << 31, IND, 0 }),
	      IN_TABLE({ BUFFER, 0, 16, IN, 0 })),
	CHAIN("table of 2^32 - 16 bytes", BOTH, BREAKS,
	      DESCRIPTORS({ TABLE, 0, 0xfffffff0, IND, 0 }), IN_TABLE({ BUFFER, 0, 16, IN, 0 })),
	CHAIN("table at an odd address", BOTH, LEGAL, DESCRIPTORS({ TABLE, 0, 16, IND, 0 }),
	      IN_TABLE({ BUFFER, 1, 15, IN, 0 })),
	CHAIN("table nowhere", BOTH, BREAKS, DESCRIPTORS({ ABSOLUTE, 0x1000, 16, IND, 0 })),
	CHAIN("table in registers", BOTH, BREAKS, DESCRIPTORS({ REGISTERS, 0x100, 16, IND, 0 })),
	CHAIN("table across the end of RAM", BOTH, BREAKS,
	      DESCRIPTORS({ RAM_END, -16ULL, 32, IND, 0 })),
	CHAIN("table across the beginning of RAM", BOTH, BREAKS,
	      DESCRIPTORS({ RAM, -16ULL, 32, IND, 0 })),
	CHAIN("table wraps", BOTH, BREAKS, DESCRIPTORS({ ABSOLUTE, -16ULL, 32, IND, 0 })),
	CHAIN("table in the ring itself", SPLIT, BREAKS, DESCRIPTORS({ DESC, 0, 128, IND, 0 })),
	CHAIN("loop in a table", SPLIT, BREAKS, DESCRIPTORS({ TABLE, 0, 32, IND, 0 }),
	      IN_TABLE({ BUFFER, 0, 16, NEXT, 1 }, { BUFFER, 0, 16, NEXT, 0 })),
	CHAIN("loop of one in a table", SPLIT, BREAKS, DESCRIPTORS({ TABLE, 0, 32, IND, 0 }),
	      IN_TABLE({ BUFFER, 0, 16, NEXT, 0 }, { BUFFER, 0, 16, 0, 0 })),
	CHAIN("next behind the table", SPLIT, BREAKS, DESCRIPTORS({ TABLE, 0, 32, IND, 0 }),
	      IN_TABLE({ BUFFER, 0, 16, NEXT, 1 }, { BUFFER, 0, 16, NEXT, 2 },
		       { BUFFER, 0, 16, 0, 0 })),
	CHAIN("next in a table is 65535", SPLIT, BREAKS, DESCRIPTORS({ TABLE, 0, 16, IND, 0 }),
	      IN_TABLE({ BUFFER, 0, 16, NEXT, 0xffff })),
	CHAIN("unused entries of a table are junk", SPLIT, LEGAL,
	      DESCRIPTORS({ TABLE, 0, 48, IND, 0 }),
	      IN_TABLE({ BUFFER, 0, 16, NEXT, 2 }, { ABSOLUTE, 0, 0xffffffff, IND, 0 },
		       { BUFFER, 64, 16, IN, 0 })),
	CHAIN("flags of a packed table count for nothing", PACKED, LEGAL,
	      DESCRIPTORS({ TABLE, 0, 32, IND, 0 }),
	      IN_TABLE({ BUFFER, 0, 16, IND | NEXT, 0 }, { BUFFER, 64, 16, IN | IND, 0 })),
	CHAIN("writable table", BOTH, LEGAL, DESCRIPTORS({ TABLE, 0, 32, IND | IN, 0 }),
	      IN_TABLE({ BUFFER, 0, 16, NEXT, 1 }, { BUFFER, 64, 16, IN, 0 })),
	CHAIN("readable behind writable in a table", BOTH, BREAKS,
	      DESCRIPTORS({ TABLE, 0, 32, IND, 0 }),
	      IN_TABLE({ BUFFER, 0, 16, IN | NEXT, 1 }, { BUFFER, 0, 16, 0, 0 })),
	CHAIN("readable in a table behind writable before it", SPLIT, BREAKS,
	      DESCRIPTORS({ BUFFER, 0, 16, IN | NEXT, 1 }, { TABLE, 0, 16, IND, 0 }),
	      IN_TABLE({ BUFFER, 64, 16, 0, 0 })),
	CHAIN("hole in a table", BOTH, BREAKS, DESCRIPTORS({ TABLE, 0, 32, IND, 0 }),
	      IN_TABLE({ BUFFER, 0, 16, NEXT, 1 }, { ABSOLUTE, 0x1000, 16, IN, 0 })),
	CHAIN("length 2^32 - 1 in a table", BOTH, BREAKS, DESCRIPTORS({ TABLE, 0, 16, IND, 0 }),
	      IN_TABLE({ BUFFER, 0, 0xffffffff, IN, 0 })),
	CHAIN("nothing in a table", BOTH, LEGAL, DESCRIPTORS({ TABLE, 0, 32, IND, 0 }),
	      IN_TABLE({ ABSOLUTE, 0, 0, NEXT, 1 }, { ABSOLUTE, 0, 0, IN, 0 })),
	/* clang-format on */
	{ .name = "chain of 1,025 in a table", .run = long_table, .arg = 16 * 1025 },
	{ .name = "chain of 32,768 in a table", .run = long_table, .arg = 16 * 32768 },
	{ .name = "packed table of 1,025", .run = long_table, .arg = 16 * 1025, .arg2 = F_PACKED },
	{ .name = "one table for all", .run = shared_table },
	{ .name = "table is its own buffer", .run = table_is_buffer },
};

const struct group group_indirect = GROUP("indirect", rows, .on = ON_EACH, .run = chain_run);
