/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BALLOON: pages that are none, buffers that say it badly, figures that make no sense (virtio 1.3,
 * section 5.5). A page that went into the balloon, or was reported as free, reads as zeroes after;
 * no other memory changes.
 */
#include "tests/attack/requests.h"
#include "tests/attack/table.h"

enum { PAGE = 4096, PAGES = 64, MARK = 0x4d, RING_SIZE = 128 };
enum { INFLATE, DEFLATE, STATS, REPORT, REPORT_TOO };
enum { F_STATS = 1, F_POISON = 4, F_REPORTING = 5 };
enum { NUM_PAGES = 0, ACTUAL = 4, HINT = 8, POISON = 12, SPACE = 16 };

static uint32_t page_of(uint64_t at)
{
	return (uint32_t)(at / PAGE);
}

static struct ring *begin(struct dev *d, unsigned ring, uint64_t without)
{
	(void)begin_with(d, without, RING_SIZE);
	return &d->ring[ring];
}

static uint64_t marked(struct dev *d, unsigned pages)
{
	const uint64_t at = dev_pages(d, pages * PAGE);

	mem_fill(at, MARK, pages * PAGE);
	return at;
}

/* The request comes back, and nothing was written to it. */
static void take(struct ring *r, const struct piece *p, unsigned n)
{
	uint32_t len;

	if (ring_send(r, p, n, &len) != USED)
		complain("the device did not take it");
	if (len)
		complain_of("bytes written", len, 0);
}

/* Numbers of pages, from @list on. */
static void name_pages(struct ring *r, uint64_t list, unsigned n)
{
	take(r, &(struct piece){ list, 4 * n, false }, 1);
}

/* --- pages that are not the guest's to give --- */

enum base { FROM_0, FROM_RAM, FROM_RAM_END, FROM_REGISTERS, FROM_UART, FROM_ROM };

static uint32_t stray(struct dev *d, const struct attack *a)
{
	static const uint64_t *const base[] = {
		[FROM_RAM] = &hal.ram, [FROM_UART] = &hal.uart, [FROM_ROM] = &hal.rom
	};

	switch ((enum base)a->arg) {
	case FROM_REGISTERS:
		return page_of(d->base);
	case FROM_RAM_END:
		return page_of(hal.ram + hal.ram_size) + (uint32_t)a->arg2;
	case FROM_0:
		return (uint32_t)a->arg2;
	case FROM_RAM:
	case FROM_UART:
	case FROM_ROM:
	default:
		return page_of(*base[a->arg]) + (uint32_t)a->arg2;
	}
}

/* Into the balloon and out of it, between pages that are good. */
static void stray_page(struct dev *d, const struct attack *a)
{
	struct ring *r = begin(d, INFLATE, 0);
	const uint64_t list = dev_alloc(d, 16), at = marked(d, 2);

	hal_put32(list, page_of(at));
	hal_put32(list + 4, stray(d, a));
	hal_put32(list + 8, page_of(at) + 1);
	name_pages(r, list, 3);
	mem_expect(at, 0, 2 * PAGE, "a page in the balloon has");
	name_pages(&d->ring[DEFLATE], list, 3);
	d->kind->good(d);
}

static void stray_pages(struct dev *d, const struct attack *a)
{
	struct ring *r = begin(d, INFLATE, 0);
	const unsigned n = (unsigned)a->arg;
	const uint64_t list = dev_pages(d, 4 * n);
	uint32_t x = 1;

	for (unsigned i = 0; i < n; i++) {
		x = x * 1664525 + 1013904223;
		hal_put32(list + 4 * i, x | 0x80000000);
	}
	name_pages(r, list, n);
	name_pages(&d->ring[DEFLATE], list, n);
	d->kind->good(d);
}

static void rom_stays(struct dev *d, const struct attack *a)
{
	uint64_t before, after;

	(void)hal_load(hal.rom, 8, &before);
	stray_page(d, a);
	(void)hal_load(hal.rom, 8, &after);
	if (after != before)
		complain_of("read-only memory has", after, before);
}

/* --- pages in an order --- */

