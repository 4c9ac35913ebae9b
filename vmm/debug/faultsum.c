/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/debug/faultsum.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define TEXT_TOP   5 /* kinds in the text */
#define TEXT_VCPUS 4 /* vCPUs in the text */

struct out {
	char *buf;
	size_t size, len;
};

static void PRINTF(2, 3) put(struct out *o, const char *fmt, ...)
{
	va_list va;
	int n;

	if (o->len + 1 >= o->size)
		return;
	va_start(va, fmt);
	n = vsnprintf(o->buf + o->len, o->size - o->len, fmt, va);
	va_end(va);
	if (n > 0)
		o->len += (size_t)n < o->size - o->len ? (size_t)n : o->size - o->len - 1;
}

/* "1,000,000" */
static struct text number(uint64_t v)
{
	struct text t, digits;
	int n = snprintf(digits.s, sizeof(digits.s), "%" PRIu64, v);
	size_t at = 0;

	for (int i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0)
			t.s[at++] = ',';
		t.s[at++] = digits.s[i];
	}
	t.s[at] = '\0';
	return t;
}

/* Begins a row in the column of the report's rows. */
static void label(struct out *o, const char *text)
{
	put(o, "  %-15s  ", text);
}

static void put_vcpus(struct out *o, const struct faultsum *s)
{
	uint64_t rest = s->faults;
	unsigned shown = 0;

	label(o, "on");
	for (unsigned i = 0; i < s->nr_vcpus && shown < TEXT_VCPUS; i++) {
		if (!s->by_vcpu[i])
			continue;
		put(o, "%svCPU %u: %s", shown++ ? ", " : "", i, number(s->by_vcpu[i]).s);
		rest -= s->by_vcpu[i];
	}
	if (rest)
		put(o, ", others: %s", number(rest).s);
	put(o, "\n");
}

static void put_kind(struct out *o, const struct faultsum_kind *k, const struct report_names *names)
{
	struct report_name pc = report_name(names, k->pc);
	char times[80], where[32] = "an unknown address";

	(void)snprintf(times, sizeof(times), "%s time%s", number(k->count).s,
		       k->count == 1 ? "" : "s");
	if (k->ipa_known)
		(void)snprintf(where, sizeof(where), "0x%08" PRIx64, k->ipa);
	label(o, times);
	put(o, "%s at %s, %s: %s\n", report_access_words(k->access, k->size).s, where,
	    report_cause_words(k->cause), report_action_words(k->action));
	label(o, "");
	put(o, "pc 0x%08" PRIx64 "%s%s\n", k->pc, pc.s[0] ? " " : "", pc.s);
}

/* "2,366 accesses" */
static void put_accesses(struct out *o, uint64_t n)
{
	put(o, "%s access%s", number(n).s, n == 1 ? "" : "es");
}

static void put_watched(struct out *o, const struct faultsum *s)
{
	put(o, "watch: ");
	put_accesses(o, s->watched);
	if (s->watched_more)
		put(o, "; %s reported above\n", number(s->watched - s->watched_more).s);
	else
		put(o, ", reported above\n");
}

size_t faultsum_more_text(uint64_t n, char *buf, size_t size)
{
	struct out o = { .buf = buf, .size = size };

	if (size)
		buf[0] = '\0';
	put(&o, "watch: ");
	put_accesses(&o, n);
	put(&o, " more, not written: they came too fast\n");
	return o.len;
}

