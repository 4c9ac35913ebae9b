/* SPDX-License-Identifier: Apache-2.0 */
#include "devices/virtio/balloon.h"
#include "tests/lib/virtio_guest.h"
#include "vmm/base/checked.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { INFLATE, DEFLATE, STATS, REPORT, REPORT_5TH };
enum { STATS_VQ = 1 << 1, ON_OOM = 1 << 2, POISON = 1 << 4, REPORTING = 1 << 5 };
enum { ALL = STATS_VQ | ON_OOM | POISON | REPORTING };
enum { NUM_PAGES = REG_CONFIG, ACTUAL = REG_CONFIG + 4, POISON_VAL = REG_CONFIG + 12 };

#define PAGE	  4096
#define FIRST	  (DRIVER_RAM / PAGE) /* page number of RAM's first */
#define PAGES	  (GUEST_RAM_SIZE / PAGE)
#define TARGET	  (FIRST + PAGES / 2) /* pages for the test, from here to the end of RAM */
#define LIST	  (4 << 20)	      /* a list of pages lies here in the buffers, if not at 0 */
#define TARGET_AT ((uint64_t)TARGET * PAGE)

static const uint64_t formats[] = {
	0,
	VIRTIO_BIT(VIRTIO_F_RING_PACKED),
	VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC) | VIRTIO_BIT(VIRTIO_F_EVENT_IDX),
	VIRTIO_BIT(VIRTIO_F_RING_PACKED) | VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC) |
		VIRTIO_BIT(VIRTIO_F_EVENT_IDX),
};

static struct guest g;
static struct ram ram;
static struct virtio *v;

/* What the guest's memory is made of: pages of @page bytes, of a memfd when @shared. */
static void begin_on(const struct virtio_balloon_config *c, uint64_t page, bool shared)
{
	struct err e;

	guest_make(&g);
	ram = (struct ram){
		.host = g.d.ram, .guest = g.d.ram, .size = GUEST_RAM_SIZE, .fd = -1, .page = page
	};
	if (shared) {
		ram.fd = memfd_create("ram", MFD_CLOEXEC);
		EXPECT(ram.fd >= 0 && ftruncate(ram.fd, GUEST_RAM_SIZE) == 0);
		EXPECT(mmap(g.d.ram, GUEST_RAM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			    ram.fd, 0) == g.d.ram);
	} else {
		EXPECT(mmap(g.d.ram, GUEST_RAM_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == g.d.ram);
	}
	(void)madvise(g.d.ram, GUEST_RAM_SIZE, MADV_NOHUGEPAGE);
	g.d.mem.region[0].ram = &ram;
	v = virtio_balloon_create(c, &g.d.mem, g.loop, &e);
	EXPECT(v != NULL);
	driver_plug(&g.d, v);
}

static void begin(void)
{
	begin_on(&virtio_balloon_defaults, PAGE, false);
}

static struct virtio_balloon_figures now(void)
{
	struct virtio_balloon_figures f;

	virtio_balloon_figures(v, &f);
	return f;
}

static uint8_t *page_at(uint64_t page)
{
	return driver_at(&g.d, page * PAGE);
}

/* The target's pages, each filled with its number. */
static void fill(void)
{
	for (uint64_t p = TARGET; p < FIRST + PAGES; p++)
		memset(page_at(p), (int)(p % 255 + 1), PAGE);
}

/* Whether the page holds what fill() wrote, or nothing but zeroes; else the test fails. */
static bool kept(uint64_t page)
{
	const uint8_t *at = page_at(page), want = *at ? (uint8_t)(page % 255 + 1) : 0;

	EXPECT_EQ(*at, want);
	EXPECT_EQ(memcmp(at, at + 1, PAGE - 1), 0); /* all bytes are the same */
	return want;
}

/* Whether it takes memory of the host. */
static bool resident(uint64_t page)
{
	unsigned char in;

	EXPECT_EQ(mincore(page_at(page), PAGE, &in), 0);
	return in & 1;
}

/* A list of @n pages from @first on (or down), at @at of the buffers. */
static struct piece list(size_t at, uint32_t first, int step, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const uint32_t page = first + (uint32_t)((int)i * step);

		memcpy(guest_buf(&g, at + 4 * (size_t)i), &page, 4);
	}
	return guest_out(at, 4 * (size_t)n);
}