/* arg: the first of PAGES pages that is named, arg2: how far it is to the next. */
static void pages_by_steps(struct dev *d, const struct attack *a)
{
	struct ring *r = begin(d, INFLATE, 0);
	const uint64_t list = dev_alloc(d, 4 * PAGES), at = marked(d, PAGES + 2) + PAGE;
	bool in[PAGES] = { false };
	unsigned n = 0;

	for (unsigned i = (unsigned)a->arg; i < PAGES && n < PAGES; i += (unsigned)a->arg2) {
		in[i] = true;
		hal_put32(list + 4 * n++, page_of(at) + i);
	}
	name_pages(r, list, n);
	for (unsigned i = 0; i < PAGES && !complained(); i++)
		mem_expect(at + PAGE * i, in[i] ? 0 : MARK, PAGE,
			   in[i] ? "a page in the balloon has" : "a page beside has");
	mem_expect(at - PAGE, MARK, PAGE, "the page before all has");
	mem_expect(at + PAGE * PAGES, MARK, PAGE, "the page behind all has");
}

static void one_page_often(struct dev *d, const struct attack *a)
{
	struct ring *r = begin(d, INFLATE, 0);
	const unsigned n = (unsigned)a->arg;
	const uint64_t list = dev_pages(d, 4 * n), at = marked(d, 3);

	for (unsigned i = 0; i < n; i++)
		hal_put32(list + 4 * i, page_of(at) + 1);
	name_pages(r, list, n);
	mem_expect(at, MARK, PAGE, "the page before has");
	mem_expect(at + PAGE, 0, PAGE, "the page in the balloon has");
	mem_expect(at + 2 * PAGE, MARK, PAGE, "the page behind has");
	for (unsigned i = 0; i < 3; i++)
		name_pages(&d->ring[DEFLATE], list, n);
	mem_fill(at, MARK, 3 * PAGE);
	name_pages(r, list, 1);
	mem_expect(at + PAGE, 0, PAGE, "the page in the balloon, again, has");
}

/* Out of the balloon, without ever having been in. */
static void never_in(struct dev *d, const struct attack *a)
{
	const uint64_t list = (begin(d, DEFLATE, 0), dev_alloc(d, 4 * PAGES));
	const uint64_t at = marked(d, PAGES);

	for (unsigned i = 0; i < PAGES; i++)
		hal_put32(list + 4 * i, page_of(at) + i);
	for (uint64_t i = 0; i < a->arg; i++)
		name_pages(&d->ring[DEFLATE], list, PAGES);
	mem_expect(at, MARK, PAGES * PAGE, "a page that was not in the balloon has");
	d->kind->good(d);
}

/* In and out, and used meanwhile, as a guest may without asking. */
static void used_while_in(struct dev *d, const struct attack *a)
{
	struct ring *r = begin(d, INFLATE, 0);
	const uint64_t list = dev_alloc(d, 16), at = marked(d, 1);

	hal_put32(list, page_of(at));
	for (uint64_t i = 0; i < times(a->arg) && !complained(); i++) {
		mem_fill(at, MARK, PAGE);
		name_pages(r, list, 1);
		if (hal_get64(at) != 0 && i == 0)
			complain("a page in the balloon keeps what it had");
		hal_put64(at, i + 1);
		name_pages(&d->ring[DEFLATE], list, 1);
		if (hal_get64(at) != i + 1)
			complain("a page that came out lost what was written meanwhile");
	}
}

/* The rings' own page goes in: the device must get along with the zeroes. */
static void own_ring(struct dev *d, const struct attack *a)
{
	struct ring *r = begin(d, (unsigned)a->arg, 0);
	const uint64_t list = dev_alloc(d, 16);
	const struct piece in = { a->arg2 ? r->desc & ~UINT64_C(0xfff) : list, PAGE, true };
	const struct piece out = { list, 4, false };
	uint32_t len;

	hal_put32(list, page_of(r->desc));
	ring_add(r, a->arg2 ? &in : &out, 1);
	ring_kick(r);
	for (unsigned i = 0; i < 200; i++)
		hal_pause();
	(void)dev_read(d, R_STATUS);
	(void)len;
}

/* --- buffers --- */

