/* SPDX-License-Identifier: Apache-2.0 */
/* The text for a person: rows of what is known, broken into lines. */
#include "vmm/debug/report.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A field of struct fault for "%.*s": a text that nobody ended does not run on. */
#define FIXED(field) (int)sizeof(field), (field)

#define ROW_INDENT 19 /* where the text of a row begins */
#define ROW_HANG   2  /* how much further in it goes on */

/* --- the text, row by row ------------------------------------------------------------------- */

struct out {
	char *buf; /* always ended by a NUL */
	size_t size, len;
};

static void put_byte(struct out *o, char c)
{
	if (o->len + 1 >= o->size)
		return;
	o->buf[o->len++] = c;
	o->buf[o->len] = '\0';
}

/* The way for all text into the report: it is the guest's in part. */
static void put(struct out *o, const char *s, size_t n)
{
	if (o->len < o->size)
		o->len += report_printable(o->buf + o->len, o->size - o->len, s, n);
}

static void put_blanks(struct out *o, size_t n)
{
	while (n--)
		put_byte(o, ' ');
}

/* How many bytes of @s stand on a line with @room for them: up to a blank, at least one word. */
static size_t fit(const char *s, size_t room)
{
	size_t n = strnlen(s, room + 1);

	if (n <= room)
		return n;
	for (n = room; n > 0 && s[n] != ' ';)
		n--;
	return n ? n : strcspn(s, " ");
}

/*
 * One row, broken between words into as many lines as it needs. @label is empty in the second row
 * of a group and those that follow.
 */
static void PRINTF(3, 4) row(struct out *o, const char *label, const char *fmt, ...)
{
	size_t room = REPORT_COLUMNS - ROW_INDENT, n;
	char text[512];
	const char *s = text;
	va_list va;

	va_start(va, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, va);
	va_end(va);
	n = strlen(label);
	put_blanks(o, 2);
	put(o, label, n);
	put_blanks(o, ROW_INDENT - 2 - n);
	for (;;) {
		n = fit(s, room);
		put(o, s, n);
		put_byte(o, '\n');
		s += n + strspn(s + n, " ");
		if (!*s)
			return;
		room = REPORT_COLUMNS - ROW_INDENT - ROW_HANG;
		put_blanks(o, ROW_INDENT + ROW_HANG);
	}
}

/* A count of things that an array holds, whatever it claims. */
static unsigned least(unsigned n, unsigned room)
{
	return n < room ? n : room;
}

/* --- the rows ------------------------------------------------------------------------------- */

/* What stands behind an address that has a name: a blank and the name. */
#define NAMED(name) (name).s[0] ? " " : "", (name).s

static void put_cpu(struct out *o, const struct fault *f, const struct report_names *names)
{
	struct report_name pc = report_name(names, f->pc);

	if (f->state[0])
		row(o, "cpu", "vCPU %u, %.*s", f->vcpu, FIXED(f->state));
	else
		row(o, "cpu", "vCPU %u, EL%u, AArch%u", f->vcpu, f->privilege,
		    f->aarch32 ? 32 : 64);
	row(o, "pc", "0x%08" PRIx64 "%s%s", f->pc, NAMED(pc));
	if (f->insn_text[0] && f->insn_known)
		row(o, "instruction", "%.*s (0x%08" PRIx32 ")", FIXED(f->insn_text), f->insn);
	else if (f->insn_text[0])
		row(o, "instruction", "%.*s", FIXED(f->insn_text));
	else if (f->insn_known)
		row(o, "instruction", "0x%08" PRIx32, f->insn);
}