/* A request, and all turns that it takes; bytes written, or -1 when it did not come back. */
static int64_t ask(unsigned q, const struct piece *p, unsigned n)
{
	int64_t got = -1;

	guest_add(&g, q, p, n);
	for (int i = 0; got < 0 && i < 3000 && !guest_needs_reset(&g); i++) {
		guest_turns(&g, 1);
		got = guest_take(&g, q);
	}
	return got;
}

static void good(unsigned q, struct piece p)
{
	EXPECT_EQ(ask(q, &p, 1), 0);
}

/* --- good and hostile requests ---------------------------------------------------------------- */

#define LAST_PAGE (FIRST + PAGES - 1)

/* A list of pages. What becomes of it: pages given back, in the balloon, and that are no RAM. */
static const struct row {
	const char *what;
	unsigned queue;
	uint32_t first;
	int step;
	unsigned n;
	unsigned gone, inside, strays;
	int cut; /* bytes more or less than the list has */
} lists[] = {
	{ "one page", INFLATE, TARGET, 1, 1, 1, 1, 0, 0 },
	{ "RAM's last page", INFLATE, LAST_PAGE, 1, 1, 1, 1, 0, 0 },
	{ "pages upwards", INFLATE, TARGET, 1, 256, 256, 256, 0, 0 },
	{ "pages downwards", INFLATE, TARGET + 255, -1, 256, 256, 256, 0, 0 },
	{ "every other page", INFLATE, TARGET, 2, 256, 256, 256, 0, 0 },
	{ "more than one look", INFLATE, TARGET, 1, 1000, 1000, 1000, 0, 0 },
	{ "more than one turn", INFLATE, TARGET, 0, 20000, 20000, 1, 0, 0 },
	{ "the same page three times", INFLATE, TARGET, 0, 3, 3, 1, 0, 0 },
	{ "page 0", INFLATE, 0, 0, 1, 0, 0, 1, 0 },
	{ "the page before RAM", INFLATE, FIRST - 1, 1, 1, 0, 0, 1, 0 },
	{ "the page after RAM", INFLATE, LAST_PAGE + 1, 1, 1, 0, 0, 1, 0 },
	{ "pages over RAM's end", INFLATE, LAST_PAGE - 9, 1, 20, 10, 10, 10, 0 },
	{ "the last page there can be", INFLATE, UINT32_MAX, 1, 1, 0, 0, 1, 0 },
	{ "pages that wrap", INFLATE, UINT32_MAX - 3, 1, 8, 0, 0, 8, 0 },
	{ "a register of a device", INFLATE, 0x0a000, 1, 4, 0, 0, 4, 0 },
	{ "a quarter of a number", INFLATE, TARGET, 1, 1, 0, 0, 0, -3 },
	{ "a number and three quarters", INFLATE, TARGET, 1, 2, 1, 1, 0, -1 },
	{ "out without having been in", DEFLATE, TARGET, 1, 256, 0, 0, 0, 0 },
	{ "out, and no RAM", DEFLATE, 7, 1, 300, 0, 0, 300, 0 },
	{ "out, a number and a half", DEFLATE, TARGET, 1, 2, 0, 0, 0, -2 },
};

static void run_list(const struct row *r)
{
	struct piece p = list(0, r->first, r->step, r->n);
	const struct virtio_balloon_figures before = now();
	struct virtio_balloon_figures after;

	p.len += (uint32_t)r->cut;
	fill();
	if (ask(r->queue, &p, 1) != 0)
		test_fail(__FILE__, __LINE__, "%s: status 0x%x", r->what, guest_status(&g));
	after = now();
	if (after.inflated - before.inflated != r->gone * PAGE ||
	    after.inside != r->inside * PAGE || after.not_ram - before.not_ram != r->strays)
		test_fail(__FILE__, __LINE__,
			  "%s: 0x%" PRIx64 " bytes back, 0x%" PRIx64 " inside, %" PRIu64 " no RAM",
			  r->what, after.inflated - before.inflated, after.inside,
			  after.not_ram - before.not_ram);
	for (uint64_t k = TARGET; k < FIRST + PAGES; k++) {
		bool named = false;

		for (unsigned i = 0; i < r->n && i < 1000; i++)
			named |= k == r->first + (uint32_t)((int)i * r->step) &&
				 4 * (i + 1) <= p.len;
		EXPECT_EQ(kept(k), !(named && r->queue == INFLATE));
	}
	/* And all out again. */
	p = list(0, FIRST, 1, PAGES);
	EXPECT_EQ(ask(DEFLATE, &p, 1), 0);
	EXPECT_EQ(now().inside, 0);
}