/* arg: bytes of a list of good pages, arg2: in descriptors of so many. */
static void list_of(struct dev *d, const struct attack *a)
{
	static struct piece piece[RING_SIZE];
	struct ring *r = begin(d, INFLATE, 0);
	const uint32_t size = (uint32_t)a->arg, step = (uint32_t)a->arg2;
	const uint64_t list = dev_pages(d, PAGE), at = marked(d, 16);
	unsigned n = 0;

	for (unsigned i = 0; i < 16; i++)
		hal_put32(list + 4 * i, page_of(at) + i);
	for (uint32_t off = 0; off < size || n == 0; off += step)
		piece[n++] =
			(struct piece){ list + off, size - off < step ? size - off : step, false };
	take(r, piece, n);
	mem_expect(at, 0, size / 4 * PAGE, "a page in the balloon has");
	mem_expect(at + size / 4 * PAGE, MARK, (16 - size / 4) * PAGE,
		   "a page that is outside has");
	d->kind->good(d);
}

/* Nothing in it that the device may read: it is no list, and stays as it was. */
static void list_to_write(struct dev *d, const struct attack *a)
{
	struct ring *r = begin(d, (unsigned)a->arg, 0);
	const uint64_t list = marked(d, 2);

	hal_put32(list, page_of(list) + 1);
	take(r, &(struct piece){ list, PAGE, true }, 1);
	mem_expect(list + PAGE, MARK, PAGE, "a page that was not named has");
	mem_expect(list + 8, MARK, PAGE - 8, "what was to be written has");
}

/* The longest list that a chain can hold, of no page of RAM: other queues go on meanwhile. */
static void longest_list(struct dev *d, const struct attack *a)
{
	static struct piece piece[RING_SIZE];
	struct ring *r = begin(d, (unsigned)a->arg, 0);
	const uint64_t list = dev_pages(d, PAGE), other = dev_alloc(d, 16), at = marked(d, 1);

	mem_fill(list, 0xff, PAGE);
	hal_put32(other, page_of(at));
	for (unsigned i = 0; i < RING_SIZE; i++)
		piece[i] = (struct piece){ list, PAGE, false };
	ring_add(r, piece, RING_SIZE);
	ring_kick(r);
	name_pages(&d->ring[a->arg == INFLATE ? DEFLATE : INFLATE], other, 1);
	if (ring_wait(r, &(uint32_t){ 0 }) != USED)
		complain("the longest list is not answered");
}

/* --- statistics: a buffer comes back when the next one is there --- */

struct figures {
	uint32_t len;
	uint16_t first_tag, step;
	bool in;
};

static void statistics(struct dev *d, const struct attack *a)
{
	const struct figures *f = a->data;
	struct ring *r = begin(d, STATS, 0);
	const uint64_t at = dev_pages(d, 2 * PAGE);
	uint32_t tag = f->first_tag;

	for (uint32_t off = 0; off + 10 <= 2 * PAGE; off += 10, tag += f->step) {
		hal_put8(at + off, (uint8_t)tag);
		hal_put8(at + off + 1, (uint8_t)(tag >> 8));
		for (unsigned i = 2; i < 10; i++)
			hal_put8(at + off + i, 0xff);
	}
	for (unsigned i = 0; i < 3; i++)
		ring_add_at(r, i, &(struct piece){ at, f->len, f->in }, 1);
	ring_kick(r);
	ring_collect(r, 2);
	d->kind->good(d);
}

/* The ring full of them, round and round. */
static void many_statistics(struct dev *d, const struct attack *a)
{
	struct ring *r = begin(d, STATS, 0);
	const uint64_t at = dev_pages(d, PAGE);
	unsigned out = 0;

	for (uint64_t i = 0; i < times(a->arg) && !complained(); i++) {
		for (; out < r->size; out++)
			ring_add_at(r, (unsigned)(r->next_avail % r->size),
				    &(struct piece){ at, 100, false }, 1);
		ring_kick(r);
		ring_collect(r, out - 1);
		/* One is kept: the next go where the others were. */
		out = 1;
	}
}

/* One is with the device when that is reset, or its queue. */
static void statistics_kept(struct dev *d, const struct attack *a)
{
	for (uint64_t i = 0; i < times(a->arg) && !complained(); i++) {
		struct ring *r;
		uint64_t at;

		dev_start(d, (d->offered & d->kind->wanted) | F_RING_RESET, RING_SIZE);
		r = &d->ring[STATS];
		at = dev_pages(d, PAGE);
		ring_add_at(r, 0, &(struct piece){ at, 100, false }, 1);
		ring_kick(r);
		if (!a->arg2)
			continue;
		dev_write(d, R_QUEUE_SEL, STATS);
		dev_write(d, R_QUEUE_RESET, 1);
		while (dev_read(d, R_QUEUE_RESET))
			hal_pause();
		ring_make(d, STATS, RING_SIZE);
		ring_program(r);
		ring_enable(r);
		for (unsigned k = 0; k < 2; k++)
			ring_add_at(r, k, &(struct piece){ at, 100, false }, 1);
		ring_kick(r);
		ring_collect(r, 1);
	}
}

