/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"
#include "vmm/debug/faultlog.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define MS 1000000ULL
#define PC 0xffff800080015a2cULL

/* --- what the log is given ------------------------------------------------------------------ */

static char said[1 << 20]; /* written by one call after another */
static size_t said_len;
static atomic_bool saying;

static void remember(void *ctx, const char *lines)
{
	size_t n = strlen(lines);

	EXPECT(ctx == said);
	EXPECT(!atomic_exchange(&saying, true)); /* never two at once */
	EXPECT(n > 0 && lines[n - 1] == '\n');
	EXPECT(n < sizeof(said) - said_len);
	memcpy(said + said_len, lines, n + 1);
	said_len += n;
	atomic_store(&saying, false);
}

static uint64_t fake_ns = 5;

static uint64_t fake_now(void *ctx)
{
	EXPECT(ctx == &fake_ns);
	return fake_ns;
}

static bool name_pc(void *ctx, uint64_t va, char *buf, size_t size)
{
	(void)ctx;
	if (va != PC)
		return false;
	(void)snprintf(buf, size, "probe+0x5c/0x2d8");
	return true;
}

/* The defaults with everything seen and the time standing still. */
static struct faultlog_config config(void)
{
	struct faultlog_config c = faultlog_defaults;

	c.nr_vcpus = 4;
	c.say = remember;
	c.say_ctx = said;
	c.now = fake_now;
	c.now_ctx = &fake_ns;
	c.names.name = name_pc;
	return c;
}

/* Limits that a test does not meet. */
static const struct faultlog_limit plenty = { .max = 1000000,
					      .burst = 1000000,
					      .per_second = 1000000 };

static struct faultlog *create(const struct faultlog_config *c)
{
	struct err e;
	struct faultlog *l = faultlog_create(c, &e);

	EXPECT(l != NULL);
	return l;
}

/* A file of the log's, to be read back with read_file(). */
static int new_file(void)
{
	int fd = memfd_create("faults", MFD_CLOEXEC);

	EXPECT(fd >= 0);
	EXPECT_EQ(fcntl(fd, F_SETFL, O_APPEND), 0);
	return fd;
}

static char *read_file(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	char *text;

	EXPECT(size >= 0);
	text = calloc(1, (size_t)size + 1);
	EXPECT(text != NULL);
	EXPECT_EQ(pread(fd, text, (size_t)size, 0), size);
	return text;
}

static struct fault fault_at(uint64_t pc, uint64_t ipa)
{
	return (struct fault){
		.access = FAULT_WRITE, .pc = pc, .size = 4, .ipa_known = true, .ipa = ipa
	};
}

/* Has it counted, and reported where that is asked for; returns where. */
static unsigned meet(struct faultlog *l, const struct fault *f)
{
	unsigned where = faultlog_count(l, f);

	if (where)
		faultlog_report(l, where, f);
	return where;
}

/* In a frame of its own: a struct fault is big. */
static NOINLINE unsigned meet_at(struct faultlog *l, uint64_t pc, uint64_t ipa)
{
	struct fault f = fault_at(pc, ipa);

	return meet(l, &f);
}

static NOINLINE void repeat_at(struct faultlog *l, uint64_t pc, uint64_t ipa, uint64_t n)
{
	struct fault f = fault_at(pc, ipa);

	faultlog_count_repeats(l, &f, n);
}

static unsigned times_said(const char *what)
{
	unsigned n = 0;

	for (const char *p = said; (p = strstr(p, what)); p++)
		n++;
	return n;
}

static void forget_said(void)
{
	said_len = 0;
	said[0] = '\0';
}

/* --- repeats -------------------------------------------------------------------------------- */