/* Memory that is free, or other requests; bytes given back, or -1: the queue breaks. */
static const struct {
	const char *what;
	unsigned queue;
	struct piece p[4];
	unsigned n;
	int64_t gone;
} pieces[] = {
	{ "2 MiB that are free", REPORT, { { TARGET_AT, 2 << 20, true } }, 1, 2 << 20 },
	{ "the same by the fifth queue", REPORT_5TH, { { TARGET_AT, 2 << 20, true } }, 1, 2 << 20 },
	{ "8 MiB that are free", REPORT, { { TARGET_AT, 8 << 20, true } }, 1, 8 << 20 },
	{ "the end of RAM", REPORT, { { LAST_PAGE * (uint64_t)PAGE, PAGE, true } }, 1, PAGE },
	{ "pieces, one of them twice",
	  REPORT,
	  { { TARGET_AT, 2 * PAGE, true },
	    { TARGET_AT + 8 * PAGE, PAGE, true },
	    { TARGET_AT, 2 * PAGE, true } },
	  3,
	  5 * PAGE },
	{ "less than a page", REPORT, { { TARGET_AT + 1, PAGE - 1, true } }, 1, 0 },
	{ "parts of two pages", REPORT, { { TARGET_AT + 1, PAGE, true } }, 1, 0 },
	{ "parts of two pages and one whole",
	  REPORT,
	  { { TARGET_AT + 7, 2 * PAGE, true } },
	  1,
	  PAGE },
	{ "to be read only", REPORT, { { TARGET_AT, 2 << 20, false } }, 1, 0 },
	{ "to be read, and then free",
	  REPORT,
	  { { TARGET_AT, 2 << 20, false }, { TARGET_AT + (3 << 20), PAGE, true } },
	  2,
	  PAGE },
	{ "free, and no RAM", REPORT, { { 0x1000, PAGE, true } }, 1, -1 },
	{ "free over the end of RAM",
	  REPORT,
	  { { LAST_PAGE * (uint64_t)PAGE, 2 * PAGE, true } },
	  1,
	  -1 },
	{ "free, at an address that wraps", REPORT, { { UINT64_MAX - 10, 64, true } }, 1, -1 },
	{ "2 GiB that are free", REPORT, { { DRIVER_RAM, 1U << 31, true } }, 1, -1 },
	{ "a list to be written to", INFLATE, { { TARGET_AT, PAGE, true } }, 1, 0 },
	{ "a list outside RAM", INFLATE, { { 0x1000, 64, false } }, 1, -1 },
	{ "a list over the end of RAM",
	  INFLATE,
	  { { LAST_PAGE * (uint64_t)PAGE + PAGE - 4, 8, false } },
	  1,
	  -1 },
	{ "a list of 2 GiB", INFLATE, { { DRIVER_RAM, 1U << 31, false } }, 1, -1 },
	{ "deflate: a list to be written to", DEFLATE, { { TARGET_AT, PAGE, true } }, 1, 0 },
	{ "deflate: a list outside RAM", DEFLATE, { { UINT64_MAX, 1, false } }, 1, -1 },
};

static void run_pieces(uint64_t format)
{
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		const struct virtio_balloon_figures before = now();
		struct virtio_balloon_figures f;
		int64_t got;

		fill();
		got = ask(pieces[i].queue, pieces[i].p, pieces[i].n);
		f = now();
		if (got != (pieces[i].gone < 0 ? -1 : 0) || guest_needs_reset(&g) != (got < 0) ||
		    (got == 0 && f.reported - before.reported != (uint64_t)pieces[i].gone) ||
		    f.inside != 0)
			test_fail(__FILE__, __LINE__, "%s: got %jd, 0x%" PRIx64 ", status 0x%x",
				  pieces[i].what, (intmax_t)got, f.reported - before.reported,
				  guest_status(&g));
		if (got < 0)
			guest_start(&g, format | ALL);
		good(INFLATE, list(LIST, TARGET, 1, 1));
		good(DEFLATE, list(LIST, TARGET, 1, 1));
	}
}