/* --- free page reporting --- */

/* arg: where in the first of 4 pages the piece begins, arg2: how long it is. Only whole pages go.
 */
static void reported(struct dev *d, const struct attack *a)
{
	struct ring *r = begin(d, REPORT, 0);
	const uint64_t at = marked(d, 6) + PAGE, from = at + a->arg, to = from + a->arg2;
	const uint64_t first = (from + PAGE - 1) & ~UINT64_C(0xfff), end = to & ~UINT64_C(0xfff);

	take(r, &(struct piece){ from, (uint32_t)a->arg2, true }, 1);
	if (first < end) {
		mem_expect(at - PAGE, MARK, first - (at - PAGE), "before free pages is");
		mem_expect(first, 0, end - first, "a free page has");
		mem_expect(end, MARK, at + 5 * PAGE - end, "behind free pages is");
	} else {
		mem_expect(at - PAGE, MARK, 6 * PAGE, "less than a page that was reported has");
	}
	d->kind->good(d);
}

/* Which may only be read: nothing is reported by it. */
static void reported_to_read(struct dev *d, const struct attack *a)
{
	struct ring *r = begin(d, REPORT, 0);
	const uint64_t at = marked(d, 2);

	(void)a;
	take(r, &(struct piece){ at, 2 * PAGE, false }, 1);
	mem_expect(at, MARK, 2 * PAGE, "a page that may only be read has");
}

/* As many pieces as a chain can have; arg: pages between them. All the same one, if that is 0. */
static void many_pieces(struct dev *d, const struct attack *a)
{
	static struct piece piece[RING_SIZE];
	struct ring *r = begin(d, REPORT, 0);
	const unsigned step = (unsigned)a->arg, n = step ? RING_SIZE / 2 : RING_SIZE;
	const uint64_t at = marked(d, step ? n * step : 1);

	for (unsigned i = 0; i < n; i++)
		piece[i] = (struct piece){ at + i * step * PAGE, PAGE, true };
	take(r, piece, n);
	for (unsigned i = 0; i < (step ? n * step : 1) && !complained(); i++)
		mem_expect(at + i * PAGE, step && i % step ? MARK : 0, PAGE,
			   "of many pieces, one has");
}

/* A guest that fills its free pages finds in them what it put there. */
static void poisoned(struct dev *d, const struct attack *a)
{
	uint64_t at;

	dev_start(d, (d->offered & d->kind->wanted) | F(F_POISON), RING_SIZE);
	(void)hal_store(d->base + R_CONFIG + POISON, 4, a->arg);
	at = marked(d, 1);
	take(&d->ring[REPORT], &(struct piece){ at, PAGE, true }, 1);
	mem_expect(at, a->arg ? MARK : 0, PAGE, "a free page has");
}

/* It is said that pages are poisoned, without the feature: it means nothing. */
static void poison_without(struct dev *d, const struct attack *a)
{
	struct ring *r = begin(d, REPORT, F(F_POISON));
	uint64_t at;

	(void)hal_store(d->base + R_CONFIG + POISON, 4, a->arg);
	at = marked(d, 1);
	take(r, &(struct piece){ at, PAGE, true }, 1);
	mem_expect(at, 0, PAGE, "a free page has");
}

static void in_balloon_and_reported(struct dev *d, const struct attack *a)
{
	struct ring *r = begin(d, INFLATE, 0);
	const uint64_t list = dev_alloc(d, 16), at = marked(d, 1);

	(void)a;
	hal_put32(list, page_of(at));
	for (unsigned i = 0; i < 3; i++) {
		name_pages(r, list, 1);
		take(&d->ring[REPORT], &(struct piece){ at, PAGE, true }, 1);
	}
	mem_expect(at, 0, PAGE, "a free page has");
	name_pages(&d->ring[DEFLATE], list, 1);
}

