/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/debug/faultlog.h"

#include "vmm/base/io.h"
#include "vmm/base/log.h"
#include "vmm/base/mutex.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NS_PER_S     1000000000ULL
#define PAGE_SHIFT   12
#define SLOTS_LOG2   11
#define SLOTS	     (1U << SLOTS_LOG2) /* twice the kinds, so that chains are short */
#define MAX_PROBES   32			/* a hostile guest can make them long */
#define JSON_BUF_MAX (2 * REPORT_JSON_MAX)

static_assert(SLOTS >= 2 * FAULTLOG_KINDS, "chains are short");

struct slot {
	struct faultsum_kind kind; /* count 0: free */
	unsigned reported;	   /* FAULTLOG_... */
};

struct sink {
	struct faultlog_limit limit; /* max becomes 0 when it fails */
	unsigned used;		     /* reports that count against max */
	uint64_t next;		     /* ns: when the bucket would be full again */
};

struct faultlog {
	struct faultlog_config config; /* constant */

	struct mutex lock;	   /* the innermost */
	struct faultsum sum;	   /* lock; its top is unused */
	struct sink text, json;	   /* lock */
	unsigned stops;		   /* lock */
	bool said_full, said_fast; /* lock */
	struct slot slots[SLOTS];  /* lock */

	struct mutex out;	 /* taken before lock, and held while writing */
	FILE *json_line;	 /* out; owned: writes to json_buf */
	char stream_buf[BUFSIZ]; /* out; of json_line: nothing is allocated on a vCPU's thread */
	char json_buf[JSON_BUF_MAX];	/* out */
	char text_buf[REPORT_TEXT_MAX]; /* out */
};

static_assert(FAULTSUM_TEXT_MAX <= REPORT_TEXT_MAX, "both fit in text_buf");

const struct faultlog_config faultlog_defaults = {
	.nr_vcpus = 1,
	.text = { .max = 32, .burst = 8, .per_second = 4 },
	.json = { .max = 1024, .burst = 64, .per_second = 32 },
	.json_fd = -1,
};

/* --- counting ------------------------------------------------------------------------------- */

static bool same_kind(const struct faultsum_kind *k, const struct fault *f)
{
	return k->pc == f->pc && k->ipa_known == f->ipa_known &&
	       (!f->ipa_known || k->ipa >> PAGE_SHIFT == f->ipa >> PAGE_SHIFT);
}

static unsigned hash(const struct fault *f)
{
	uint64_t page = f->ipa_known ? f->ipa >> PAGE_SHIFT : UINT64_MAX;
	uint64_t h = f->pc;

	/* An odd factor near 2^64 divided by the golden ratio spreads what differs in few bits. */
	h = (h ^ h >> 32) * 0x9e3779b97f4a7c15ULL;
	h = (h ^ page) * 0x9e3779b97f4a7c15ULL;
	return (unsigned)(h >> (64 - SLOTS_LOG2));
}

/* The slot of @f's kind, a new one when there is room; or NULL. */
static struct slot *find_slot(struct faultlog *l, const struct fault *f)
{
	unsigned at = hash(f);

	for (unsigned i = 0; i < MAX_PROBES; i++, at = (at + 1) % SLOTS) {
		struct slot *s = &l->slots[at];

		if (s->kind.count && same_kind(&s->kind, f))
			return s;
		if (s->kind.count)
			continue;
		if (l->sum.kinds == FAULTLOG_KINDS)
			return NULL;
		l->sum.kinds++;
		s->kind = (struct faultsum_kind){
			.pc = f->pc,
			.ipa = f->ipa,
			.ipa_known = f->ipa_known,
			.vcpu = f->vcpu,
			.size = f->size,
			.access = f->access,
			.cause = f->cause,
			.action = f->action,
		};
		return s;
	}
	return NULL;
}