TEST(each_request_gives_back_what_it_may_or_breaks_the_queue_until_a_reset)
{
	begin();
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		guest_start(&g, formats[i] | ALL);
		for (size_t k = 0; k < ARRAY_SIZE(lists); k++)
			run_list(&lists[k]);
		run_pieces(formats[i]);
		driver_write(&g.d, REG_STATUS, 0);
		driver_forget(&g.d);
	}
	guest_end(&g);
}

/* The driver gives away its rings, its list, or all that it has: a reset cures that. */
TEST(what_the_device_itself_works_with_may_go)
{
	begin();
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		for (unsigned q = INFLATE; q <= DEFLATE; q++) {
			const struct driver_queue *dq = &g.d.queue[q];
			for (unsigned what = 0; what < 5; what++) {
				uint64_t at[5];

				guest_start(&g, formats[i] | ALL);
				at[0] = dq->desc;
				at[1] = dq->avail;
				at[2] = dq->used;
				at[3] = GUEST_BUFFERS; /* the list, of more than one look */
				at[4] = DRIVER_RAM;
				(void)list(0, (uint32_t)(at[what] / PAGE), what == 4, 2000);
				guest_add(&g, INFLATE, (struct piece[]){ guest_out(0, 8000) }, 1);
				guest_turns(&g, 10);
				EXPECT(now().inflated > 0);
				driver_write(&g.d, REG_STATUS, 0);
				driver_forget(&g.d);
				guest_start(&g, formats[i] | ALL);
				good(INFLATE, list(LIST, TARGET, 1, 3));
				EXPECT_EQ(now().inside, 3 * PAGE);
				driver_write(&g.d, REG_STATUS, 0);
				driver_forget(&g.d);
			}
		}
	}
	guest_end(&g);
}

/* --- a model: what each page holds, and whether the host has it --------------------------------
 */

enum { MODEL_PAGES = 64 };

struct model {
	bool in[MODEL_PAGES];	/* the balloon */
	bool gone[MODEL_PAGES]; /* given back, and not written since */
	unsigned unit;		/* pages in one of the host's */
};

static void model_check(const struct model *m)
{
	unsigned inside = 0;

	for (unsigned i = 0; i < MODEL_PAGES; i++) {
		inside += m->in[i];
		EXPECT_EQ(resident(TARGET + i), !m->gone[i]);
		/* What is gone is not looked at: looking would bring a page of a memfd back. */
		if (!m->gone[i])
			EXPECT_EQ(kept(TARGET + i), true);
	}
	EXPECT_EQ(now().inside, inside * PAGE);
}

static void model_in(struct model *m, unsigned page)
{
	const unsigned first = page / m->unit * m->unit;
	bool all = true;

	m->in[page] = true;
	for (unsigned i = 0; i < m->unit; i++)
		all &= m->in[first + i];
	for (unsigned i = 0; all && i < m->unit; i++)
		m->gone[first + i] = true;
}

static void model_report(struct model *m, unsigned first, unsigned n)
{
	const unsigned end = (first + n) / m->unit * m->unit;

	for (unsigned i = (first + m->unit - 1) / m->unit * m->unit; i < end; i++)
		m->gone[i] = true;
}

