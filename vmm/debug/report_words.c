/* SPDX-License-Identifier: Apache-2.0 */
/* What text and JSON share: the words for the enums, and the sentence. */
#include "vmm/debug/report.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A field of struct fault for "%.*s": a text that nobody ended does not run on. */
#define FIXED(field) (int)sizeof(field), (field)

/* --- words ---------------------------------------------------------------------------------- */

struct words {
	const char *name, *words;
};

static const struct words causes[] = {
	[FAULT_NOTHING_THERE] = { "nothing-there", "nothing there" },
	[FAULT_READ_ONLY] = { "read-only", "read-only" },
	[FAULT_REFUSED] = { "refused", "refused by the device" },
	[FAULT_ENDS_OUTSIDE] = { "ends-outside", "goes on beyond the end" },
	[FAULT_NOT_FOR_DEVICE] = { "not-for-device", "needs memory, not a device" },
	[FAULT_BEYOND_IPA] = { "beyond-ipa", "beyond the last address" },
	[FAULT_HOST_MEMORY] = { "host-memory", "failed memory of the host" },
	[FAULT_WATCHED] = { "watched", "watched" },
};
static_assert(ARRAY_SIZE(causes) == FAULT_CAUSE_COUNT, "every cause has its words");

static const struct words actions[] = {
	[FAULT_ABORTED] = { "aborted", "external abort" },
	[FAULT_SERROR] = { "serror", "SError" },
	[FAULT_ZEROES] = { "zeroes", "answered with zeroes" },
	[FAULT_ONES] = { "ones", "answered with ones" },
	[FAULT_SKIPPED] = { "skipped", "skipped" },
	[FAULT_STOPPED] = { "stopped", "machine stopped" },
	[FAULT_LOCKUP] = { "lockup", "vCPU stopped for good" },
	[FAULT_CARRIED_OUT] = { "carried-out", "carried out" },
	[FAULT_BY_KVM] = { "by-kvm", "external abort by KVM, seen later" },
};
static_assert(ARRAY_SIZE(actions) == FAULT_ACTION_COUNT, "every action has its words");

/* "vCPU 0 " past, on, "4 bytes", at; "could not " infinitive, on, "4 bytes". */
static const struct {
	const char *name, *noun, *past, *infinitive, *on, *at;
} accesses[] = {
	[FAULT_READ] = { "read", "read", "read", "read", "", "from" },
	[FAULT_WRITE] = { "write", "write", "wrote", "write", "", "to" },
	[FAULT_READ_WRITE] = { "read-write", "atomic operation", "did an atomic operation",
			       "do an atomic operation", " on", "at" },
	[FAULT_FETCH] = { "fetch", "instruction fetch", "fetched an instruction",
			  "fetch an instruction", NULL, "from" },
};
static_assert(ARRAY_SIZE(accesses) == FAULT_ACCESS_COUNT, "every access has its words");

const char *report_access_name(enum fault_access access)
{
	assert(access < FAULT_ACCESS_COUNT);
	return accesses[access].name;
}

const char *report_cause_name(enum fault_cause cause)
{
	assert(cause < FAULT_CAUSE_COUNT);
	return causes[cause].name;
}

const char *report_action_name(enum fault_action action)
{
	assert(action < FAULT_ACTION_COUNT);
	return actions[action].name;
}

const char *report_cause_words(enum fault_cause cause)
{
	assert(cause < FAULT_CAUSE_COUNT);
	return causes[cause].words;
}

const char *report_action_words(enum fault_action action)
{
	assert(action < FAULT_ACTION_COUNT);
	return actions[action].words;
}

struct text report_access_words(enum fault_access access, unsigned size)
{
	struct text t;

