/* SPDX-License-Identifier: Apache-2.0 */
/* The object for a program; report.h has the table of its members. */
#include "vmm/debug/report.h"

#include <inttypes.h>
#include <stdio.h>

/* A text of the guest's, at most @size bytes long; absent when empty. */
static void put_text(struct json_writer *w, const char *name, const char *text, size_t size)
{
	char s[REPORT_SENTENCE_MAX];

	if (report_printable(s, sizeof(s), text, size))
		json_string(w, name, s);
}

#define PUT_TEXT(w, name, field) put_text(w, name, field, sizeof(field))

static void put_hex(struct json_writer *w, const char *name, uint64_t v)
{
	char s[24];

	(void)snprintf(s, sizeof(s), "0x%" PRIx64, v);
	json_string(w, name, s);
}

static void put_address(struct json_writer *w, const char *name, const char *symbol, uint64_t va,
			const struct report_names *names)
{
	struct report_name n = report_name(names, va);

	put_hex(w, name, va);
	PUT_TEXT(w, symbol, n.s);
}

static void put_instruction(struct json_writer *w, const struct fault *f,
			    const struct report_names *names)
{
	PUT_TEXT(w, "state", f->state);
	json_u64(w, "el", f->privilege);
	json_bool(w, "aarch32", f->aarch32);
	put_address(w, "pc", "pc_name", f->pc, names);
	if (f->insn_known)
		put_hex(w, "insn", f->insn);
	PUT_TEXT(w, "insn_text", f->insn_text);
}

static void put_access(struct json_writer *w, const struct fault *f,
		       const struct report_names *names)
{
	static const char *const sources[] = {
		[FAULT_VA_REGISTER] = "register",
		[FAULT_VA_DECODED] = "decoded",
		[FAULT_VA_BOTH] = "both",
		[FAULT_VA_DISAGREE] = "disagree",
	};

	if (f->size)
		json_u64(w, "size", f->size);
	if (f->value_known)
		json_string(w, "value", report_value(f).s);
	if (f->old_known)
		json_string(w, "old_value", report_old_value(f).s);
	PUT_TEXT(w, "watch", f->watch);
	if (f->cause == FAULT_WATCHED)
		json_u64(w, "watched", f->watched);
	if (f->ipa_known)
		put_hex(w, "ipa", f->ipa);
	if (f->va_source == FAULT_VA_UNKNOWN)
		return;
	put_address(w, "va", "va_name", f->va, names);
	json_string(w, "va_source", sources[f->va_source]);
	if (f->va_source == FAULT_VA_DISAGREE)
		put_hex(w, "va_decoded", f->va_decoded);
}

static void put_stage1(struct json_writer *w, const struct fault *f)
{
	if (!f->regime[0] && !f->nr_steps && !f->walk_result[0])
		return;
	json_object(w, "stage1");
	PUT_TEXT(w, "regime", f->regime);
	json_array(w, "steps");
	for (unsigned i = 0; i < f->nr_steps && i < FAULT_WALK_STEPS; i++) {
		const struct fault_step *s = &f->step[i];

		json_object(w, NULL);
		json_i64(w, "level", s->level);
		put_hex(w, "at", s->at);
		if (s->read)
			put_hex(w, "descriptor", s->descriptor);
		PUT_TEXT(w, "text", s->text);
		json_end(w);
	}
	json_end(w);
	PUT_TEXT(w, "result", f->walk_result);
	json_end(w);
}

static void put_neighbour(struct json_writer *w, const char *name, const struct fault_neighbour *n)
{
	if (!n->there)
		return;
	json_object(w, name);
	PUT_TEXT(w, "name", n->name);
	put_hex(w, "base", n->base);
	put_hex(w, "size", n->size);
	put_hex(w, "distance", n->distance);
	json_end(w);
}

static void put_stage2(struct json_writer *w, const struct fault *f)
{
	if (!f->inside[0] && !f->below.there && !f->above.there)
		return;
	json_object(w, "stage2");
	PUT_TEXT(w, "inside", f->inside);
	put_neighbour(w, "below", &f->below);
	put_neighbour(w, "above", &f->above);
	json_end(w);
}

static void put_guest(struct json_writer *w, const struct fault *f,
		      const struct report_names *names)
{
	if (!report_guest_known(f) && f->action != FAULT_LOCKUP)
		return;
	json_object(w, "guest");
	if (report_guest_known(f)) {
		put_hex(w, "esr", f->esr);
		PUT_TEXT(w, "esr_text", f->esr_text);
		put_hex(w, "far", f->far);
		if (!f->elr_lost)
			put_hex(w, "elr", f->elr);
	}
	if (!f->elr_lost)
		put_address(w, "vector", "vector_name", f->vector, names);
	json_end(w);
}

static void put_history(struct json_writer *w, const struct fault *f,
			const struct report_names *names)
{
	if (f->nr_frames) {
		json_array(w, "backtrace");
		for (unsigned i = 0; i < f->nr_frames && i < FAULT_FRAMES; i++) {
			json_object(w, NULL);
			put_hex(w, "pc", f->frame[i]);
			PUT_TEXT(w, "name", report_name_return(names, f->frame[i]).s);
			json_end(w);
		}
		json_end(w);
		json_bool(w, "backtrace_cut", f->frames_cut);
	}
	if (f->nr_exits) {
		json_array(w, "exits");
		for (unsigned i = 0; i < f->nr_exits && i < FAULT_EXITS; i++)
			PUT_TEXT(w, NULL, f->exit[i].text);
		json_end(w);
	}
}

void report_json(const struct fault *f, const struct report_names *names, struct json_writer *w)
{
	char text[REPORT_SENTENCE_MAX];

	(void)report_sentence(f, text, sizeof(text));
	json_object(w, NULL);
	json_string(w, "text", text);
	if (f->device)
		json_bool(w, "device", true);
	else
		json_u64(w, "vcpu", f->vcpu);
	json_string(w, "access", report_access_name(f->access));
	json_string(w, "cause", report_cause_name(f->cause));
	json_string(w, "action", report_action_name(f->action));
	json_bool(w, "walk", f->walk);
	if (!f->device)
		put_instruction(w, f, names);
	put_access(w, f, names);
	put_stage1(w, f);
	put_stage2(w, f);
	put_guest(w, f, names);
	put_history(w, f, names);
	json_end(w);
}
