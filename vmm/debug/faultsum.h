/* SPDX-License-Identifier: Apache-2.0 */
/*
 * faultsum: the faults of a run added up, and put into words. Pure: no I/O, no memory but the
 * caller's. vmm/debug/faultlog.h does the counting.
 */
#ifndef VMM_DEBUG_FAULTSUM_H
#define VMM_DEBUG_FAULTSUM_H

#include "vmm/config.h"
#include "vmm/debug/report.h"

#define FAULTSUM_TOP	  16   /* kinds that the JSON shows; the text shows fewer */
#define FAULTSUM_TEXT_MAX 4096 /* bytes that every text fits in */

/*
 * Faults with the same PC and the same 4 KiB page of the IPA; all but count are the first one's,
 * access and size as its report has them if it was reported.
 */
struct faultsum_kind {
	uint64_t count;
	uint64_t pc;
	uint64_t ipa;
	bool ipa_known;
	unsigned vcpu;
	unsigned size; /* bytes; 0: unknown */
	enum fault_access access;
	enum fault_cause cause;
	enum fault_action action;
};

struct faultsum {
	uint64_t faults;       /* all of them; each array below adds up to it */
	uint64_t watched;      /* accesses to what is watched, which are no faults */
	uint64_t watched_more; /* those of them that were not reported */
	uint64_t by_cause[FAULT_CAUSE_COUNT];
	uint64_t by_action[FAULT_ACTION_COUNT];
	uint64_t by_vcpu[CONFIG_MAX_CPUS];
	unsigned nr_vcpus;

	unsigned kinds;	     /* that were told apart */
	uint64_t unlisted;   /* faults of kinds that came when no more could be told apart */
	uint64_t text, json; /* faults that were reported in full */
	struct faultsum_kind
		top[FAULTSUM_TOP]; /* the most frequent first; unused ones have count 0 */
};

/*
 * A few lines, each ended by '\n', the first beginning with "faults: ". When all were reported in
 * the text, one line says so. One before says how often what is watched was accessed. Empty when
 * there was neither. Returns the length, cut to @size - 1.
 */
size_t faultsum_text(const struct faultsum *s, const struct report_names *names, char *buf,
		     size_t size);

/* One line, ended by '\n', of @n accesses that were not reported. As above. */
size_t faultsum_more_text(uint64_t n, char *buf, size_t size);

/*
 * One object with the one member "summary", an object:
 *
 *	faults		number
 *	watched		number	accesses to what is watched, which are no faults; absent when 0
 *	watched_not_written
 *			number	those of them that came too fast to be reported; absent when 0
 *	kinds		number	of different PC and page
 *	unlisted	number	faults of other kinds, which were only counted
 *	text, json	number	faults that were reported in full there
 *	causes, actions	object	names as in a report: number; absent when 0
 *	vcpus		array	of numbers: faults of vCPU 0, 1, ...
 *	top		array	the most frequent kinds, most first: objects {count, pc,
 *				pc_name, ipa, access, size, cause, action, vcpu} with
 *				types as in a report
 */
void faultsum_json(const struct faultsum *s, const struct report_names *names,
		   struct json_writer *w);

#endif