static void model_step(struct model *m, unsigned *seed)
{
	const unsigned what = (unsigned)rand_r(seed) % 8, n = 1 + (unsigned)rand_r(seed) % 24;
	const unsigned first = (unsigned)rand_r(seed) % (MODEL_PAGES - n + 1);
	uint32_t page[24];

	for (unsigned i = 0; i < n; i++) {
		unsigned p = what % 2 ? first + i : (unsigned)rand_r(seed) % MODEL_PAGES;

		if (what == 7)
			p = first + n - 1 - i;
		page[i] = TARGET + p;
		if (what <= 3 || what == 7)
			model_in(m, p);
		else if (what == 4)
			m->in[p] = false;
	}
	memcpy(guest_buf(&g, 0), page, sizeof(page));
	if (what <= 3 || what == 7) {
		good(INFLATE, guest_out(0, 4 * n));
	} else if (what == 4) {
		good(DEFLATE, guest_out(0, 4 * n));
	} else if (what == 5) {
		good(REPORT, (struct piece){ TARGET_AT + first * PAGE, n * PAGE, true });
		model_report(m, first, n);
	} else {
		for (unsigned i = 0; i < n; i++) {
			const unsigned host = (first + i) / m->unit * m->unit;

			/* A page of the host comes back as a whole. */
			for (unsigned k = 0; k < m->unit; k++)
				if (m->gone[host + k])
					memset(page_at(TARGET + host + k),
					       (int)((TARGET + host + k) % 255 + 1), PAGE);
			for (unsigned k = 0; k < m->unit; k++)
				m->gone[host + k] = false;
		}
	}
}

static void run_model(uint64_t page, bool shared)
{
	begin_on(&virtio_balloon_defaults, page, shared);
	for (unsigned seed = 1; seed <= 8; seed++) {
		struct model m = { .unit = (unsigned)(page / PAGE) };
		unsigned random = seed;

		guest_start(&g, formats[seed % ARRAY_SIZE(formats)] | ALL);
		fill();
		for (unsigned i = 0; i < 60; i++) {
			model_step(&m, &random);
			model_check(&m);
		}
		driver_write(&g.d, REG_STATUS, 0);
		EXPECT_EQ(now().inside, 0);
		driver_forget(&g.d);
	}
	if (shared)
		(void)close(ram.fd);
	guest_end(&g);
}

TEST(private_memory_goes_back_as_the_model_says)
{
	run_model(PAGE, false);
}

TEST(shared_memory_goes_back_as_the_model_says)
{
	run_model(PAGE, true);
}

TEST(of_larger_pages_of_the_host_only_whole_ones_go_back)
{
	run_model(64 * KiB, false);
	run_model(16 * KiB, true);
}

/* --- life ------------------------------------------------------------------------------------- */

TEST(it_is_a_balloon_that_says_how_large_it_should_be)
{
	struct virtio_balloon_config c = virtio_balloon_defaults;

	c.size = 3 * MiB;
	begin_on(&c, PAGE, false);
	EXPECT_EQ(driver_read(&g.d, REG_DEVICE_ID), 5);
	driver_write(&g.d, REG_DEVICE_FEATURES_SEL, 0);
	EXPECT_EQ(driver_read(&g.d, REG_DEVICE_FEATURES) & 0xffffff, ALL);
	EXPECT_EQ(driver_read(&g.d, NUM_PAGES), 3 * MiB / PAGE);
	guest_start(&g, ALL);
	EXPECT_EQ(driver_read(&g.d, ACTUAL), 0);
	driver_write(&g.d, ACTUAL, 7);
	driver_write(&g.d, NUM_PAGES, 7); /* not the driver's */
	driver_write(&g.d, REG_CONFIG + 8, 7);
	EXPECT_EQ(driver_read(&g.d, ACTUAL), 7);
	EXPECT_EQ(driver_read(&g.d, NUM_PAGES), 3 * MiB / PAGE);
	EXPECT_EQ(driver_read(&g.d, REG_CONFIG + 8), 0);
	EXPECT_EQ(now().target, 3 * MiB);

	virtio_balloon_resize(v, 3 * MiB + 1);
	EXPECT_EQ(driver_wait(&g.d, 0), 0); /* the same */
	virtio_balloon_resize(v, MiB);
	EXPECT_EQ(driver_wait(&g.d, 0), VIRTIO_INT_CONFIG);
	EXPECT_EQ(driver_read(&g.d, NUM_PAGES), MiB / PAGE);
	EXPECT_EQ(now().target, MiB);
	virtio_balloon_resize(v, UINT64_MAX);
	EXPECT_EQ(driver_read(&g.d, NUM_PAGES), UINT32_MAX);

	/* A reset forgets what was the driver's, and no more. */
	driver_write(&g.d, REG_STATUS, 0);
	EXPECT_EQ(driver_read(&g.d, ACTUAL), 0);
	EXPECT_EQ(driver_read(&g.d, NUM_PAGES), UINT32_MAX);
	guest_end(&g);
}

