/* SPDX-License-Identifier: Apache-2.0 */
/*
 * faultlog: what becomes of a guest's bad accesses for those who watch: a text on stderr, a line of
 * JSON in a file, or a count only.
 *
 * A guest can fault a million times a second, for ever. So every fault is counted, and few are
 * reported: the first of its kind (same PC, same 4 KiB page), at most so many in one run, at most
 * so many a second. Memory is fixed: when there are more kinds than it holds, the others are only
 * counted, and that is said once. A kind that was left out because of the rate is reported when it
 * comes again. Where vmm stops at a fault (FAULT_STOPPED, FAULT_LOCKUP) it is reported in any case,
 * the first FAULTLOG_STOPS of them: somebody waits for it.
 *
 * A vCPU asks before it gathers facts, which costs much more than the asking:
 *
 *	struct fault f = { .vcpu = ..., .pc = ..., .access = ..., .cause = ..., .action = ...,
 *			   .size = ..., .ipa_known = ..., .ipa = ... };
 *	unsigned where = faultlog_count(log, &f);
 *
 *	if (where) {
 *		... all the other facts ...
 *		faultlog_report(log, where, &f);
 *	}
 *
 * All functions but create and destroy may be called on any thread at any time. Counting takes one
 * short lock and never waits for a report; reports are written one after another, and a vCPU that
 * writes one waits for stderr and the file.
 */
#ifndef VMM_DEBUG_FAULTLOG_H
#define VMM_DEBUG_FAULTLOG_H

#include "vmm/debug/faultsum.h"

#define FAULTLOG_KINDS 1024 /* told apart in one run */
#define FAULTLOG_STOPS 64   /* in one run: stops that are reported whatever the limits say */

/* Where a fault is to be reported. */
#define FAULTLOG_TEXT 1U
#define FAULTLOG_JSON 2U

/* How many reports. The rate is a token bucket's: @burst at once, @per_second in the long run. */
struct faultlog_limit {
	unsigned max;	     /* in one run; 0: none, and nothing else either but the summary */
	unsigned burst;	     /* at least 1 */
	unsigned per_second; /* 1 to 10^9 */
};

struct faultlog_config {
	unsigned nr_vcpus; /* 1 to CONFIG_MAX_CPUS */
	struct faultlog_limit text, json;

	/*
	 * Takes text of one or more lines, each ended by '\n'; one call after another. NULL: the
	 * log, which puts "vmm: " in front of every line.
	 */
	void (*say)(void *ctx, const char *lines);
	void *say_ctx;

	/*
	 * Borrowed, open for appending, blocking; -1: none. A line is one write unless the file
	 * takes less. SIGXFSZ and SIGPIPE are ignored, so that a full disk is an error: it is said
	 * once, nothing more is written there, and the last line in the file may be cut.
	 */
	int json_fd;

	struct report_names names; /* called by one thread at a time; or all zero */

	uint64_t (*now)(void *ctx); /* nanoseconds that never go back; NULL: CLOCK_MONOTONIC */
	void *now_ctx;
};

/* One vCPU, text on the log: 32 reports, 8 at once, then 4 a second; JSON 1024, 64, 32, no file. */
extern const struct faultlog_config faultlog_defaults;

struct faultlog;

/* NULL with @e set when there is no memory. What @c points to is borrowed. */
struct faultlog *faultlog_create(const struct faultlog_config *c, struct err *e) MUST_CHECK;

/* Writes nothing. NULL is fine. No thread uses it any more. */
void faultlog_destroy(struct faultlog *l);

/*
 * Counts the fault @f, of which the members in the example above are looked at. Returns where to
 * report it: 0, or some of FAULTLOG_TEXT and FAULTLOG_JSON. The caller then owes the report.
 */
unsigned faultlog_count(struct faultlog *l, const struct fault *f) MUST_CHECK;

/* Counts @n more of @f, which was counted before; none of them is reported. */
void faultlog_count_repeats(struct faultlog *l, const struct fault *f, uint64_t n);

/* Reports @f @where faultlog_count() said. */
void faultlog_report(struct faultlog *l, unsigned where, const struct fault *f);

/* Counts and reports @f, an access to what is watched (FAULT_WATCHED): each, and everywhere. */
void faultlog_watched(struct faultlog *l, const struct fault *f);

/*
 * Counts @n more of those, which nobody had time to report, and says so: in the file by an object
 * with the one member "watched_not_written", a number.
 */
void faultlog_watched_more(struct faultlog *l, uint64_t n);

/* What was counted up to now. */
void faultlog_sum(struct faultlog *l, struct faultsum *s);

/*
 * The end: says the sum of it when there was a fault, and writes it to the file in any case. Once,
 * when no vCPU runs any more.
 */
void faultlog_summary(struct faultlog *l);

#endif