TEST(faultlog_reports_a_kind_once)
{
	struct faultlog_config c = config();
	struct faultlog *l = create(&c);
	struct fault unknown = { .pc = PC }, other = { .pc = PC + 4 };

	EXPECT_EQ(meet_at(l, PC, 0xa000e40), FAULTLOG_TEXT);
	EXPECT_EQ(meet_at(l, PC, 0xa000e40), 0);
	EXPECT_EQ(meet_at(l, PC, 0xa000000), 0); /* the same page, to its first byte */
	EXPECT_EQ(meet_at(l, PC, 0xa000fff), 0);
	EXPECT_EQ(meet_at(l, PC, 0xa001000), FAULTLOG_TEXT); /* another page */
	EXPECT_EQ(meet_at(l, PC + 4, 0xa000e40), FAULTLOG_TEXT);
	EXPECT_EQ(meet_at(l, PC, 0xa000e40 | 1ULL << 63), FAULTLOG_TEXT);
	EXPECT_EQ(meet_at(l, PC ^ 1ULL << 63, 0xa000e40), FAULTLOG_TEXT);
	EXPECT_EQ(meet(l, &unknown), FAULTLOG_TEXT); /* without an address: by PC */
	EXPECT_EQ(meet(l, &unknown), 0);
	EXPECT_EQ(meet(l, &other), FAULTLOG_TEXT);
	EXPECT_EQ(meet_at(l, PC, 0), FAULTLOG_TEXT); /* page 0 is not an unknown one */
	EXPECT_EQ(times_said("fault: vCPU"), 8);
	faultlog_destroy(l);
}

TEST(faultlog_reports_the_text_of_the_fault)
{
	struct faultlog_config c = config();
	struct faultlog *l = create(&c);
	struct fault f = fault_at(PC, 0xa000e40);
	static char text[REPORT_TEXT_MAX];

	EXPECT_EQ(meet(l, &f), FAULTLOG_TEXT);
	(void)report_text(&f, &c.names, text, sizeof(text));
	EXPECT_STR(said, text);
	EXPECT_HAS(said, " probe+0x5c/0x2d8\n");
	faultlog_destroy(l);
}

TEST(faultlog_counts_every_fault_by_cause_action_and_vcpu)
{
	struct faultlog_config c = config();
	struct faultlog *l = create(&c);
	static struct faultsum s;
	uint64_t n = 0;

	for (enum fault_cause i = 0; i < FAULT_CAUSE_COUNT; i++) {
		for (enum fault_action a = 0; a < FAULT_ACTION_COUNT; a++) {
			struct fault f = { .cause = i, .action = a, .pc = PC };

			f.vcpu = ((unsigned)i + (unsigned)a) % 3;
			for (unsigned times = 0; times <= 10U * i + (unsigned)a; times++, n++)
				(void)meet(l, &f);
		}
	}
	faultlog_sum(l, &s);
	EXPECT_EQ(s.faults, n);
	EXPECT_EQ(s.kinds, 1);
	EXPECT_EQ(s.unlisted, 0);
	EXPECT_EQ(s.top[0].count, n);
	EXPECT_EQ(s.by_vcpu[3], 0);
	for (unsigned i = 0; i < 3; i++) {
		EXPECT(s.by_vcpu[i] > 0);
		n -= s.by_vcpu[i];
	}
	EXPECT_EQ(n, 0);
	for (unsigned i = 0; i < FAULT_CAUSE_COUNT; i++) /* sum over a of (10 i + a + 1) */
		EXPECT_EQ(s.by_cause[i], FAULT_ACTION_COUNT * (10 * i + 1) +
						 FAULT_ACTION_COUNT * (FAULT_ACTION_COUNT - 1) / 2);
	for (unsigned a = 0; a < FAULT_ACTION_COUNT; a++)
		EXPECT_EQ(s.by_action[a],
			  FAULT_CAUSE_COUNT * (a + 1) +
				  10 * FAULT_CAUSE_COUNT * (FAULT_CAUSE_COUNT - 1) / 2);
	faultlog_destroy(l);
}

/* --- limits --------------------------------------------------------------------------------- */

TEST(faultlog_reports_no_more_kinds_than_its_limit_and_says_so_once)
{
	struct faultlog_config c = config();
	struct faultlog *l;
	unsigned text = 0, json = 0;

	c.json_fd = new_file();
	c.text = (struct faultlog_limit){ .max = 5, .burst = 100, .per_second = 100 };
	c.json = (struct faultlog_limit){ .max = 7, .burst = 100, .per_second = 100 };
	l = create(&c);
	for (unsigned i = 0; i < 20; i++) {
		unsigned where = meet_at(l, PC + 4 * i, 0xa000000);

		EXPECT_EQ(where, (i < 5 ? FAULTLOG_TEXT : 0) | (i < 7 ? FAULTLOG_JSON : 0));
		text += where & FAULTLOG_TEXT ? 1 : 0;
		json += where & FAULTLOG_JSON ? 1 : 0;
		fake_ns += 1000 * MS;
	}
	for (unsigned i = 0; i < 20; i++) /* nor when they come again */
		EXPECT_EQ(meet_at(l, PC + 4 * i, 0xa000000), 0);
	EXPECT_EQ(text, 5);
	EXPECT_EQ(json, 7);
	EXPECT_EQ(times_said("fault: vCPU"), 5);
	EXPECT_EQ(
		times_said("fault: more kinds of faults than vmm lists; only counted from here\n"),
		1);
	EXPECT_EQ(times_said("\nfault: "), 5); /* and nothing else */
	faultlog_destroy(l);
	(void)close(c.json_fd);
}