TEST(what_is_switched_off_is_not_offered)
{
	static const struct virtio_balloon_config none = { .size = 0 };

	begin_on(&none, PAGE, false);
	driver_write(&g.d, REG_DEVICE_FEATURES_SEL, 0);
	EXPECT_EQ(driver_read(&g.d, REG_DEVICE_FEATURES) & 0xffffff, STATS_VQ);
	guest_start(&g, STATS_VQ);
	good(INFLATE, list(0, TARGET, 1, 1));
	EXPECT_EQ(ask(REPORT, &(struct piece){ TARGET_AT, PAGE, true }, 1), -1);
	EXPECT(guest_needs_reset(&g));
	EXPECT_EQ(now().reported, 0);
	guest_start(&g, STATS_VQ);
	good(INFLATE, list(0, TARGET, 1, 1));
	guest_end(&g);
}

/* Linux numbers the queues without those that it does not use. */
TEST(without_statistics_the_third_queue_reports)
{
	begin();
	guest_start(&g, REPORTING);
	good(STATS, (struct piece){ TARGET_AT, 4 * PAGE, true });
	good(REPORT, (struct piece){ TARGET_AT, PAGE, true });
	EXPECT_EQ(now().reported, 5 * PAGE);
	guest_end(&g);
}

TEST(a_guest_that_poisons_its_free_pages_keeps_them)
{
	begin();
	guest_start(&g, ALL);
	fill();
	driver_write(&g.d, POISON_VAL, 0xaaaaaaaa);
	good(REPORT, (struct piece){ TARGET_AT, 4 * PAGE, true });
	EXPECT(kept(TARGET));
	good(INFLATE, list(0, TARGET, 1, 1)); /* in the balloon it has no use for the pattern */
	EXPECT(!kept(TARGET));
	driver_write(&g.d, POISON_VAL, 0);
	good(REPORT, (struct piece){ TARGET_AT, 4 * PAGE, true });
	EXPECT(!kept(TARGET + 1));

	/* A reset ends that as well; and without the feature the field says nothing. */
	driver_write(&g.d, POISON_VAL, 1);
	guest_start(&g, ALL & ~POISON);
	driver_write(&g.d, POISON_VAL, 1);
	fill();
	good(REPORT, (struct piece){ TARGET_AT, 4 * PAGE, true });
	EXPECT(!kept(TARGET));
	guest_end(&g);
}

TEST(a_turn_of_the_loop_does_some_and_goes_on_in_the_next)
{
	const unsigned n = 2 << 20;
	struct virtio_balloon_figures f;
	uint64_t before = 0;
	unsigned turns = 0;

	begin();
	guest_start(&g, ALL);
	fill();
	/* Every other page, again and again: a call to the host for each. */
	for (unsigned i = 0; i < n; i++) {
		const uint32_t page = TARGET + 2 * (i % 1024);

		memcpy(guest_buf(&g, 4 * (size_t)i), &page, 4);
	}
	guest_give(&g, INFLATE, guest_out(0, 4 * (size_t)n));
	while (guest_take(&g, INFLATE) < 0 && turns < 40) {
		guest_turns(&g, 1);
		f = now();
		EXPECT(f.inflated > before);
		EXPECT(f.inflated - before <= 2 * 600 * PAGE);
		before = f.inflated;
		turns++;
	}
	EXPECT_EQ(turns, 40);

	/* It is not finished yet: a reset does not wait for that, and the request is gone. */
	driver_write(&g.d, REG_STATUS, 0);
	EXPECT_EQ(now().inside, 0);
	guest_turns(&g, 3);
	EXPECT_EQ(now().inflated, before);
	guest_start(&g, ALL);
	good(INFLATE, list(0, TARGET, 1, 9));
	EXPECT_EQ(now().inside, 9 * PAGE);
	guest_end(&g);
}

