/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chains of descriptors as tables, for attacks that are nothing but what lies in a ring: where each
 * points is said by what is there, since addresses differ between machines.
 */
#ifndef TESTS_ATTACK_CHAIN_H
#define TESTS_ATTACK_CHAIN_H

#include "tests/attack/attack.h"

enum { CHAIN_SIZE = 8, CHAIN_MAX = 8 };

/* What entry.at is counted from. */
enum where {
	ABSOLUTE,
	BUFFER, /* 16 KiB of the device's memory */
	TABLE,	/* where chain.table is laid out */
	RAM,
	RAM_END, /* what follows the last byte */
	DESC,	 /* the ring's own areas */
	DRIVER,
	DEVICE,
	REGISTERS, /* the device's */
	OTHERS,	   /* another device's registers */
	SERIAL,	   /* the UART's registers */
	ROM,
};

/* @link: split: the next one; packed: the buffer id. */
struct entry {
	enum where where;
	uint64_t at;
	uint32_t len;
	unsigned flags;
	uint16_t link;
};

enum format { SPLIT = 1, PACKED = 2, BOTH = 3 };

/* What has to become of it. */
enum verdict {
	BREAKS,	 /* the device needs a reset, and has used no buffer */
	LEGAL,	 /* odd but legal: the request is answered, by devices that answer all */
	SURVIVES /* neither is sure; no more than what is for all attacks */
};

struct chain {
	enum format formats;
	enum verdict verdict;
	uint64_t without; /* features that are not negotiated, of those that all attacks use */
	/* Split: the available ring's index is 1 and so much; heads are so much and on. */
	uint16_t ahead, head;
	unsigned n, table_n;
	struct entry desc[CHAIN_MAX], table[CHAIN_MAX];
};

#define DESCRIPTORS(...)                                                                           \
	.n = LENGTH(((const struct entry[]){ __VA_ARGS__ })), .desc = { __VA_ARGS__ }
#define IN_TABLE(...)                                                                              \
	.table_n = LENGTH(((const struct entry[]){ __VA_ARGS__ })), .table = { __VA_ARGS__ }

/* A row for chain_run(): name, formats, verdict, and members of struct chain. */
#define CHAIN(id, in, what, ...)                                                                   \
	{                                                                                          \
		.name = (id), .data = &(const struct chain)                                        \
		{                                                                                  \
			.formats = (in), .verdict = (what), __VA_ARGS__                            \
		}                                                                                  \
	}

void chain_run(struct dev *d, const struct attack *a);

#endif