/* arg: the queue, which there is not as things were negotiated: arg2 is not. */
static void no_such_queue(struct dev *d, const struct attack *a)
{
	struct ring *r = begin(d, (unsigned)a->arg, a->arg2);
	const uint64_t at = marked(d, 1);
	uint32_t len;

	if (ring_send(r, &(struct piece){ at, PAGE, true }, 1, &len) != BROKEN)
		complain("the device serves a queue that there is not");
	mem_expect(at, MARK, PAGE, "a page of a queue that there is not has");
}

/* --- configuration --- */

static uint64_t space(struct dev *d, unsigned off)
{
	uint64_t v;

	(void)hal_load(d->base + R_CONFIG + off, 4, &v);
	return v;
}

/* All of it is written, by accesses of arg bytes: only what is the driver's changes. */
static void config_written(struct dev *d, const struct attack *a)
{
	uint64_t num, hint;

	(void)begin(d, INFLATE, 0);
	num = space(d, NUM_PAGES);
	hint = space(d, HINT);
	for (unsigned off = 0; off < SPACE; off += (unsigned)a->arg)
		(void)hal_store(d->base + R_CONFIG + off, (unsigned)a->arg, UINT64_MAX);
	if (space(d, NUM_PAGES) != num)
		complain_of("num_pages", space(d, NUM_PAGES), num);
	if (space(d, HINT) != hint)
		complain_of("free_page_hint_cmd_id", space(d, HINT), hint);
	d->kind->good(d);
}

static void actual(struct dev *d, const struct attack *a)
{
	(void)begin(d, INFLATE, 0);
	for (unsigned i = 0; i < 64; i++)
		(void)hal_store(d->base + R_CONFIG + ACTUAL, 4, a->arg + i);
	if (space(d, ACTUAL) != (uint32_t)(a->arg + 63))
		complain_of("actual", space(d, ACTUAL), a->arg + 63);
	d->kind->good(d);
}

/* clang-format off */
#define STRAY(id, base, off) { .name = (id), .run = stray_page, .arg = (base), .arg2 = (off) }
#define FIGURES(id, ...)                                                                           \
	{ .name = (id), .run = statistics, .data = &(const struct figures){ __VA_ARGS__ } }