static uint64_t now(const struct faultlog *l)
{
	struct timespec t;

	if (l->config.now)
		return l->config.now(l->config.now_ctx);
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/*
 * Takes a token if there is one. The bucket is kept as the time at which it would be full again:
 * every token taken moves that on, and it is empty when that is a burst away.
 */
static bool take_token(struct sink *s, uint64_t at)
{
	const uint64_t gap = NS_PER_S / s->limit.per_second;

	if (s->next < at)
		s->next = at;
	if (s->next - at > (s->limit.burst - 1) * gap)
		return false;
	s->next += gap;
	return true;
}

/* Whether @s takes one more report now; when not, @fast says whether later ones may be. */
static bool grant(const struct faultlog *l, struct sink *s, bool *fast)
{
	if (s->used == s->limit.max)
		return false;
	*fast = !take_token(s, now(l));
	s->used += !*fast;
	return !*fast;
}

static bool is_stop(const struct fault *f)
{
	return f->action == FAULT_STOPPED || f->action == FAULT_LOCKUP || f->stops;
}

/* What is said once about faults that are not reported in the text; or NULL. */
static const char *once(struct faultlog *l, bool fast)
{
	bool *said = fast ? &l->said_fast : &l->said_full;

	if (*said)
		return NULL;
	*said = true;
	return fast ? "fault: more at once than vmm reports; "
		      "a kind left out is reported when it comes again\n"
		    : "fault: more kinds of faults than vmm lists; only counted from here\n";
}

/* Where to report a fault of the kind in @slot (NULL: one that is not told apart). */
static unsigned choose(struct faultlog *l, struct slot *slot, const struct fault *f,
		       const char **notice)
{
	const bool text = l->text.limit.max > 0, json = l->json.limit.max > 0;
	const unsigned before = slot ? slot->reported : 0;
	unsigned where = 0;
	bool fast = false, ignored;

	if (is_stop(f) && l->stops < FAULTLOG_STOPS) {
		l->stops++;
		where = (text ? FAULTLOG_TEXT : 0) | (json ? FAULTLOG_JSON : 0);
	} else if (slot) {
		if (text && !(before & FAULTLOG_TEXT) && grant(l, &l->text, &fast))
			where |= FAULTLOG_TEXT;
		if (json && !(before & FAULTLOG_JSON) && grant(l, &l->json, &ignored))
			where |= FAULTLOG_JSON;
	}
	if (slot)
		slot->reported |= where;
	l->sum.text += (where & FAULTLOG_TEXT) != 0;
	l->sum.json += (where & FAULTLOG_JSON) != 0;
	if (text && !((before | where) & FAULTLOG_TEXT))
		*notice = once(l, fast);
	return where;
}

/* --- sinks ---------------------------------------------------------------------------------- */

static void say(const struct faultlog *l, const char *lines)
{
	assert_held(&l->out);
	if (l->config.say) {
		l->config.say(l->config.say_ctx, lines);
		return;
	}
	while (*lines) {
		size_t n = strcspn(lines, "\n");

		log_warn("%.*s", (int)n, lines);
		lines += n + (lines[n] == '\n');
	}
}

static void give_up_json(struct faultlog *l, const char *why)
{
	char text[640];

	{
		LOCK_SCOPE(&l->lock);
		if (l->json.limit.max == 0)
			return;
		l->json.limit.max = 0;
	}
	(void)snprintf(text, sizeof(text), "fault log: %s; nothing more is written to it\n", why);
	say(l, text);
}

static bool json_wanted(struct faultlog *l)
{
	LOCK_SCOPE(&l->lock);
	return l->json.limit.max > 0;
}

/* Begins a line in json_buf. */
static void begin_line(struct faultlog *l, struct json_writer *w)
{
	assert_held(&l->out);
	rewind(l->json_line);
	json_start_line(w, l->json_line);
}

/* Ends the line and writes it to the file. */
static void end_line(struct faultlog *l, struct json_writer *w)
{
	struct err e;
	long len;
	int code;

	if (json_finish(w, &e) != 0) {
		give_up_json(l, e.text);
		return;
	}
	len = ftell(l->json_line);
	code = len < 0 ? -errno : io_write(l->config.json_fd, l->json_buf, (size_t)len);
	if (code)
		give_up_json(l, strerror(-code));
}

/* --- what others call ----------------------------------------------------------------------- */

struct faultlog *faultlog_create(const struct faultlog_config *c, struct err *e)
{
	struct faultlog *l = calloc(1, sizeof(*l));

	if (!l) {
		(void)err_set(e, ENOMEM, "fault log: out of memory");
		return NULL;
	}
	assert(c->nr_vcpus >= 1 && c->nr_vcpus <= CONFIG_MAX_CPUS);
	assert(!c->text.max || (c->text.burst && c->text.per_second));
	assert(!c->json.max || (c->json.burst && c->json.per_second));
	l->config = *c;
	l->text.limit = c->text;
	l->sum.nr_vcpus = c->nr_vcpus;
	mutex_init(&l->lock);
	mutex_init(&l->out);
	if (c->json_fd < 0 || c->json.max == 0)
		return l;
	l->json.limit = c->json;
	l->json_line = fmemopen(l->json_buf, sizeof(l->json_buf), "w");
	if (!l->json_line) {
		(void)err_sys(e, "fault log: fmemopen");
		faultlog_destroy(l);
		return NULL;
	}
	(void)setvbuf(l->json_line, l->stream_buf, _IOFBF, sizeof(l->stream_buf));
	return l;
}

void faultlog_destroy(struct faultlog *l)
{
	if (!l)
		return;
	if (l->json_line)
		(void)fclose(l->json_line);
	mutex_destroy(&l->lock);
	mutex_destroy(&l->out);
	free(l);
}

/* All of counting that needs the lock. */
/* Counts @n of @f; returns the slot of its kind, or NULL. */
static struct slot *add_up(struct faultlog *l, const struct fault *f, uint64_t n)
{
	struct slot *slot;

	assert_held(&l->lock);
	l->sum.faults += n;
	l->sum.by_cause[f->cause] += n;
	l->sum.by_action[f->action] += n;
	l->sum.by_vcpu[f->vcpu] += n;
	slot = find_slot(l, f);
	if (slot)
		slot->kind.count += n;
	else
		l->sum.unlisted += n;
	return slot;
}

static unsigned count_locked(struct faultlog *l, const struct fault *f, const char **notice)
{
	LOCK_SCOPE(&l->lock);
	return choose(l, add_up(l, f, 1), f, notice);
}

unsigned faultlog_count(struct faultlog *l, const struct fault *f)
{
	const char *notice = NULL;
	unsigned where;

	assert(f->vcpu < l->config.nr_vcpus && f->access < FAULT_ACCESS_COUNT &&
	       f->cause < FAULT_CAUSE_COUNT && f->action < FAULT_ACTION_COUNT);
	where = count_locked(l, f, &notice);
	if (notice) {
		LOCK_SCOPE(&l->out);
		say(l, notice);
	}
	return where;
}

void faultlog_count_repeats(struct faultlog *l, const struct fault *f, uint64_t n)
{
	LOCK_SCOPE(&l->lock);
	if (n)
		(void)add_up(l, f, n);
}

/* A fault without a syndrome is counted before anyone has looked at the instruction. */
static void learn(struct faultlog *l, const struct fault *f)
{
	struct slot *slot;

	LOCK_SCOPE(&l->lock);
	slot = find_slot(l, f);
	if (slot && slot->kind.size == 0) {
		slot->kind.size = f->size;
		slot->kind.access = f->access;
	}
}

static void write_report(struct faultlog *l, unsigned where, const struct fault *f)
{
	struct json_writer w;

	LOCK_SCOPE(&l->out);
	if (where & FAULTLOG_TEXT) {
		(void)report_text(f, &l->config.names, l->text_buf, sizeof(l->text_buf));
		say(l, l->text_buf);
	}
	if (where & FAULTLOG_JSON && json_wanted(l)) {
		begin_line(l, &w);
		report_json(f, &l->config.names, &w);
		end_line(l, &w);
	}
}

void faultlog_report(struct faultlog *l, unsigned where, const struct fault *f)
{
	learn(l, f);
	write_report(l, where, f);
}

void faultlog_watched(struct faultlog *l, const struct fault *f)
{
	{
		LOCK_SCOPE(&l->lock);
		l->sum.watched++;
	}
	write_report(l, FAULTLOG_TEXT | FAULTLOG_JSON, f);
}

void faultlog_watched_more(struct faultlog *l, uint64_t n)
{
	struct json_writer w;

	{
		LOCK_SCOPE(&l->lock);
		l->sum.watched += n;
		l->sum.watched_more += n;
	}
	LOCK_SCOPE(&l->out);
	(void)faultsum_more_text(n, l->text_buf, sizeof(l->text_buf));
	say(l, l->text_buf);
	if (json_wanted(l)) {
		begin_line(l, &w);
		json_object(&w, NULL);
		json_u64(&w, "watched_not_written", n);
		json_end(&w);
		end_line(l, &w);
	}
}

/* Puts @k where it belongs among the most frequent ones. */
static void insert_top(struct faultsum_kind *top, const struct faultsum_kind *k)
{
	unsigned i = FAULTSUM_TOP;

	while (i > 0 && top[i - 1].count < k->count)
		i--;
	if (i == FAULTSUM_TOP)
		return;
	memmove(&top[i + 1], &top[i], (FAULTSUM_TOP - 1 - i) * sizeof(*top));
	top[i] = *k;
}

void faultlog_sum(struct faultlog *l, struct faultsum *s)
{
	LOCK_SCOPE(&l->lock);
	*s = l->sum;
	if (!s->kinds)
		return; /* leaves the table's memory untouched */
	for (unsigned i = 0; i < SLOTS; i++)
		if (l->slots[i].kind.count)
			insert_top(s->top, &l->slots[i].kind);
}

void faultlog_summary(struct faultlog *l)
{
	struct json_writer w;
	struct faultsum s;

	LOCK_SCOPE(&l->out);
	faultlog_sum(l, &s);
	if (faultsum_text(&s, &l->config.names, l->text_buf, sizeof(l->text_buf)))
		say(l, l->text_buf);
	if (json_wanted(l)) {
		begin_line(l, &w);
		faultsum_json(&s, &l->config.names, &w);
		end_line(l, &w);
	}
}
