/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */ /* which would fill the table's rows */
/*
 * report: the facts of a bad access (vmm/fault.h) put into words: one sentence, a block of text for
 * a person, an object of JSON for a program. Pure: no I/O, no memory but the caller's.
 *
 * The text is the sentence, then labelled rows, what is known and nothing else. "vmm: " comes from
 * the log, in front of every row, since the guest's console is often on the same terminal:
 *
 *	fault: vCPU 0 wrote 4 bytes to 0x0a000e40, where nothing is.
 *	  cpu              vCPU 0, EL1h, AArch64
 *	  pc               0xffff800080015a2c do_one_initcall+0x5c/0x2d8 (init/main.c:1234)
 *	  instruction      str w1, [x0, #4] (0xb9000401)
 *	  access           write of 4 bytes, value 0xdeadbeef
 *	  virtual address  0xffff80008000de40, from the fault address register
 *	  stage 1          what translated it, then the descriptors, then what they gave
 *	  stage 2          why nothing could be done there, then the neighbours
 *	  vmm did          injected an external abort, and what the guest sees of it
 *	  called from      the backtrace, innermost first
 *	  exits before     the vCPU's last exits, oldest first
 *
 * An access to what is watched begins with "watch: ", and has rows "watched" and "value" (old ->
 * new) in place of those that explain what went wrong.
 *
 * What came from the guest is hostile, symbol names too: bytes that are not printable ASCII become
 * '?' in the text and in JSON, and everything is cut to a bounded length.
 *
 * The object of JSON has these members. Absent means unknown. "hex" is a string like "0x1f": such a
 * number may be beyond what a double holds exactly. The names never change their meaning.
 *
 *	text		string	the sentence
 *	vcpu		number
 *	access		string	"read" "write" "read-write" "fetch"
 *	cause		string	"nothing-there" "read-only" "refused" "ends-outside"
 *				"not-for-device" "beyond-ipa" "host-memory" "watched"
 *	action		string	"aborted" "serror" "zeroes" "ones" "skipped" "stopped" "lockup"
 *				"carried-out" "by-kvm"
 *	walk		bool	stage 1's walk met the fault, not the access itself
 *	state		string	"EL1h, AArch64"
 *	el		number	exception level
 *	aarch32		bool
 *	pc, pc_name	hex, string
 *	insn, insn_text	hex, string
 *	size		number	bytes
 *	value		hex	what a write would have stored, at most the first 16 bytes; "watched":
 *				what the watched bytes are now
 *	old_value	hex	"watched": what they were
 *	watch		string	"watched": what is watched, as the option said
 *	watched		number	"watched": how many watched bytes were touched; of more than 16, 16
 *	device		bool	"watched": a device did it, so there is no vcpu; otherwise absent
 *	ipa		hex	guest physical address of the first byte that failed
 *	va, va_name	hex, string
 *	va_source	string	"register" "decoded" "both" "disagree"
 *	va_decoded	hex	only with "disagree"
 *	stage1		object	regime: string, result: string, steps: array of objects {level: number,
 *				at: hex, descriptor: hex when it could be read, text: string}
 *	stage2		object	inside: string, below and above: objects {name: string, base: hex,
 *				size: hex, distance: hex}
 *	guest		object	what it was given: esr: hex, esr_text: string, far, elr, vector: hex,
 *				vector_name: string; of "by-kvm" no elr and no vector where
 *				another exception has replaced them
 *	backtrace	array	of objects {pc: hex, name: string}
 *	backtrace_cut	bool	there may be more
 *	exits		array	of strings, oldest first
 */
/* clang-format on */
#ifndef VMM_DEBUG_REPORT_H
#define VMM_DEBUG_REPORT_H

#include "vmm/base/json.h"
#include "vmm/base/text.h"
#include "vmm/fault.h"

#define REPORT_COLUMNS	    95	  /* of the text; the log puts five more in front */
#define REPORT_TEXT_MAX	    16384 /* bytes that every text fits in */
#define REPORT_JSON_MAX	    32768 /* bytes that every object fits in, when on one line */
#define REPORT_SENTENCE_MAX 256

/*
 * Who knows what lies at a guest virtual address. @name writes a NUL-ended text like
 * "do_one_initcall+0x5c/0x2d8 (init/main.c:1234)" of at most @size bytes to @buf, or returns false.
 * @name_return does so for a return address, whose call is the instruction before it; NULL: as
 * @name.
 */
struct report_names {
	bool (*name)(void *ctx, uint64_t va, char *buf, size_t size);
	void *ctx;
	bool (*name_return)(void *ctx, uint64_t va, char *buf, size_t size);
};

/* A name as the report shows it: printable; empty when there is none. */
struct report_name {
	char s[160];
};

/* The name of @va, and of a return address. @names may be NULL, or have no function. */
struct report_name report_name(const struct report_names *names, uint64_t va);
struct report_name report_name_return(const struct report_names *names, uint64_t va);

/* The words of the JSON for a value of the enum: "nothing-there". Options may take them too. */
const char *report_access_name(enum fault_access access);
const char *report_cause_name(enum fault_cause cause);
const char *report_action_name(enum fault_action action);

/* The same for a person, to stand in a list: "nothing there", "external abort". */
const char *report_cause_words(enum fault_cause cause);
const char *report_action_words(enum fault_action action);

/* "write of 4 bytes". @size 0 is an unknown one. */
struct text report_access_words(enum fault_access access, unsigned size);

/* "0x0a000e40", "virtual address 0x..." when the IPA is unknown, "an unknown address". */
struct text report_address(const struct fault *f);

/* The value, as many digits as the size has; of more than 16 bytes the first 16. */
struct text report_value(const struct fault *f);

/* What was there before, of what is watched. */
struct text report_old_value(const struct fault *f);

/* Whether ESR, FAR, ELR and the vector say something. */
bool report_guest_known(const struct fault *f);

/*
 * Copies up to @len bytes of @text, or up to its NUL, into @buf of @size, always ended; what is not
 * printable ASCII as '?'. Returns the length.
 */
size_t report_printable(char *buf, size_t size, const char *text, size_t len);

/*
 * What happened: "vCPU 0 wrote 4 bytes to 0x0a000e40, where nothing is." Printable ASCII, without a
 * line end; never more than REPORT_SENTENCE_MAX with its NUL. Returns its length, cut to @size - 1.
 */
size_t report_sentence(const struct fault *f, char *buf, size_t size);

/*
 * The whole text, lines of printable ASCII each ended by '\n'. A line is longer than REPORT_COLUMNS
 * only when it is the sentence or has a word as long. @names may be NULL. Returns the length, cut
 * to @size - 1; nothing is cut when @size is REPORT_TEXT_MAX.
 */
size_t report_text(const struct fault *f, const struct report_names *names, char *buf, size_t size);

/* The object, as one value of @w. @names may be NULL. */
void report_json(const struct fault *f, const struct report_names *names, struct json_writer *w);

#endif