static const struct attack rows[] = {
	STRAY("page 0", FROM_0, 0),
	STRAY("page 2^32 - 1", FROM_0, UINT32_MAX),
	STRAY("page 2^31", FROM_0, UINT64_C(1) << 31),
	STRAY("the page before RAM", FROM_RAM, UINT64_MAX),
	STRAY("the page behind RAM", FROM_RAM_END, 0),
	STRAY("a page far behind RAM", FROM_RAM_END, 1 << 20),
	STRAY("the device's registers", FROM_REGISTERS, 0),
	STRAY("the UART", FROM_UART, 0),
	{ .name = "read-only memory", .run = rom_stays, .arg = FROM_ROM, .needs = NEEDS_ROM },
	{ .name = "many pages that are none", .run = stray_pages, .arg = 1024 },
	{ .name = "its own descriptors", .run = own_ring, .arg = INFLATE },
	{ .name = "its own descriptors reported as free", .run = own_ring, .arg = REPORT,
	  .arg2 = 1 },
	{ .name = "pages upwards", .run = pages_by_steps, .arg = 0, .arg2 = 1 },
	{ .name = "every second page", .run = pages_by_steps, .arg = 0, .arg2 = 2 },
	{ .name = "every third page", .run = pages_by_steps, .arg = 1, .arg2 = 3 },
	{ .name = "pages far from each other", .run = pages_by_steps, .arg = 5, .arg2 = 17 },
	{ .name = "one page twice", .run = one_page_often, .arg = 2 },
	{ .name = "one page 1024 times", .run = one_page_often, .arg = 1024 },
	{ .name = "pages out that were never in", .run = never_in, .arg = 1 },
	{ .name = "pages out that were never in, often", .run = never_in, .arg = 20 },
	{ .name = "a page used while it is in", .run = used_while_in, .arg = 500 },

	{ .name = "a list of 0 bytes", .run = list_of, .arg = 0, .arg2 = 1 },
	{ .name = "a list of 1 byte", .run = list_of, .arg = 1, .arg2 = 1 },
	{ .name = "a list of 3 bytes", .run = list_of, .arg = 3, .arg2 = 3 },
	{ .name = "a list of 7 bytes", .run = list_of, .arg = 7, .arg2 = 7 },
	{ .name = "a list in bytes", .run = list_of, .arg = 64, .arg2 = 1 },
	{ .name = "a list in pieces of 3", .run = list_of, .arg = 64, .arg2 = 3 },
	{ .name = "a list in pieces of 5, and 2 bytes more", .run = list_of, .arg = 50, .arg2 = 5 },
	{ .name = "a list to be written", .run = list_to_write, .arg = INFLATE },
	{ .name = "a list to be written of pages out", .run = list_to_write, .arg = DEFLATE },
	{ .name = "the longest list", .run = longest_list, .arg = INFLATE },
	{ .name = "the longest list of pages out", .run = longest_list, .arg = DEFLATE },

	FIGURES("no figures", .len = 0),
	FIGURES("figures of 1 byte", .len = 1),
	FIGURES("figures of 9 bytes", .len = 9),
	FIGURES("a figure and a byte", .len = 11),
	FIGURES("as many figures as we keep", .len = 320, .step = 1),
	FIGURES("a figure more than we keep", .len = 330, .step = 1),
	FIGURES("8 KiB of figures", .len = 2 * PAGE, .step = 1),
	FIGURES("one figure 32 times", .len = 320, .first_tag = 4),
	FIGURES("tags that nobody knows", .len = 320, .first_tag = 16, .step = 1),
	FIGURES("the last tags", .len = 320, .first_tag = 0xfff0, .step = 1),
	FIGURES("figures to be written", .len = 320, .in = true),
	{ .name = "figures without an end", .run = many_statistics, .arg = 200 },
	{ .name = "reset with figures kept", .run = statistics_kept, .arg = 50 },
	{ .name = "queue reset with figures kept", .run = statistics_kept, .arg = 50, .arg2 = 1 },

	{ .name = "a free page", .run = reported, .arg = 0, .arg2 = PAGE },
	{ .name = "4 free pages", .run = reported, .arg = 0, .arg2 = 4 * PAGE },
	{ .name = "nothing is free", .run = reported, .arg = 0, .arg2 = 0 },
	{ .name = "a byte is free", .run = reported, .arg = 0, .arg2 = 1 },
	{ .name = "less than a page is free", .run = reported, .arg = 0, .arg2 = PAGE - 1 },
	{ .name = "a page's worth that is not aligned", .run = reported, .arg = 1, .arg2 = PAGE },
	{ .name = "a page and parts of its neighbours", .run = reported, .arg = 100,
	  .arg2 = 2 * PAGE },
	{ .name = "free pages to be read", .run = reported_to_read },
	{ .name = "one free page 128 times", .run = many_pieces, .arg = 0 },
	{ .name = "64 free pages in a row", .run = many_pieces, .arg = 1 },
	{ .name = "64 free pages apart", .run = many_pieces, .arg = 2 },
	{ .name = "free pages with a pattern", .run = poisoned, .arg = 0xaaaaaaaa },
	{ .name = "free pages with a pattern of zeroes", .run = poisoned, .arg = 0 },
	{ .name = "a pattern without its feature", .run = poison_without, .arg = 0xaaaaaaaa },
	{ .name = "a page in the balloon is free", .run = in_balloon_and_reported },
	{ .name = "reporting without its feature", .run = no_such_queue, .arg = REPORT,
	  .arg2 = F(F_REPORTING) },
	{ .name = "the fifth queue without its feature", .run = no_such_queue, .arg = REPORT_TOO,
	  .arg2 = F(F_REPORTING) },
	{ .name = "the third queue without any feature", .run = no_such_queue, .arg = STATS,
	  .arg2 = F(F_REPORTING) | F(F_STATS) },

	{ .name = "configuration written by bytes", .run = config_written, .arg = 1 },
	{ .name = "configuration written by halves", .run = config_written, .arg = 2 },
	{ .name = "configuration written by words", .run = config_written, .arg = 4 },
	{ .name = "more in the balloon than there is", .run = actual, .arg = 0xffffff00 },
	{ .name = "nothing in the balloon", .run = actual, .arg = 0 },
};
/* clang-format on */

const struct group group_balloon = GROUP("balloon", rows, .on = ON(ID_BALLOON));