static void put_access(struct out *o, const struct fault *f, const struct report_names *names)
{
	static const char *const known_by[] = {
		[FAULT_VA_REGISTER] = "from the fault address register",
		[FAULT_VA_DECODED] = "from the instruction's registers",
		[FAULT_VA_BOTH] = "from the fault address register and the instruction",
	};
	static const char *const fetch_known_by[] = {
		[FAULT_VA_REGISTER] = "from the fault address register",
		[FAULT_VA_DECODED] = "the pc",
		[FAULT_VA_BOTH] = "the pc, and the fault address register",
	};
	const char *const *how = f->access == FAULT_FETCH ? fetch_known_by : known_by;
	struct report_name va = report_name(names, f->va), decoded;

	row(o, "access", "%s%s%s%s%s", report_access_words(f->access, f->size).s,
	    f->value_known ? ", value " : "", f->value_known ? report_value(f).s : "",
	    f->value_known && f->size > 16 ? " in the first 16" : "",
	    f->walk ? "; stage 1's walk for it failed" : "");
	switch (f->va_source) {
	case FAULT_VA_UNKNOWN:
	default:
		break;
	case FAULT_VA_REGISTER:
	case FAULT_VA_DECODED:
	case FAULT_VA_BOTH:
		row(o, "virtual address", "0x%08" PRIx64 "%s%s, %s", f->va, NAMED(va),
		    how[f->va_source]);
		break;
	case FAULT_VA_DISAGREE:
		decoded = report_name(names, f->va_decoded);
		row(o, "virtual address", "0x%08" PRIx64 "%s%s, from the fault address register,",
		    f->va, NAMED(va));
		row(o, "", "but 0x%08" PRIx64 "%s%s, from the instruction's registers",
		    f->va_decoded, NAMED(decoded));
		break;
	}
}

static void put_stage1(struct out *o, const struct fault *f)
{
	const unsigned steps = least(f->nr_steps, FAULT_WALK_STEPS);
	const char *label = "stage 1";

	if (f->regime[0]) {
		row(o, label, "%.*s", FIXED(f->regime));
		label = "";
	}
	for (unsigned i = 0; i < steps; i++, label = "") {
		const struct fault_step *s = &f->step[i];

		if (s->read)
			row(o, label, "level %d at 0x%08" PRIx64 ": 0x%016" PRIx64 "%s%.*s",
			    s->level, s->at, s->descriptor, s->text[0] ? ", " : "", FIXED(s->text));
		else
			row(o, label, "level %d at 0x%08" PRIx64 ": not readable%s%.*s", s->level,
			    s->at, s->text[0] ? ", " : "", FIXED(s->text));
	}
	if (f->walk_result[0])
		row(o, label, "result: %.*s", FIXED(f->walk_result));
}

/* "0x40 bytes", "1 byte": small numbers as people count. */
static struct text distance(uint64_t bytes)
{
	struct text t;

	(void)snprintf(t.s, sizeof(t.s), bytes < 10 ? "%" PRIu64 " byte%s" : "0x%" PRIx64 " byte%s",
		       bytes, bytes == 1 ? "" : "s");
	return t;
}

static void put_neighbour(struct out *o, const struct fault_neighbour *n, const char *side,
			  const char *beside)
{
	char range[64] = "";

	if (n->size)
		(void)snprintf(range, sizeof(range), " (0x%08" PRIx64 " to 0x%08" PRIx64 ")",
			       n->base, n->base + (n->size - 1));
	if (n->distance)
		row(o, "", "%s %s %.*s%s", distance(n->distance).s, side, FIXED(n->name), range);
	else
		row(o, "", "%s %.*s%s", beside, FIXED(n->name), range);
}

static void put_stage2(struct out *o, const struct fault *f)
{
	static const char *const why[] = {
		[FAULT_NOTHING_THERE] = "no memory and no device",
		[FAULT_READ_ONLY] = "read-only memory",
		[FAULT_REFUSED] = "a device that refuses this size or alignment",
		[FAULT_ENDS_OUTSIDE] = "beyond the end of what the access begins in",
		[FAULT_NOT_FOR_DEVICE] = "a device, not memory",
		[FAULT_BEYOND_IPA] = "beyond the last address of this machine",
		[FAULT_HOST_MEMORY] = "memory that the host failed to give",
		[FAULT_WATCHED] = "memory that is watched",
	};

	static_assert(ARRAY_SIZE(why) == FAULT_CAUSE_COUNT, "every cause has its words");
	row(o, "stage 2", "%s%s%.*s: %s", report_address(f).s, f->inside[0] ? " in " : "",
	    FIXED(f->inside), why[f->cause]);
	if (f->below.there)
		put_neighbour(o, &f->below, "past the end of", "right behind");
	else if (f->above.there)
		row(o, "", "nothing below");
	if (f->above.there)
		put_neighbour(o, &f->above, "before", "right before");
	else if (f->below.there)
		row(o, "", "nothing above");
}

