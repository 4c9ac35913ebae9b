/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A few cases of every kind, each with a line before it that says what the report has to: PC,
 * address, access, cause. No two are of one kind (PC and page), so each is reported.
 */
#include "faults.h"

static const char *access_of(const struct row *r)
{
	return r->kind == READ ? "read" : r->kind == UPDATE ? "read-write" : "write";
}

static void say_field(const char *name, uint64_t v)
{
	say(name);
	say_hex(v);
}

static void one(const struct row *r, const struct state *s, uint64_t at, uint64_t failed,
		uint64_t ipa, const char *cause)
{
	struct cpu in, out;

	if (!possible(r, s))
		return;
	say_field("want pc=", code_of(r, s) + r->before);
	say_field(" ipa=", ipa);
	say_field(" va=", failed);
	say(" access=");
	say(access_of(r));
	say(" cause=");
	say(cause);
	say("\n");
	perform(r, s, at, &in, &out);
}

static void plain(const char *insn, const struct state *s, uint64_t ipa, const char *cause)
{
	const uint64_t va = va_of(s, ipa);

	one(row_named(insn), s, va, va, ipa, cause);
}

static void over(const char *insn, const struct state *s, uint64_t border, unsigned inside)
{
	one(row_named(insn), s, va_of(s, border - inside), va_of(s, border), border,
	    "ends-outside");
}

static void fetch(const struct state *s, uint64_t ipa)
{
	const uint64_t va = va_of(s, ipa);
	struct cpu in, out;

	say_field("want pc=", va);
	say_field(" ipa=", ipa);
	say_field(" va=", va);
	say(" access=fetch cause=nothing-there\n");
	prepare(&in, s, va);
	go(&in, &out);
}

/* Of 32-bit programs, beside what the others have: an instruction each of A32 and T32. */
static void aarch32(void)
{
	static const struct {
		const char *insn;
		uint64_t ipa;
		const char *access, *cause;
	} each[] = {
		{ "ldmib r1!, {r2, r3, r6}", 0x0a004040, "read", "nothing-there" },
		{ "strd r2, r3, [r1, #-8]!", 0x0a005040, "write", "nothing-there" },
		{ "push {r2, r3}", ROM + 0x1080, "write", "read-only" },
		{ "vldr d2, [r1]", 0x08000000, "read", "not-for-device" },
	};

	for (unsigned i = 0; i < sizeof(each) / sizeof(each[0]); i++) {
		uint64_t pc, va;

		if (!aarch32_one(each[i].insn, each[i].ipa, &pc, &va))
			return;
		say_field("want pc=", pc);
		say_field(" ipa=", each[i].ipa);
		say_field(" va=", va);
		say(" access=");
		say(each[i].access);
		say(" cause=");
		say(each[i].cause);
		say("\n");
	}
}

void cases_log(void)
{
	static const struct state device = { "", IDENTITY, DEVICE, EL1H };
	static const struct state normal = { "", HIGH, NORMAL, EL0T };
	static const struct state el1 = { "", HIGH, NORMAL, EL1H };
	uint64_t *table = spare_table(0);
	const uint64_t unmapped = 0xffffc00000000000, hole = 0x0a003000;

	window(0x0a000000, NORMAL, false);
	for (const struct row *r = rows; r < rows_end; r++)
		if (r->flags & CORE && r->kind != HINT && !(r->flags & UNPRIVILEGED))
			one(r, (size_t)(r - rows) % 2 ? &device : &normal,
			    va_of((size_t)(r - rows) % 2 ? &device : &normal, 0x0a000040),
			    va_of((size_t)(r - rows) % 2 ? &device : &normal, 0x0a000040),
			    0x0a000040, "nothing-there");
	plain("ldrh w2,[x1,6]", &device, 0x200000040, "nothing-there");
	plain("ldp x2,x3,[x1],504", &device, 0x10000040, "nothing-there");
	plain("strb w2,[x1,5]", &device, ROM + 0x80, "read-only");
	plain("stp q2,q3,[x1,-32]!", &device, ROM + 0x80, "read-only");
	plain("ldadd w2,w3,[x1]", &device, ROM + 0x80, "read-only");
	plain("ldr x2,[x1,32760]", &device, UART + 0xfe0, "refused");
	plain("ldp x2,x3,[x1,-512]!", &device, UART + 0xfe0, "refused");
	plain("ldxr w2,[x1]", &device, UART + 0xfe0, "not-for-device");
	plain("ldp w2,w3,[x1]", &device, 0x08000000, "not-for-device");
	window(RAM_END, NORMAL, false);
	over("ldr x2,[x1,255]!", &normal, RAM_END, 4);
	over("ldur x2,[x1,-256]", &normal, RAM_END, 4);
	over("ldp x2,x3,[x1,16]", &normal, RAM_END, 8);
	over("ldr q2,[x1,16]!", &normal, RAM_END, 8);
	over("stur x2,[x1,-255]", &normal, RAM_END, 4);
	over("stp w2,w3,[x1,-8]!", &normal, RAM_END, 4);
	fetch(&device, 0x0a000100);
	fetch(&device, 0x200000100);
	*top_entry(unmapped) = (uint64_t)table | PTE_TABLE;
	table[0] = hole | PTE_TABLE;
	tables_changed();
	one(row_named("ldrsb x2,[x1,1]"), &el1, unmapped + 0x200000, unmapped + 0x200000, hole + 8,
	    "nothing-there");
	one(row_named("strh w2,[x1,6]"), &el1, unmapped + 0x400000, unmapped + 0x400000, hole + 16,
	    "nothing-there");
	aarch32();
}

/* With the page before the ROM a hole that takes all: what ends in ROM is not in a hole. */
void cases_log_rom(void)
{
	static const struct state el1 = { "", HIGH, NORMAL, EL1H };
	static const struct {
		const char *insn;
		unsigned inside;
	} each[] = {
		{ "stp w2,w3,[x1,-8]!", 4 },
		{ "stp q2,q3,[x1,-32]!", 16 },
		{ "stur x2,[x1,-255]", 4 },
	};

	window(ROM, NORMAL, false);
	for (unsigned i = 0; i < sizeof(each) / sizeof(each[0]); i++)
		one(row_named(each[i].insn), &el1, va_of(&el1, ROM - each[i].inside),
		    va_of(&el1, ROM), ROM, "read-only");
}