TEST(faultlog_reports_no_faster_than_its_rate_and_makes_up_for_it_later)
{
	struct faultlog_config c = config();
	struct faultlog *l;
	unsigned n = 0;

	c.text = (struct faultlog_limit){ .max = 100, .burst = 3, .per_second = 4 };
	l = create(&c);
	for (unsigned i = 0; i < 10; i++)
		EXPECT_EQ(meet_at(l, PC + 4 * i, 0), i < 3 ? FAULTLOG_TEXT : 0);
	EXPECT_EQ(times_said("fault: more at once than vmm reports; a kind left out is reported "
			     "when it comes again\n"),
		  1);
	fake_ns += 249 * MS;
	EXPECT_EQ(meet_at(l, PC + 4 * 5, 0), 0);
	fake_ns += 1 * MS;
	EXPECT_EQ(meet_at(l, PC, 0), 0);		     /* was reported before */
	EXPECT_EQ(meet_at(l, PC + 4 * 5, 0), FAULTLOG_TEXT); /* takes the token of 250 ms */
	EXPECT_EQ(meet_at(l, PC + 4 * 6, 0), 0);
	fake_ns += 3600 * 1000 * MS;
	for (unsigned i = 0; i < 10; i++) /* a pause fills the bucket, and no more */
		n += meet_at(l, PC + 4 * i, 0) ? 1 : 0;
	EXPECT_EQ(n, 3);
	EXPECT_EQ(times_said("fault: more "), 1);
	EXPECT_EQ(times_said("fault: vCPU"), 7);
	faultlog_destroy(l);
}

TEST(faultlog_survives_a_clock_that_goes_back)
{
	struct faultlog_config c = config();
	struct faultlog *l = create(&c);

	fake_ns = UINT64_MAX - 3000 * MS;
	EXPECT_EQ(meet_at(l, PC, 0), FAULTLOG_TEXT);
	fake_ns = 0;
	EXPECT_EQ(meet_at(l, PC + 4, 0), 0);
	fake_ns = UINT64_MAX - 2000 * MS;
	EXPECT_EQ(meet_at(l, PC + 8, 0), FAULTLOG_TEXT);
	faultlog_destroy(l);
}

TEST(faultlog_always_reports_where_vmm_stops_but_not_for_ever)
{
	static const enum fault_action stops[] = { FAULT_STOPPED, FAULT_LOCKUP, FAULT_BY_KVM };
	struct faultlog_config c = config();
	struct faultlog *l;
	struct fault f = fault_at(PC, 0);

	c.text.max = 1;
	l = create(&c);
	for (unsigned i = 0; i < 2000; i++)
		(void)meet_at(l, PC + 4 * i, 0); /* uses up the limit and fills the table */
	EXPECT_EQ(times_said("fault: vCPU"), 1);
	for (unsigned i = 0; i < FAULTLOG_STOPS; i++) {
		f.action = stops[i % 3];
		f.stops = f.action == FAULT_BY_KVM;
		f.pc = i % 4 ? PC : ~PC; /* repeats, and one that the table has no room for */
		EXPECT_EQ(meet(l, &f), FAULTLOG_TEXT);
	}
	EXPECT_EQ(meet(l, &f), 0);
	EXPECT_EQ(times_said("fault: vCPU"), 1 + FAULTLOG_STOPS);
	faultlog_destroy(l);
}

TEST(faultlog_says_nothing_but_the_sum_when_text_is_off)
{
	struct faultlog_config c = config();
	struct faultlog *l;
	struct fault f = fault_at(PC, 0);

	c.text = (struct faultlog_limit){ 0 };
	l = create(&c);
	for (unsigned i = 0; i < 2000; i++)
		EXPECT_EQ(meet_at(l, PC + 4 * i, 0), 0);
	f.action = FAULT_STOPPED;
	EXPECT_EQ(meet(l, &f), 0);
	EXPECT_STR(said, "");
	faultlog_summary(l);
	EXPECT_HAS(said, "faults: 2,001 in all, of more than 1,024 kinds; none reported above\n");
	faultlog_destroy(l);
}