static const char *did(const struct fault *f)
{
	const bool ones = f->action == FAULT_ONES;

	switch (f->action) {
	case FAULT_ABORTED:
		return "injected an external abort";
	case FAULT_SERROR:
		return "injected an SError";
	case FAULT_ZEROES:
	case FAULT_ONES:
		if (f->access == FAULT_WRITE)
			return "ignored the write";
		if (f->access == FAULT_READ_WRITE)
			return ones ? "answered with ones, and ignored what was written"
				    : "answered with zeroes, and ignored what was written";
		return ones ? "answered with ones" : "answered with zeroes";
	case FAULT_SKIPPED:
		return "skipped the instruction, which has no effect there";
	case FAULT_STOPPED:
		return "stopped the machine before the instruction";
	case FAULT_LOCKUP:
		return "stopped the vCPU for good: its exception vector cannot be fetched";
	case FAULT_CARRIED_OUT:
		return "carried it out";
	case FAULT_BY_KVM:
		return "nothing: KVM injected an external abort by itself; seen later";
	case FAULT_ACTION_COUNT:
	default:
		return "nothing";
	}
}

static void put_action(struct out *o, const struct fault *f, const struct report_names *names)
{
	struct report_name vector = report_name(names, f->vector);

	row(o, "vmm did", "%s", did(f));
	if (report_guest_known(f)) {
		row(o, "", "ESR 0x%08" PRIx64 "%s%.*s", f->esr, f->esr_text[0] ? ": " : "",
		    FIXED(f->esr_text));
		if (f->elr_lost)
			row(o, "", "FAR 0x%08" PRIx64, f->far);
		else
			row(o, "", "FAR 0x%08" PRIx64 ", ELR 0x%08" PRIx64, f->far, f->elr);
	}
	if ((report_guest_known(f) && !f->elr_lost) || f->action == FAULT_LOCKUP)
		row(o, "", "vector 0x%08" PRIx64 "%s%s", f->vector, NAMED(vector));
}

static void put_history(struct out *o, const struct fault *f, const struct report_names *names)
{
	const unsigned frames = least(f->nr_frames, FAULT_FRAMES);
	/* Of an access that is as it should be, nobody asks what came before. */
	const unsigned exits = f->cause == FAULT_WATCHED ? 0 : least(f->nr_exits, FAULT_EXITS);

	for (unsigned i = 0; i < frames; i++) {
		struct report_name name = report_name_return(names, f->frame[i]);

		row(o, i ? "" : "called from", "0x%08" PRIx64 "%s%s", f->frame[i], NAMED(name));
	}
	if (frames && f->frames_cut)
		row(o, "", "and maybe more");
	for (unsigned i = 0; i < exits; i++)
		row(o, i ? "" : "exits before", "%.*s", FIXED(f->exit[i].text));
}

/* An access to what is watched: what it was, and is. */
static void put_watched(struct out *o, const struct fault *f, const struct report_names *names)
{
	struct report_name va = report_name(names, f->va);

	row(o, "watched", "%.*s", FIXED(f->watch));
	if (f->access == FAULT_READ || f->access == FAULT_FETCH)
		row(o, "value", "%s", report_old_value(f).s);
	else if (f->value_known)
		row(o, "value", "%s -> %s", report_old_value(f).s, report_value(f).s);
	if (f->va_source != FAULT_VA_UNKNOWN)
		row(o, "virtual address", "0x%08" PRIx64 "%s%s", f->va, NAMED(va));
	if (f->action == FAULT_STOPPED)
		row(o, "vmm did", "stopped the machine behind the instruction");
}

static void put_fault(struct out *o, const struct fault *f, const struct report_names *names)
{
	put_access(o, f, names);
	put_stage1(o, f);
	put_stage2(o, f);
	put_action(o, f, names);
}

size_t report_text(const struct fault *f, const struct report_names *names, char *buf, size_t size)
{
	struct out o = { .buf = buf, .size = size };

	const bool watched = f->cause == FAULT_WATCHED;

	put(&o, watched ? "watch: " : "fault: ", 7);
	if (o.len < o.size)
		o.len += report_sentence(f, o.buf + o.len, o.size - o.len);
	put_byte(&o, '\n');
	if (!f->device)
		put_cpu(&o, f, names);
	if (watched)
		put_watched(&o, f, names);
	else
		put_fault(&o, f, names);
	put_history(&o, f, names);
	return o.len;
}
