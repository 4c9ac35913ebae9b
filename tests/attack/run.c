/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/attack/attack.h"

/* Between the memories of devices: nobody may write there. */
enum { GUARD = 4096, GUARD_BYTE = 0x6b, TRIES = 3, SLOW_US = 500000 };

static struct dev devs[HAL_SLOTS], machine;
static struct dev *witness; /* a disk that nobody attacks */
static unsigned nr_devs;

static const char *complaint;
static uint64_t got, wanted;
static bool has_numbers;

void complain(const char *why)
{
	if (!complaint)
		complaint = why;
}

void complain_of(const char *what, uint64_t is, uint64_t should)
{
	if (complaint)
		return;
	complaint = what;
	got = is;
	wanted = should;
	has_numbers = true;
}

bool complained(void)
{
	return complaint;
}

static void forget_complaint(void)
{
	complaint = NULL;
	has_numbers = false;
}

bool same_text(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

/* --- the devices --- */

static bool add_device(uint64_t base, uint64_t memory)
{
	struct dev *d = &devs[nr_devs];

	*d = (struct dev){ .base = base, .memory = memory };
	if (dev_read(d, R_MAGIC) != 0x74726976 || dev_read(d, R_VERSION) != 2)
		return false;
	d->kind = kind_of(dev_read(d, R_DEVICE_ID));
	if (!d->kind)
		return true; /* not one that we know */
	for (unsigned i = 0; i < DEV_RINGS; i++) {
		dev_write(d, R_QUEUE_SEL, i);
		if (dev_read(d, R_QUEUE_NUM_MAX))
			d->nr_rings = i + 1;
	}
	d->offered = dev_features(d);
	nr_devs++;
	return true;
}

static void start(struct dev *d)
{
	static unsigned disks;

	dev_start_well(d);
	if (d->kind->id == ID_BLOCK) {
		d->disk = disks++;
		witness = d; /* the last one is */
		disk_fill(d);
	}
	d->kind->good(d);
}

bool attack_begin(void)
{
	uint64_t at = hal.free + GUARD;

	machine = (struct dev){ .kind = kind_of(ID_MACHINE) };
	for (unsigned i = 0; i < hal.nr_slots; i++) {
		if (at + DEV_MEMORY + GUARD > hal.free + hal.free_size)
			complain("not memory enough for all devices");
		else if (!add_device(hal.slot[i], at))
			complain("a slot without a virtio device");
		mem_fill(at - GUARD, GUARD_BYTE, GUARD);
		mem_fill(at, 0, DEV_MEMORY);
		at += DEV_MEMORY + GUARD;
	}
	mem_fill(at - GUARD, GUARD_BYTE, GUARD);
	for (unsigned i = 0; i < nr_devs && !complained(); i++)
		start(&devs[i]);
	if (!witness || witness->disk == 0)
		complain("there are not two disks");
	if (!complaint)
		return true;
	hal_say("not ok: ");
	hal_say(complaint);
	hal_say("\n");
	return false;
}

static void expect_guards(void)
{
	const uint64_t should = GUARD_BYTE * UINT64_C(0x0101010101010101);
	uint64_t at = hal.free;

	for (unsigned i = 0; i <= hal.nr_slots; i++, at += DEV_MEMORY)
		for (const uint64_t end = at + GUARD; at < end; at += 8)
			if (hal_get64(at) != should) {
				complain_of("memory beside a device's was written at", at, 0);
				return;
			}
}

/* --- attacks --- */

static void say_row(const char *verdict, const struct group *g, const struct attack *a)
{
	hal_say(verdict);
	hal_say(g->name);
	hal_say(".");
	hal_say(a->name);
}

void attack_say_complaint(const struct dev *d)
{
	hal_say(" on ");
	hal_say(d->kind->name);
	if (d->kind->id == ID_BLOCK) {
		hal_say(" ");
		hal_say_number(d->disk);
	}
	hal_say(": ");
	hal_say(complaint);
	if (has_numbers) {
		hal_say(" ");
		hal_say_number(got);
		hal_say(", not ");
		hal_say_number(wanted);
	}
	hal_say("\n");
}

static const char *cannot(const struct group *g, const struct attack *a)
{
	const unsigned needs = g->needs | a->needs;

	if (needs & NEEDS_CPU && hal.cpus < 2)
		return "there is no second CPU";
	if (needs & NEEDS_ROM && !hal.rom)
		return "there is no read-only memory";
	if (needs & NEEDS_UART && !hal.uart)
		return "there is no UART";
	return NULL;
}

struct dev *attack_victim(unsigned n)
{
	struct dev *d = &devs[n % (nr_devs - 1)];

	return d < witness ? d : d + 1;
}

void attack_check(struct dev *d)
{
	if (d != &machine)
		dev_start_well(d);
	if (!complained())
		d->kind->good(d);
	if (!complained())
		disk_expect(witness, 1);
	expect_guards();
}

static void once(const struct group *g, const struct attack *a, struct dev *d, void (*after)(void))
{
	forget_complaint();
	wait_reset();
	if (d != &machine)
		dev_reset(d);
	(a->run ? a->run : g->run)(d, a);
	attack_check(d);
	if (after)
		after();
}

/* A machine that is busy with something else may be late by itself, but not each time. */
static bool attempt(const struct group *g, const struct attack *a, struct dev *d,
		    void (*after)(void), struct score *s)
{
	uint64_t took = 0;

	for (unsigned i = 0; i < TRIES; i++) {
		once(g, a, d, after);
		took = wait_longest_us();
		if (complained() || took < LATE_MS * 1000)
			break;
	}
	if (took > s->slowest_us)
		s->slowest_us = took;
	if (took >= hal.patience_ms * UINT64_C(1000))
		hal.patience_ms = LATE_MS; /* or the rest might never get its turn */
	if (!complained() && took >= LATE_MS * 1000)
		complain_of("too late, by microseconds", took, LATE_MS * 1000);
	if (complained()) {
		say_row("not ok ", g, a);
		attack_say_complaint(d);
	}
	return !complained();
}

/* On all devices of its kinds. A line for each row, since a byte of it costs an exit. */
static void run_row(const struct group *g, const struct attack *a, void (*after)(void),
		    struct score *s)
{
	const uint64_t on = a->on ? a->on : g->on;
	const char *why = cannot(g, a);
	const uint64_t begin = hal_now_us();
	const unsigned first = hal.by_turns ? s->rows : 0;
	unsigned runs = 0, failed = 0;
	uint64_t took;

	for (unsigned i = 0; i <= nr_devs && !why; i++) {
		struct dev *d = (i + first) % (nr_devs + 1) < nr_devs
					? &devs[(i + first) % (nr_devs + 1)]
					: &machine;

		if (d == witness || !(on & ON(d->kind->id)) ||
		    (d->offered & a->offers) != a->offers || (runs && hal.by_turns))
			continue;
		runs++;
		failed += !attempt(g, a, d, after, s);
	}
	if (!runs && !why)
		why = "there is no such device";
	if (why) {
		s->skipped++;
		say_row("skip ", g, a);
		hal_say(": ");
		hal_say(why);
		hal_say("\n");
	} else if (!failed) {
		say_row("ok ", g, a);
		hal_say("\n");
	}
	took = hal_now_us() - begin;
	if (took > SLOW_US) {
		hal_say("# which took ms ");
		hal_say_number(took / 1000);
		hal_say("\n");
	}
	s->runs += runs;
	s->rows++;
	s->passed += runs && !failed;
	s->failed += failed > 0;
}

void attack_group(const struct group *g, const char *only, void (*after)(void), struct score *s)
{
	for (unsigned i = 0; i < g->nr; i++)
		if (!only || same_text(only, g->attack[i].name))
			run_row(g, &g->attack[i], after, s);
	forget_complaint();
	for (unsigned i = 0; i < nr_devs; i++)
		if (&devs[i] == witness)
			disk_expect(witness, DISK_KNOWN);
		else
			devs[i].kind->good(&devs[i]);
	if (complained()) {
		s->failed++;
		hal_say("not ok: after all of them: ");
		hal_say(complaint);
		hal_say("\n");
	}
}

void attack_sum(const struct score *s, unsigned wanted_rows)
{
	hal_say("# rows ");
	hal_say_number(s->rows);
	hal_say(" of ");
	hal_say_number(wanted_rows);
	hal_say(", on devices ");
	hal_say_number(s->runs);
	hal_say(", slowest answer in us ");
	hal_say_number(s->slowest_us);
	hal_say("\n");
	hal_say_number(s->passed);
	hal_say(" passed, ");
	hal_say_number(s->failed + (s->rows != wanted_rows));
	hal_say(" failed, ");
	hal_say_number(s->skipped);
	hal_say(" skipped\n");
}