	assert(access < FAULT_ACCESS_COUNT);
	if (size)
		(void)snprintf(t.s, sizeof(t.s), "%s %s %u byte%s", accesses[access].noun,
			       access == FAULT_READ_WRITE ? "on" : "of", size,
			       size == 1 ? "" : "s");
	else
		(void)snprintf(t.s, sizeof(t.s), "%s", accesses[access].noun);
	return t;
}

/* --- pieces --------------------------------------------------------------------------------- */

size_t report_printable(char *buf, size_t size, const char *text, size_t len)
{
	size_t n = 0;

	if (!size)
		return 0;
	for (; n < len && n + 1 < size && text[n]; n++)
		buf[n] = text[n] >= ' ' && text[n] <= '~' ? text[n] : '?';
	buf[n] = '\0';
	return n;
}

struct report_name report_name(const struct report_names *names, uint64_t va)
{
	struct report_name n = { 0 };
	char text[sizeof(n.s)] = "";

	if (names && names->name && names->name(names->ctx, va, text, sizeof(text)))
		(void)report_printable(n.s, sizeof(n.s), text, sizeof(text));
	return n;
}

struct report_name report_name_return(const struct report_names *names, uint64_t va)
{
	struct report_names other;

	if (!names || !names->name_return)
		return report_name(names, va);
	other = (struct report_names){ .name = names->name_return, .ctx = names->ctx };
	return report_name(&other, va);
}

/* The low @bytes of @v, 8 or fewer. */
static uint64_t lowest_bytes(uint64_t v, unsigned bytes)
{
	return bytes < 8 ? v & ((UINT64_C(1) << (8 * bytes)) - 1) : v;
}

static struct text value_text(const uint64_t value[2], unsigned bytes)
{
	const unsigned size = bytes < 16 ? bytes : 16;
	struct text t;

	if (size > 8)
		(void)snprintf(t.s, sizeof(t.s), "0x%0*" PRIx64 "%016" PRIx64,
			       (int)(2 * (size - 8)), lowest_bytes(value[1], size - 8), value[0]);
	else if (size)
		(void)snprintf(t.s, sizeof(t.s), "0x%0*" PRIx64, (int)(2 * size),
			       lowest_bytes(value[0], size));
	else if (value[1])
		(void)snprintf(t.s, sizeof(t.s), "0x%" PRIx64 "%016" PRIx64, value[1], value[0]);
	else
		(void)snprintf(t.s, sizeof(t.s), "0x%" PRIx64, value[0]);
	return t;
}

struct text report_value(const struct fault *f)
{
	return value_text(f->value, f->cause == FAULT_WATCHED ? f->watched : f->size);
}

struct text report_old_value(const struct fault *f)
{
	return value_text(f->old, f->watched);
}

bool report_guest_known(const struct fault *f)
{
	return (f->action == FAULT_ABORTED || f->action == FAULT_SERROR ||
		f->action == FAULT_BY_KVM) &&
	       (f->esr || f->esr_text[0]);
}

/* --- the sentence --------------------------------------------------------------------------- */

/* What the access is made on, behind the verb: " 4 bytes", " on 1 byte"; or nothing. */
static struct text bytes(const struct fault *f)
{
	struct text t = { 0 };

	if (f->access == FAULT_FETCH)
		return t;
	if (f->size)
		(void)snprintf(t.s, sizeof(t.s), "%s %u byte%s", accesses[f->access].on, f->size,
			       f->size == 1 ? "" : "s");
	else if (f->cause == FAULT_ENDS_OUTSIDE && !f->walk) /* something must end outside */
		(void)snprintf(t.s, sizeof(t.s), "%s bytes", accesses[f->access].on);
	return t;
}

struct text report_address(const struct fault *f)
{
	struct text t;

	if (f->ipa_known)
		(void)snprintf(t.s, sizeof(t.s), "0x%08" PRIx64, f->ipa);
	else if (f->va_source != FAULT_VA_UNKNOWN)
		(void)snprintf(t.s, sizeof(t.s), "virtual address 0x%08" PRIx64, f->va);
	else
		(void)snprintf(t.s, sizeof(t.s), "an unknown address");
	return t;
}