static uint32_t seed = 12345;

static uint32_t any(void)
{
	seed = seed * 1664525 + 1013904223;
	return seed >> 8;
}

TEST(faultlog_output_is_bounded_in_a_storm_of_all_kinds)
{
	enum { STORM = 300000 };
	struct faultlog_config c = config();
	struct faultlog *l;
	static struct faultsum s;
	char *file;
	unsigned lines = 0;

	c.json_fd = new_file();
	l = create(&c);
	for (unsigned i = 0; i < STORM; i++) {
		(void)meet_at(l, (uint64_t)any() << 32 | any(), (uint64_t)any() << 20);
		fake_ns += MS; /* five minutes in all */
	}
	faultlog_sum(l, &s);
	EXPECT_EQ(s.faults, STORM);
	EXPECT(s.kinds > FAULTLOG_KINDS * 9 / 10 && s.kinds <= FAULTLOG_KINDS);
	/* The table is full after about a second of kinds that come once. */
	EXPECT(s.text >= faultlog_defaults.text.burst && s.text <= faultlog_defaults.text.max);
	EXPECT_EQ(times_said("fault: vCPU"), s.text);
	EXPECT_EQ(times_said("fault: more "), 2); /* rate, kinds */
	EXPECT(s.unlisted >= STORM - FAULTLOG_KINDS - STORM / 100);
	EXPECT(s.json <= faultlog_defaults.json.max);
	faultlog_summary(l);
	file = read_file(c.json_fd);
	for (const char *p = file; (p = strchr(p, '\n')); p++)
		lines++;
	EXPECT_EQ(lines, s.json + 1);
	free(file);
	faultlog_destroy(l);
	(void)close(c.json_fd);
}

/* --- the file ------------------------------------------------------------------------------- */