TEST(a_guest_that_resets_with_a_full_balloon_has_all_its_memory)
{
	begin();
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		guest_start(&g, formats[i] | ALL);
		fill();
		good(INFLATE, list(0, TARGET, 1, PAGES / 2));
		EXPECT_EQ(now().inside, PAGES / 2 * PAGE);
		for (unsigned p = 0; p < PAGES / 2; p++)
			EXPECT(!resident(TARGET + p));
		driver_write(&g.d, REG_STATUS, 0);
		EXPECT_EQ(now().inside, 0);
		fill();
		for (unsigned p = 0; p < PAGES / 2; p++)
			EXPECT(kept(TARGET + p));
		driver_forget(&g.d);
	}
	guest_end(&g);
}

/* --- statistics ------------------------------------------------------------------------------- */

static struct virtio_balloon_figures told;
static unsigned times_told;

static void tell(struct virtio_balloon_asked *a UNUSED, const struct virtio_balloon_figures *f)
{
	told = *f;
	times_told++;
}

struct stat_entry {
	uint16_t tag;
	uint64_t value;
};

static struct piece stat_entries(size_t at, const struct stat_entry *s, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		memcpy(guest_buf(&g, at + 10 * (size_t)i), &s[i].tag, 2);
		memcpy(guest_buf(&g, at + 10 * (size_t)i + 2), &s[i].value, 8);
	}
	return guest_out(at, 10 * (size_t)n);
}

TEST(the_guest_s_figures_come_when_they_are_asked_for)
{
	static const struct stat_entry first[] = { { VIRTIO_BALLOON_S_TOTAL, 1000 } };
	static const struct stat_entry second[] = {
		{ VIRTIO_BALLOON_S_FREE, 7 },
		{ VIRTIO_BALLOON_S_TOTAL, 2000 },
		{ 999, 1 },
		{ UINT16_MAX, 2 },
		{ VIRTIO_BALLOON_S_FREE, 300 },
		{ 15, UINT64_MAX },
	};
	struct virtio_balloon_asked a = { .tell = tell };

	begin();
	EXPECT(!virtio_balloon_ask(v, &a));
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		times_told = 0;
		guest_start(&g, formats[i] | ALL);
		guest_turns(&g, 2);
		EXPECT(!virtio_balloon_ask(v, &a));
		guest_give(&g, STATS, stat_entries(0, first, 1));
		guest_turns(&g, 2);
		EXPECT_EQ(guest_take(&g, STATS), -1); /* the device keeps it */
		EXPECT_EQ(now().has_stats, 1 << VIRTIO_BALLOON_S_TOTAL);
		EXPECT_EQ(now().stats[VIRTIO_BALLOON_S_TOTAL], 1000);
		EXPECT_EQ(times_told, 0);

		EXPECT(virtio_balloon_ask(v, &a));
		EXPECT_EQ(guest_take(&g, STATS), 0);
		EXPECT(!virtio_balloon_ask(v, &a)); /* it owes an answer */
		guest_give(&g, STATS, stat_entries(0, second, ARRAY_SIZE(second)));
		guest_turns(&g, 2);
		EXPECT_EQ(times_told, 1);
		EXPECT_EQ(told.has_stats,
			  1 << VIRTIO_BALLOON_S_TOTAL | 1 << VIRTIO_BALLOON_S_FREE | 1 << 15);
		EXPECT_EQ(told.stats[VIRTIO_BALLOON_S_TOTAL], 2000);
		EXPECT_EQ(told.stats[VIRTIO_BALLOON_S_FREE], 300);

		/* Asked, and reset instead: nobody is told of what comes later. */
		EXPECT(virtio_balloon_ask(v, &a));
		guest_start(&g, formats[i] | ALL);
		EXPECT_EQ(now().has_stats, 0);
		guest_give(&g, STATS, stat_entries(0, first, 1));
		guest_turns(&g, 2);
		EXPECT_EQ(times_told, 1);
		driver_write(&g.d, REG_STATUS, 0);
		driver_forget(&g.d);
	}
	guest_end(&g);
}