/* The thing that the address lies in, or that ends at it; @unknown when nothing says. */
static struct text thing(const struct fault *f, const char *unknown)
{
	struct text t;

	if (f->inside[0])
		(void)snprintf(t.s, sizeof(t.s), "%.*s", FIXED(f->inside));
	else if (f->cause == FAULT_ENDS_OUTSIDE && f->below.there && f->below.distance == 0 &&
		 f->below.name[0])
		(void)snprintf(t.s, sizeof(t.s), "%.*s", FIXED(f->below.name));
	else
		(void)snprintf(t.s, sizeof(t.s), "%s", unknown);
	return t;
}

/* Appends to @buf of REPORT_SENTENCE_MAX bytes, which has room for every sentence. */
static void PRINTF(2, 3) append(char *buf, const char *fmt, ...)
{
	size_t at = strlen(buf);
	va_list va;

	va_start(va, fmt);
	(void)vsnprintf(buf + at, REPORT_SENTENCE_MAX - at, fmt, va);
	va_end(va);
}

/* What @at leads to, and the end. */
static void append_where(char *buf, const struct fault *f, const char *at)
{
	const bool one = f->walk || f->access == FAULT_FETCH || f->size == 1;

	switch (f->cause) {
	case FAULT_ENDS_OUTSIDE:
		append(buf, " that begin%s in %s and go%s beyond its end, at %s.", one ? "s" : "",
		       thing(f, "memory or a device").s, one ? "es" : "", report_address(f).s);
		return;
	case FAULT_NOTHING_THERE:
		append(buf, " %s %s, where nothing is.", at, report_address(f).s);
		return;
	case FAULT_READ_ONLY:
		append(buf, " %s %s%s%s, which is read-only.", at, report_address(f).s,
		       f->inside[0] ? " in " : "", thing(f, "").s);
		return;
	case FAULT_REFUSED:
		append(buf, " %s %s, where %s refuses this size or alignment.", at,
		       report_address(f).s, thing(f, "a device").s);
		return;
	case FAULT_NOT_FOR_DEVICE:
		append(buf, " %s %s, where %s is: this works on memory only.", at,
		       report_address(f).s, thing(f, "a device").s);
		return;
	case FAULT_BEYOND_IPA:
		append(buf, " %s %s, beyond the last address of this machine.", at,
		       report_address(f).s);
		return;
	case FAULT_HOST_MEMORY:
		append(buf, " %s %s, and the host's memory behind it failed.", at,
		       report_address(f).s);
		return;
	case FAULT_WATCHED:
		if (f->watched && f->size > f->watched && !one)
			append(buf, ", and %u of them %s %s, which is watched.", f->watched, at,
			       report_address(f).s);
		else
			append(buf, " %s %s, which is watched.", at, report_address(f).s);
		return;
	case FAULT_CAUSE_COUNT:
	default:
		return;
	}
}

size_t report_sentence(const struct fault *f, char *buf, size_t size)
{
	char text[REPORT_SENTENCE_MAX] = "";

	assert(f->access < FAULT_ACCESS_COUNT && f->cause < FAULT_CAUSE_COUNT);
	assert(f->va_source <= FAULT_VA_DISAGREE);
	if (f->device)
		append(text, "a device ");
	else
		append(text, "vCPU %u ", f->vcpu);
	if (f->walk) {
		append(text, "could not %s%s: stage 1 %s a descriptor",
		       accesses[f->access].infinitive, bytes(f).s,
		       f->cause == FAULT_READ_ONLY ? "had to update" : "looked for");
		append_where(text, f, "at");
	} else {
		append(text, "%s%s", accesses[f->access].past, bytes(f).s);
		append_where(text, f, accesses[f->access].at);
	}
	return report_printable(buf, size, text, sizeof(text));
}