size_t faultsum_text(const struct faultsum *s, const struct report_names *names, char *buf,
		     size_t size)
{
	struct out o = { .buf = buf, .size = size };
	const char *comma = "";
	unsigned shown = 0;

	if (size)
		buf[0] = '\0';
	if (s->watched)
		put_watched(&o, s);
	if (!s->faults)
		return o.len;
	if (s->text == s->faults) {
		put(&o, "faults: %s in all, reported above\n", number(s->faults).s);
		return o.len;
	}
	put(&o, "faults: %s in all, of %s%s kind%s; %s reported above\n", number(s->faults).s,
	    s->unlisted ? "more than " : "", number(s->kinds).s, s->kinds == 1 ? "" : "s",
	    s->text ? number(s->text).s : "none");
	label(&o, "why");
	for (enum fault_cause i = 0; i < FAULT_CAUSE_COUNT; i++) {
		if (!s->by_cause[i])
			continue;
		put(&o, "%s%s: %s", comma, report_cause_words(i), number(s->by_cause[i]).s);
		comma = ", ";
	}
	put(&o, "\n");
	label(&o, "vmm did");
	comma = "";
	for (enum fault_action i = 0; i < FAULT_ACTION_COUNT; i++) {
		if (!s->by_action[i])
			continue;
		put(&o, "%s%s: %s", comma, report_action_words(i), number(s->by_action[i]).s);
		comma = ", ";
	}
	put(&o, "\n");
	if (s->nr_vcpus > 1)
		put_vcpus(&o, s);
	for (; shown < TEXT_TOP && s->top[shown].count; shown++)
		put_kind(&o, &s->top[shown], names);
	if (s->kinds > shown) {
		label(&o, "");
		put(&o, "and %s more kind%s\n", number(s->kinds - shown).s,
		    s->kinds - shown == 1 ? "" : "s");
	}
	return o.len;
}

/* --- JSON ----------------------------------------------------------------------------------- */

static void put_hex(struct json_writer *w, const char *name, uint64_t v)
{
	char s[24];

	(void)snprintf(s, sizeof(s), "0x%" PRIx64, v);
	json_string(w, name, s);
}

static void put_top(struct json_writer *w, const struct faultsum_kind *k,
		    const struct report_names *names)
{
	struct report_name pc = report_name(names, k->pc);

	json_object(w, NULL);
	json_u64(w, "count", k->count);
	put_hex(w, "pc", k->pc);
	if (pc.s[0])
		json_string(w, "pc_name", pc.s);
	if (k->ipa_known)
		put_hex(w, "ipa", k->ipa);
	json_string(w, "access", report_access_name(k->access));
	if (k->size)
		json_u64(w, "size", k->size);
	json_string(w, "cause", report_cause_name(k->cause));
	json_string(w, "action", report_action_name(k->action));
	json_u64(w, "vcpu", k->vcpu);
	json_end(w);
}

void faultsum_json(const struct faultsum *s, const struct report_names *names,
		   struct json_writer *w)
{
	json_object(w, NULL);
	json_object(w, "summary");
	json_u64(w, "faults", s->faults);
	if (s->watched)
		json_u64(w, "watched", s->watched);
	if (s->watched_more)
		json_u64(w, "watched_not_written", s->watched_more);
	json_u64(w, "kinds", s->kinds);
	json_u64(w, "unlisted", s->unlisted);
	json_u64(w, "text", s->text);
	json_u64(w, "json", s->json);
	json_object(w, "causes");
	for (enum fault_cause i = 0; i < FAULT_CAUSE_COUNT; i++)
		if (s->by_cause[i])
			json_u64(w, report_cause_name(i), s->by_cause[i]);
	json_end(w);
	json_object(w, "actions");
	for (enum fault_action i = 0; i < FAULT_ACTION_COUNT; i++)
		if (s->by_action[i])
			json_u64(w, report_action_name(i), s->by_action[i]);
	json_end(w);
	json_array(w, "vcpus");
	for (unsigned i = 0; i < s->nr_vcpus; i++)
		json_u64(w, NULL, s->by_vcpu[i]);
	json_end(w);
	json_array(w, "top");
	for (unsigned i = 0; i < FAULTSUM_TOP && s->top[i].count; i++)
		put_top(w, &s->top[i], names);
	json_end(w);
	json_end(w);
	json_end(w);
}