TEST(figures_of_any_length_and_number_are_harmless)
{
	static const struct stat_entry one[] = { { VIRTIO_BALLOON_S_TOTAL, 1 } };
	static const uint32_t lengths[] = { 1, 9, 11, 19, 4096, 8 << 20 };

	begin();
	guest_start(&g, ALL);
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		(void)stat_entries(0, one, 1);
		guest_give(&g, STATS, guest_out(0, lengths[i]));
		guest_turns(&g, 2);
		EXPECT_EQ(now().stats[VIRTIO_BALLOON_S_TOTAL], i >= 2);
		EXPECT_EQ(now().has_stats & 1 << VIRTIO_BALLOON_S_TOTAL,
			  lengths[i] >= 10 ? 1 << VIRTIO_BALLOON_S_TOTAL : 0);
	}
	guest_give(&g, STATS, guest_in(0, 64)); /* nothing to read */
	/* A buffer too many gives back the one before. */
	for (int i = 0; i < 40; i++)
		guest_give(&g, STATS, guest_out(0, 10));
	guest_turns(&g, 10);
	for (size_t i = 0; i < ARRAY_SIZE(lengths) + 40; i++)
		EXPECT_EQ(guest_take(&g, STATS), 0);
	EXPECT_EQ(guest_take(&g, STATS), -1);
	EXPECT(!guest_needs_reset(&g));
	guest_end(&g);
}

/* --- threads, registers ------------------------------------------------------------------------
 */

static void *run_loop(void *l)
{
	struct err e;

	EXPECT_EQ(loop_run(l, &e), 0);
	return NULL;
}

/* The loop serves while a vCPU resets. */
TEST(a_reset_may_come_while_the_loop_serves)
{
	pthread_t thread;

	begin();
	EXPECT_EQ(pthread_create(&thread, NULL, run_loop, g.loop), 0);
	for (unsigned i = 0; i < 200; i++) {
		guest_start(&g, formats[i % ARRAY_SIZE(formats)] | ALL);
		guest_give(&g, INFLATE, list(0, TARGET, 2, 1 + i * 5));
		guest_give(&g, DEFLATE, list(LIST, TARGET, 1, 1 + i * 5));
		guest_give(&g, REPORT, (struct piece){ TARGET_AT, 1 + i * 20000, true });
		guest_give(&g, STATS, guest_out(0, 100));
		if (i % 3 == 0)
			(void)driver_wait(&g.d, 1);
		driver_write(&g.d, REG_STATUS, 0);
		EXPECT_EQ(now().inside, 0);
		driver_forget(&g.d);
	}
	loop_stop(g.loop);
	EXPECT_EQ(pthread_join(thread, NULL), 0);
	guest_end(&g);
}

TEST(registers_survive_abuse)
{
	begin();
	mmio_abuse(g.d.bus, g.d.dev);
	guest_turns(&g, 5);
	guest_start(&g, ALL);
	good(INFLATE, list(0, TARGET, 1, 1));
	guest_end(&g);
}

TEST(memory_that_cannot_be_given_back_is_said)
{
	struct err e;

	guest_make(&g);
	EXPECT(!virtio_balloon_create(&virtio_balloon_defaults, &g.d.mem, g.loop, &e));
	EXPECT_HAS(e.text, "cannot be given back");
	guest_end(&g);
}

TEST_MAIN(T(each_request_gives_back_what_it_may_or_breaks_the_queue_until_a_reset),
	  T(what_the_device_itself_works_with_may_go),
	  T(private_memory_goes_back_as_the_model_says),
	  T(shared_memory_goes_back_as_the_model_says),
	  T(of_larger_pages_of_the_host_only_whole_ones_go_back),
	  T(it_is_a_balloon_that_says_how_large_it_should_be),
	  T(what_is_switched_off_is_not_offered), T(without_statistics_the_third_queue_reports),
	  T(a_guest_that_poisons_its_free_pages_keeps_them),
	  T(a_turn_of_the_loop_does_some_and_goes_on_in_the_next),
	  T(a_guest_that_resets_with_a_full_balloon_has_all_its_memory),
	  T(the_guest_s_figures_come_when_they_are_asked_for),
	  T(figures_of_any_length_and_number_are_harmless),
	  T(a_reset_may_come_while_the_loop_serves), T(registers_survive_abuse),
	  T(memory_that_cannot_be_given_back_is_said))