TEST(faultlog_writes_one_valid_object_a_line_and_the_sum_last)
{
	struct faultlog_config c = config();
	struct faultlog *l;
	const struct json *v;
	struct json *root;
	struct err e;
	char *file, *line, *rest;
	unsigned lines = 0;

	c.json_fd = new_file();
	c.text.max = 0;
	l = create(&c);
	for (unsigned i = 0; i < 40; i++) {
		struct fault f = fault_at(PC + 4 * i, 0xa000000);

		/* Long and short lines by turns: nothing of an earlier one may remain. */
		memset(f.regime, i % 2 ? '"' : 0, sizeof(f.regime));
		f.nr_frames = i % 2 ? FAULT_FRAMES : 0;
		EXPECT_EQ(meet(l, &f), FAULTLOG_JSON);
	}
	faultlog_summary(l);
	file = read_file(c.json_fd);
	EXPECT(file[strlen(file) - 1] == '\n');
	for (line = strtok_r(file, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		root = json_parse(line, strlen(line), &e);
		if (!root)
			test_fail(__FILE__, __LINE__, "%s: %s", e.text, line);
		v = json_get(root, "summary");
		EXPECT_EQ(v != NULL, lines == 40);
		if (!v) {
			EXPECT_STR(json_get(root, "cause")->text, "nothing-there");
			EXPECT_EQ(json_get(root, "stage1") != NULL, lines % 2);
		} else {
			EXPECT_STR(json_get(v, "faults")->text, "40");
			EXPECT_STR(json_get(v, "json")->text, "40");
		}
		json_free(root);
		lines++;
	}
	EXPECT_EQ(lines, 41);
	free(file);
	faultlog_destroy(l);
	(void)close(c.json_fd);
}

TEST(faultlog_gives_up_a_full_file_says_so_once_and_goes_on)
{
	struct faultlog_config c = config();
	struct faultlog *l;
	static struct faultsum s;

	c.json_fd = open("/dev/full", O_WRONLY | O_APPEND | O_CLOEXEC);
	EXPECT(c.json_fd >= 0);
	c.text = c.json = plenty;
	l = create(&c);
	EXPECT_EQ(meet_at(l, PC, 0), FAULTLOG_TEXT | FAULTLOG_JSON);
	EXPECT_EQ(times_said("fault log: No space left on device; nothing more is written to it\n"),
		  1);
	EXPECT_EQ(meet_at(l, PC + 4, 0), FAULTLOG_TEXT);
	/* Another vCPU was asked to report before the file failed. */
	faultlog_report(l, FAULTLOG_JSON, &(struct fault){ .pc = PC });
	faultlog_summary(l);
	EXPECT_EQ(times_said("fault log: "), 1);
	faultlog_sum(l, &s);
	EXPECT_EQ(s.faults, 2);
	faultlog_destroy(l);
	(void)close(c.json_fd);
}

/* --- the sum -------------------------------------------------------------------------------- */

TEST(faultlog_sum_is_silent_without_faults_and_short_when_all_were_reported)
{
	struct faultlog_config c = config();
	struct faultlog *l;
	char *file;

	c.json_fd = new_file();
	c.nr_vcpus = 2;
	l = create(&c);
	faultlog_summary(l);
	EXPECT_STR(said, "");
	file = read_file(c.json_fd); /* a run that ended well says so to a program */
	EXPECT_STR(file, "{\"summary\":{\"faults\":0,\"kinds\":0,\"unlisted\":0,\"text\":0,"
			 "\"json\":0,\"causes\":{},\"actions\":{},\"vcpus\":[0,0],\"top\":[]}}\n");
	free(file);
	(void)meet_at(l, PC, 0);
	forget_said();
	faultlog_summary(l);
	EXPECT_STR(said, "faults: 1 in all, reported above\n");
	faultlog_destroy(l);
	(void)close(c.json_fd);
}

TEST(faultlog_counts_and_says_what_was_not_written_of_the_watched)
{
	struct faultlog_config c = config();
	struct faultlog *l;
	struct fault hit = fault_at(PC, 0x40000000);
	static struct faultsum s;
	char *file;

	hit.cause = FAULT_WATCHED;
	hit.action = FAULT_CARRIED_OUT;
	c.json_fd = new_file();
	l = create(&c);
	faultlog_watched(l, &hit);
	EXPECT_EQ(ftruncate(c.json_fd, 0), 0);
	forget_said();
	faultlog_watched_more(l, 1);
	faultlog_watched_more(l, 12345);
	EXPECT_STR(said, "watch: 1 access more, not written: they came too fast\n"
			 "watch: 12,345 accesses more, not written: they came too fast\n");
	forget_said();
	faultlog_sum(l, &s);
	EXPECT_EQ(s.watched, 12347);
	EXPECT_EQ(s.watched_more, 12346);
	EXPECT_EQ(s.faults, 0);
	faultlog_summary(l);
	EXPECT_STR(said, "watch: 12,347 accesses; 1 reported above\n");
	file = read_file(c.json_fd);
	EXPECT_STR(file,
		   "{\"watched_not_written\":1}\n{\"watched_not_written\":12345}\n"
		   "{\"summary\":{\"faults\":0,\"watched\":12347,"
		   "\"watched_not_written\":12346,\"kinds\":0,\"unlisted\":0,\"text\":0,"
		   "\"json\":0,\"causes\":{},\"actions\":{},\"vcpus\":[0,0,0,0],\"top\":[]}}\n");
	free(file);
	faultlog_destroy(l);
	(void)close(c.json_fd);
}

TEST(faultlog_tells_faults_apart_however_many_accesses_were_watched)
{
	struct faultlog_config c = config();
	struct faultlog *l = create(&c);
	static struct faultsum s;

	for (unsigned i = 0; i < FAULTLOG_KINDS; i++) {
		struct fault hit = fault_at(PC + 4 * i, 0x40000000);

		hit.cause = FAULT_WATCHED;
		hit.action = FAULT_CARRIED_OUT;
		faultlog_watched(l, &hit);
		forget_said();
	}
	EXPECT_EQ(meet_at(l, PC, 0xa000e40), FAULTLOG_TEXT);
	faultlog_sum(l, &s);
	EXPECT_EQ(s.kinds, 1);
	EXPECT_EQ(s.unlisted, 0);
	faultlog_destroy(l);
}

TEST(faultlog_sum_shows_the_most_frequent_kinds)
{
	struct faultlog_config c = config();
	struct faultlog *l;
	struct fault f = fault_at(PC, 0xa000e40), g = { .access = FAULT_FETCH,
							.cause = FAULT_READ_ONLY,
							.action = FAULT_SKIPPED,
							.vcpu = 3,
							.pc = 0x400580 };
	char *file;

	c.json_fd = new_file();
	l = create(&c);
	for (unsigned i = 0; i < 1234567; i++)
		(void)meet(l, &f);
	for (unsigned i = 0; i < 1000; i++)
		(void)meet(l, &g);
	forget_said();
	EXPECT_EQ(ftruncate(c.json_fd, 0), 0);
	faultlog_summary(l);
	EXPECT_STR(said, "faults: 1,235,567 in all, of 2 kinds; 2 reported above\n"
			 "  why              nothing there: 1,234,567, read-only: 1,000\n"
			 "  vmm did          external abort: 1,234,567, skipped: 1,000\n"
			 "  on               vCPU 0: 1,234,567, vCPU 3: 1,000\n"
			 "  1,234,567 times  write of 4 bytes at 0x0a000e40, nothing there: "
			 "external abort\n"
			 "                   pc 0xffff800080015a2c probe+0x5c/0x2d8\n"
			 "  1,000 times      instruction fetch at an unknown address, read-only: "
			 "skipped\n"
			 "                   pc 0x00400580\n");
	file = read_file(c.json_fd);
	EXPECT_STR(file,
		   "{\"summary\":{\"faults\":1235567,\"kinds\":2,\"unlisted\":0,\"text\":2,"
		   "\"json\":2,\"causes\":{\"nothing-there\":1234567,\"read-only\":1000},"
		   "\"actions\":{\"aborted\":1234567,\"skipped\":1000},"
		   "\"vcpus\":[1234567,0,0,1000],\"top\":["
		   "{\"count\":1234567,\"pc\":\"0xffff800080015a2c\","
		   "\"pc_name\":\"probe+0x5c/0x2d8\",\"ipa\":\"0xa000e40\",\"access\":\"write\","
		   "\"size\":4,\"cause\":\"nothing-there\",\"action\":\"aborted\",\"vcpu\":0},"
		   "{\"count\":1000,\"pc\":\"0x400580\",\"access\":\"fetch\","
		   "\"cause\":\"read-only\",\"action\":\"skipped\",\"vcpu\":3}]}}\n");
	free(file);
	faultlog_destroy(l);
	(void)close(c.json_fd);
}

TEST(faultlog_sum_has_the_size_that_only_the_report_could_tell)
{
	struct faultlog_config c = config();
	struct faultlog *l;
	struct fault f = fault_at(PC, 0xa000e40);
	unsigned where;

	l = create(&c);
	f.size = 0;
	f.access = FAULT_READ;
	where = faultlog_count(l, &f);
	f.size = 16;
	f.access = FAULT_READ_WRITE;
	faultlog_report(l, where, &f);
	f.size = 0;
	f.access = FAULT_READ;
	EXPECT_EQ(faultlog_count(l, &f), 0);
	forget_said();
	faultlog_summary(l);
	EXPECT_STR(said,
		   "faults: 2 in all, of 1 kind; 1 reported above\n"
		   "  why              nothing there: 2\n"
		   "  vmm did          external abort: 2\n"
		   "  on               vCPU 0: 2\n"
		   "  2 times          atomic operation on 16 bytes at 0x0a000e40, nothing there: "
		   "external abort\n"
		   "                   pc 0xffff800080015a2c probe+0x5c/0x2d8\n");
	faultlog_destroy(l);
}

TEST(faultlog_sum_sorts_the_kinds_and_counts_those_it_does_not_show)
{
	struct faultlog_config c = config();
	struct faultlog *l;
	static struct faultsum s;

	c.nr_vcpus = CONFIG_MAX_CPUS;
	l = create(&c);
	for (unsigned i = 0; i < 40; i++) {
		struct fault f = fault_at(PC + 4 * i, 0);

		f.vcpu = CONFIG_MAX_CPUS - 1 - i;
		for (unsigned times = 0; times <= i * 7 % 40; times++) /* 1 to 40, mixed */
			(void)meet(l, &f);
	}
	faultlog_sum(l, &s);
	for (unsigned i = 0; i < FAULTSUM_TOP; i++)
		EXPECT_EQ(s.top[i].count, 40 - i);
	forget_said();
	faultlog_summary(l);
	EXPECT_HAS(said, "faults: 820 in all, of 40 kinds; 8 reported above\n");
	EXPECT_HAS(said, "  40 times ");
	EXPECT_HAS(said, "  36 times ");
	EXPECT_EQ(times_said("35 times"), 0);
	EXPECT_HAS(said, "                   and 35 more kinds\n");
	EXPECT_HAS(said, ", others: ");
	faultlog_destroy(l);
}

TEST(faultsum_of_the_greatest_size_fits)
{
	static struct faultsum s;
	static char text[FAULTSUM_TEXT_MAX];
	struct json_writer w;
	struct err e;
	char *line = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&line, &size);

	memset(&s, 0xff, sizeof(s));
	s.nr_vcpus = CONFIG_MAX_CPUS;
	for (unsigned i = 0; i < FAULTSUM_TOP; i++)
		s.top[i] = (struct faultsum_kind){ .count = UINT64_MAX,
						   .pc = PC,
						   .ipa = UINT64_MAX,
						   .ipa_known = true,
						   .vcpu = UINT32_MAX,
						   .size = UINT32_MAX,
						   .access = FAULT_READ_WRITE,
						   .cause = FAULT_NOT_FOR_DEVICE,
						   .action = FAULT_LOCKUP };
	s.text = 1;
	EXPECT(faultsum_text(&s, NULL, text, sizeof(text)) < sizeof(text) - 1024);
	EXPECT_HAS(text, "18,446,744,073,709,551,615 in all");
	EXPECT(out != NULL);
	json_start_line(&w, out);
	faultsum_json(&s, NULL, &w);
	EXPECT_EQ(json_finish(&w, &e), 0);
	(void)fclose(out);
	EXPECT(size < REPORT_JSON_MAX - FAULTSUM_TOP * 2 * sizeof(struct report_name));
	free(line);
}

