/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attack: what a hostile driver does to a device, one row of a table each, in groups.
 *
 * A row is run on each device of its kinds. Around it the runner does the same for all: afterwards
 * the device is reset, must then carry out a good request as if nothing had been, another disk must
 * still have its data, and memory beside the device's must be as it was. Nothing may take longer
 * than LATE_MS. A row complains (driver.h) of what it alone can know.
 *
 * To add a group: a file here with its rows and a struct group, and its line in groups[] in
 * table.c. Both back ends then run it: tests/unit/test_attack.c and tests/system/attack.sh have a
 * test for each group, by name, and fail when one is missing.
 */
#ifndef TESTS_ATTACK_ATTACK_H
#define TESTS_ATTACK_ATTACK_H

#include "tests/attack/driver.h"

#define LATE_MS 2000

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* Kinds of devices, or-ed: the bit of a device type's number. */
#define ON(id) (UINT64_C(1) << (id))

enum {
	ID_NET = 1,
	ID_BLOCK = 2,
	ID_CONSOLE = 3,
	ID_RNG = 4,
	ID_BALLOON = 5,
	ID_VSOCK = 19,
	ID_MACHINE = 63, /* no device: rows that are run once, with @d as good as empty */
};

#define ON_EACH (ON(ID_BLOCK) | ON(ID_CONSOLE) | ON(ID_RNG))

/* What a row needs of the machine; without it, the row is skipped and says so. */
enum { NEEDS_CPU = 1, NEEDS_ROM = 2, NEEDS_UART = 4 };

struct attack {
	const char *name;
	/* @d is reset, with its features in @d->offered; NULL: the group's. */
	void (*run)(struct dev *d, const struct attack *a);
	uint64_t arg, arg2; /* @run's */
	const void *data;   /* likewise */
	uint64_t on;	    /* 0: the group's */
	uint64_t offers;    /* only devices that offer all of these features */
	unsigned needs;
};

struct group {
	const char *name;
	const struct attack *attack;
	unsigned nr;
	uint64_t on;
	void (*run)(struct dev *d, const struct attack *a);
	unsigned needs;
};

/* @needs: of all its rows. */
#define GROUP(id, rows, ...)                                                                       \
	{                                                                                          \
		.name = (id), .attack = (rows), .nr = LENGTH(rows), __VA_ARGS__                    \
	}

extern const struct group *const groups[]; /* ended by NULL */

/* Finds the devices of hal.slot[] and starts them; false, with a line that says why, if it cannot.
 */
bool attack_begin(void);

struct score {
	unsigned passed, failed, skipped; /* rows; a row passes when it does on each device */
	unsigned rows, runs;		  /* all of them, and on how many devices together */
	uint64_t slowest_us;
};

/*
 * Runs a group, or the one row called @only; a line each, "ok GROUP.NAME", "skip ...", or one
 * "not ok GROUP.NAME on DEVICE: WHY" for each device. @after, when there is one, is called after
 * each and may complain, too.
 */
void attack_group(const struct group *g, const char *only, void (*after)(void), struct score *s);

/* "N passed, N failed" of it; and fails it when a row was not run. */
void attack_sum(const struct score *s, unsigned wanted_rows);

/* The @n-th of the devices that are attacked, counted round. */
struct dev *attack_victim(unsigned n);

/* What has to be so after an attack on @d: it is started anew and works. Complains. */
void attack_check(struct dev *d);

/* " on DEVICE: WHY" and a new line. */
void attack_say_complaint(const struct dev *d);

/* A small request that is answered, in descriptors @i and the next of a split ring. kinds.c */
void any_request(struct ring *r, unsigned i);

/* A disk's first sectors get a content of their own; whether the next @n of them have it. kinds.c
 */
enum { DISK_KNOWN = 16 };
void disk_fill(struct dev *d);
void disk_expect(struct dev *d, unsigned n);

/* All of them, in one request; complains unless they have it. */
void disk_expect_all(struct dev *d);

bool same_text(const char *a, const char *b);

#endif