/* --- the world around ----------------------------------------------------------------------- */

TEST(faultlog_speaks_on_the_log_with_a_prefix_on_every_line)
{
	struct faultlog_config c = faultlog_defaults;
	struct faultlog *l = create(&c);
	int fd = new_file(), before = dup(STDERR_FILENO);
	struct fault f = fault_at(PC, 0xa000e40);
	unsigned lines = 0;
	char *text;

	(void)snprintf(f.state, sizeof(f.state), "100%% EL1h %%s%%n"); /* is no format */
	EXPECT(before >= 0 && dup2(fd, STDERR_FILENO) == STDERR_FILENO);
	EXPECT_EQ(meet(l, &f), FAULTLOG_TEXT);
	EXPECT_EQ(meet(l, &f), 0);
	faultlog_summary(l);
	EXPECT(dup2(before, STDERR_FILENO) == STDERR_FILENO);
	text = read_file(fd);
	EXPECT(strncmp(text, "vmm: fault: vCPU 0 wrote 4 bytes to 0x0a000e40", 46) == 0);
	EXPECT_HAS(text, "\nvmm:   cpu              vCPU 0, 100% EL1h %s%n\n");
	EXPECT_HAS(text, "\nvmm: faults: 2 in all, of 1 kind; 1 reported above\n");
	for (const char *p = text; *p; p = strchr(p, '\n') + 1, lines++)
		EXPECT(strncmp(p, "vmm: ", 5) == 0);
	EXPECT(lines > 8);
	free(text);
	faultlog_destroy(l);
	faultlog_destroy(NULL);
}

enum { THREADS = 4, ROUNDS = 20000 };

static struct faultlog *shared;

/* Others may look at any time. In a frame of its own, for its size. */
static NOINLINE void look_at_sum(void)
{
	struct faultsum s;

	faultlog_sum(shared, &s);
	EXPECT(s.top[0].count <= s.faults);
}

/* Repeats of one kind that all threads share, and new kinds of each thread's own. */
static void *hammer(void *arg)
{
	unsigned me = *(unsigned *)arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct fault f = fault_at(PC, 0xa000e40);

		f.vcpu = me;
		f.cause = i % FAULT_CAUSE_COUNT;
		f.action = i % 5;
		if (i % 64 == 0)
			f.pc += 4 * (me + THREADS * (uint64_t)i);
		(void)meet(shared, &f);
		if (i % 5000 == 0)
			look_at_sum();
	}
	return NULL;
}

TEST(faultlog_counts_exactly_while_many_vcpus_fault_at_once)
{
	struct faultlog_config c = config();
	static unsigned number[THREADS];
	pthread_t t[THREADS];
	static struct faultsum s;
	uint64_t causes = 0, actions = 0;
	unsigned lines = 0;
	char *file;

	c.json_fd = new_file();
	c.text = (struct faultlog_limit){ .max = 100, .burst = 100, .per_second = 1 };
	c.json = plenty;
	c.nr_vcpus = THREADS;
	c.now = NULL;
	shared = create(&c);
	for (unsigned i = 0; i < THREADS; i++) {
		number[i] = i;
		EXPECT_EQ(pthread_create(&t[i], NULL, hammer, &number[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		EXPECT_EQ(pthread_join(t[i], NULL), 0);
	faultlog_sum(shared, &s);
	EXPECT_EQ(s.faults, THREADS * ROUNDS);
	for (unsigned i = 0; i < THREADS; i++)
		EXPECT_EQ(s.by_vcpu[i], ROUNDS);
	for (unsigned i = 0; i < FAULT_CAUSE_COUNT; i++)
		causes += s.by_cause[i];
	for (unsigned i = 0; i < FAULT_ACTION_COUNT; i++)
		actions += s.by_action[i];
	EXPECT_EQ(causes, THREADS * ROUNDS);
	EXPECT_EQ(actions, THREADS * ROUNDS);
	EXPECT_EQ(s.by_action[4], THREADS * (ROUNDS / 5));
	EXPECT(s.top[0].count + s.unlisted >= THREADS * (ROUNDS - ROUNDS / 64 - 1));
	file = read_file(c.json_fd);
	for (char *p = file, *end; (end = strchr(p, '\n')); p = end + 1, lines++) {
		struct err e;
		struct json *v = json_parse(p, (size_t)(end - p), &e);

		EXPECT(v != NULL); /* lines of two vCPUs do not mix */
		json_free(v);
	}
	EXPECT_EQ(lines, s.json);
	EXPECT_EQ(times_said("fault: vCPU"), s.text);
	free(file);
	faultlog_destroy(shared);
	(void)close(c.json_fd);
}

TEST(faultlog_counts_repeats_without_a_report)
{
	const struct faultlog_config c = config();
	struct faultlog *l = create(&c);
	static struct faultsum s;

	EXPECT_EQ(meet_at(l, PC, 0x1000), FAULTLOG_TEXT);
	forget_said();
	repeat_at(l, PC, 0x1000, 0);
	repeat_at(l, PC, 0x1000, 41);
	EXPECT_STR(said, "");
	faultlog_sum(l, &s);
	EXPECT_EQ(s.faults, 42);
	EXPECT_EQ(s.kinds, 1);
	EXPECT_EQ(s.by_vcpu[0], 42);
	EXPECT_EQ(s.top[0].count, 42);
	faultlog_destroy(l);
}

TEST_MAIN(T(faultlog_counts_repeats_without_a_report),
	  T(faultlog_sum_has_the_size_that_only_the_report_could_tell),
	  T(faultlog_reports_a_kind_once), T(faultlog_reports_the_text_of_the_fault),
	  T(faultlog_counts_every_fault_by_cause_action_and_vcpu),
	  T(faultlog_reports_no_more_kinds_than_its_limit_and_says_so_once),
	  T(faultlog_reports_no_faster_than_its_rate_and_makes_up_for_it_later),
	  T(faultlog_survives_a_clock_that_goes_back),
	  T(faultlog_always_reports_where_vmm_stops_but_not_for_ever),
	  T(faultlog_says_nothing_but_the_sum_when_text_is_off),
	  T(faultlog_output_is_bounded_in_a_storm_of_all_kinds),
	  T(faultlog_writes_one_valid_object_a_line_and_the_sum_last),
	  T(faultlog_gives_up_a_full_file_says_so_once_and_goes_on),
	  T(faultlog_sum_is_silent_without_faults_and_short_when_all_were_reported),
	  T(faultlog_counts_and_says_what_was_not_written_of_the_watched),
	  T(faultlog_tells_faults_apart_however_many_accesses_were_watched),
	  T(faultlog_sum_shows_the_most_frequent_kinds),
	  T(faultlog_sum_sorts_the_kinds_and_counts_those_it_does_not_show),
	  T(faultsum_of_the_greatest_size_fits),
	  T(faultlog_speaks_on_the_log_with_a_prefix_on_every_line),
	  T(faultlog_counts_exactly_while_many_vcpus_fault_at_once))
