/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What KVM settles without asking anyone, unless vmm lays guards: instructions fetched where there
 * are none, and tables of stage 1 that are not there or cannot be written.
 */
#include "faults.h"

#define FSC_EXTERNAL	  0x10
#define FSC_EXTERNAL_WALK 0x14 /* and the level */
#define FSC_ACCESS_FLAG	  0x08 /* and the level */
#define INSIDE		  0x40

#define TCR_HA (1ULL << 39)

#define INSN_NOP 0xd503201f

#define NEAR 0x0a000000
#define FAR  0x300000000

/* --- fetch --------------------------------------------------------------------------------------
 */

struct target {
	const char *name;
	uint64_t page;
	bool device; /* KVM answers by itself, as it should; vmm may see it later */
};

static const struct target targets[] = {
	{ "hole of virtio slots", 0x0a000000, false },
	{ "hole right above RAM", RAM_END, false },
	{ "pl011", UART, true },
	{ "pl031", RTC, true },
	{ "the GIC's distributor", 0x08000000, true },
	{ "hole at 8 GiB", 0x200000000, false },
	{ "hole at 60 GiB", 0xf00000000, false },
	{ 0 },
};

static const struct state fetch_off[] = {
	{ "MMU off, EL1h", OFF, DEVICE, EL1H },
	{ "MMU off, EL1t", OFF, DEVICE, EL1T },
	{ 0 },
};

static const struct state fetch_on[] = {
	{ "by TTBR1, EL1h", HIGH, NORMAL, EL1H },
	{ "by TTBR0, EL1t", LOW, NORMAL, EL1T },
	{ "by TTBR0, EL0", LOW, NORMAL, EL0T },
	{ "by TTBR1, EL0", HIGH, NORMAL, EL0T },
	{ 0 },
};

/* The ways to come there. */
extern const char code_br[], code_blr[], code_ret[];

__asm__(".pushsection .stubs, \"ax\"\n"
	"code_br: br x1\n"
	"code_blr: blr x1\n"
	"code_ret: ret x1\n"
	".popsection\n");

static void come_by(const char *name, const char *code, const struct state *s,
		    const struct target *t)
{
	const uint64_t va = va_of(s, t->page + INSIDE);
	const struct row r = { .code = (uint64_t)code };
	struct cpu in, out;

	begin(name, t->name, s->name);
	prepare(&in, s, code ? code_of(&r, s) : va);
	in.x[1] = va;
	go(&in, &out);
	if (code == code_blr)
		in.x[30] = in.pc + 4;
	/* A branch leaves its type where the CPU tells types of branches (FEAT_BTI). */
	if (code && field(id_register(id_aa64pfr1_el1), 0))
		in.pstate |= (code == code_br ? 1 : code == code_blr ? 2 : 0) << 10;
	want_fetch_abort(s, &in, &out, FSC_EXTERNAL, va);
	faults_expected += !t->device;
	end();
}

/* The last two instructions of RAM: the CPU runs into what follows. */
static void run_out_of_ram(const struct state *s)
{
	struct cpu in, out;

	write32(RAM_END - 8, INSN_NOP);
	write32(RAM_END - 4, INSN_NOP);
	instructions_changed(RAM_END - 8);
	if (s->view != OFF)
		window(RAM_END, NORMAL, true);
	begin("run out of RAM", NULL, s->name);
	prepare(&in, s, va_of(s, RAM_END - 8));
	go(&in, &out);
	want_fetch_abort(s, &in, &out, FSC_EXTERNAL, va_of(s, RAM_END));
	faults_expected++;
	end();
}

static void run_rom(const struct state *s)
{
	struct cpu in, out;

	if (s->view != OFF)
		window(ROM_CODE, NORMAL, true);
	begin("ROM has instructions", NULL, s->name);
	prepare(&in, s, va_of(s, ROM_CODE + INSIDE));
	go(&in, &out);
	if (!is_done(&out))
		wrong("it was not run");
	want("ELR", out.pc, in.pc);
	want_unchanged(&in, &out);
	end();
}

void cases_fetch(void)
{
	for (const struct state *s = mmu_is_on() ? fetch_on : fetch_off; s->name; s++) {
		for (const struct target *t = targets; t->name; t++) {
			if (s->view != OFF)
				window(t->page, NORMAL, true);
			come_by("eret to", NULL, s, t);
			come_by("br to", code_br, s, t);
			if (t == targets) {
				come_by("blr to", code_blr, s, t);
				come_by("ret to", code_ret, s, t);
			}
		}
		run_out_of_ram(s);
		run_rom(s);
	}
}

static void come_once(const struct target *t)
{
	const struct state *s = mmu_is_on() ? fetch_on : fetch_off;

	if (s->view != OFF)
		window(t->page, NORMAL, true);
	come_by("br to", code_br, s, t);
}

void case_fetch_from_device(void)
{
	static const struct target rtc = { "pl031", RTC, true };

	come_once(&rtc);
}

void case_fetch_far_away(void)
{
	static const struct target far = { "hole at 12 GiB", FAR, true };

	come_once(&far);
}

/*
 * A page of a hole that is read again and again is opened to KVM; what lies beside it is not, so
 * that vmm still hears of what is fetched there.
 */
void cases_opened(void)
{
	static const struct state s = { "EL1h", HIGH, NORMAL, EL1H };
	static const struct target beside[] = {
		{ "after a page that is read often", 0x0a101000, false },
		{ "before a page that is read often", 0x0a0ff000, false },
		{ 0 },
	};
	const struct row *r = row_named("ldr x2,[x1,16]");
	const uint64_t page = 0x0a100000;
	struct cpu in, out;

	window(page, NORMAL, true);
	for (unsigned i = 0; i < 1000; i++) {
		begin_row(r, "a hole", s.name);
		perform(r, &s, va_of(&s, page + INSIDE), &in, &out);
		want_abort(r, &s, &in, &out, FSC_EXTERNAL, va_of(&s, page + INSIDE));
		faults_expected++;
		end();
	}
	end_rows("again and again");
	for (const struct target *t = beside; t->name; t++)
		come_by("eret to", NULL, &s, t);
}

/* --- walks --------------------------------------------------------------------------------------
 */

static const struct state el1 = { "EL1h", HIGH, NORMAL, EL1H };
static const struct state el1t = { "EL1t", HIGH, NORMAL, EL1T };
static const struct state el0 = { "EL0", LOW, NORMAL, EL0T };

#define AT_1 0xffffc00000000000 /* of a table of level 1; others follow, 512 GiB each */
#define STEP (1ULL << 39)

static void data_by(const char *insn, const char *where, const struct state *s, unsigned fsc,
		    uint64_t va)
{
	const struct row *r = row_named(insn);
	struct cpu in, out;

	if (!possible(r, s))
		return;
	begin(r->name, where, s->name);
	perform(r, s, va, &in, &out);
	want_abort(r, s, &in, &out, fsc, va);
	faults_expected += (fsc & 0x3c) == FSC_EXTERNAL_WALK;
	end();
}

static void fetch_by(const char *where, const struct state *s, unsigned fsc, uint64_t va)
{
	struct cpu in, out;

	begin("eret to", where, s->name);
	prepare(&in, s, va);
	go(&in, &out);
	want_fetch_abort(s, &in, &out, fsc, va);
	faults_expected++;
	end();
}

/* AT whose walk is aborted: the exception is a Data Abort of maintenance (CM), which counts as a
 * write. */
extern const char code_at[];

__asm__(".pushsection .stubs, \"ax\"\n"
	"code_at: at s1e1r, x1\n"
	"brk 0x77\n"
	".popsection\n");

static void translate_by(const char *where, unsigned fsc, uint64_t va)
{
	struct cpu in, out;

	begin("at s1e1r", where, NULL);
	prepare(&in, &el1, (uint64_t)code_at);
	in.x[1] = va;
	go(&in, &out);
	want("ESR", out.esr, 0x25ULL << 26 | 1 << 25 | 1 << 8 | 1 << 6 | fsc);
	want("FAR", out.far, va);
	want("ELR", out.pc, in.pc);
	want("vector", out.vector, 0x200);
	want_unchanged(&in, &out);
	end();
}

static void all_by(const char *where, unsigned fsc, uint64_t va)
{
	data_by("ldr x2,[x1,16]", where, &el1, fsc, va);
	data_by("str w2,[x1,8]", where, &el1t, fsc, va);
	data_by("ldp x2,x3,[x1],504", where, &el1, fsc, va);
	data_by("stp q2,q3,[x1,-32]!", where, &el1, fsc, va);
	data_by("ldadd w2,w3,[x1]", where, &el1, fsc, va);
	data_by("ldxr w2,[x1]", where, &el1, fsc, va);
	data_by("ldr w2,[x1,8]", where, &el0, fsc, va);
	data_by("ldr z2,[x1]", where, &el0, fsc, va);
	fetch_by(where, &el1, fsc, va);
	fetch_by(where, &el0, fsc, va);
}

static void tables_in(const char *const names[3], uint64_t hole,
		      void (*try)(const char *where, unsigned fsc, uint64_t va))
{
	uint64_t *t1 = spare_table(0), *t2 = spare_table(1);
	const uint64_t va = AT_1 + 0x123440;

	*top_entry(AT_1) = hole | PTE_TABLE;
	*top_entry(AT_1 + STEP) = (uint64_t)t1 | PTE_TABLE;
	t1[0] = hole | PTE_TABLE;
	t1[1] = (uint64_t)t2 | PTE_TABLE;
	t2[0] = hole | PTE_TABLE;
	tables_changed();
	try(names[0], FSC_EXTERNAL_WALK + 1, va);
	try(names[1], FSC_EXTERNAL_WALK + 2, va + STEP);
	try(names[2], FSC_EXTERNAL_WALK + 3, va + STEP + (1 << 30) - 0x100000);
	*top_entry(AT_1) = *top_entry(AT_1 + STEP) = 0;
	tables_changed();
}

static void top_table_in(const char *name, uint64_t hole)
{
	uint64_t old = id_register(ttbr1_el1);
	static const struct state s = { "EL1h", HIGH, NORMAL, EL1H };
	const struct state *at = &s;

	set_register(ttbr1_el1, hole);
	tables_changed();
	data_by("ldr x2,[x1,16]", name, at, FSC_EXTERNAL_WALK, AT_1);
	data_by("stp x2,x3,[x1],-16", name, at, FSC_EXTERNAL_WALK, AT_1);
	fetch_by(name, at, FSC_EXTERNAL_WALK, AT_1);
	set_register(ttbr1_el1, old);
	tables_changed();
}

/* Of a fetch KVM does not look whether it was the walk. */
void case_fetch_by_tables_in_a_device(void)
{
	*top_entry(AT_1) = RTC | PTE_TABLE;
	tables_changed();
	fetch_by("tables in pl031", &el1, FSC_EXTERNAL, AT_1 + 0x123440);
}

/* Tables in ROM: a walk only reads, until the CPU has to set an access flag. */
static void tables_in_rom(void)
{
	const bool has_ha = field(id_register(id_aa64mmfr1_el1), 0) >= 1;
	uint64_t *t1 = spare_table(2), *t2 = spare_table(3), tcr = id_register(tcr_el1);
	const uint64_t set = AT_1 + 0x1000, clear = set + (1 << 21);
	const struct row *ldr = row_named("ldr x2,[x1,16]");
	struct cpu in, out;

	*top_entry(AT_1) = (uint64_t)t1 | PTE_TABLE;
	t1[0] = (uint64_t)t2 | PTE_TABLE;
	t2[0] = ROM_SET_TABLE | PTE_TABLE;
	t2[1] = ROM_TABLE | PTE_TABLE;
	tables_changed();
	begin("ldr by a table in ROM", NULL, NULL);
	perform(ldr, &el1, set, &in, &out);
	want_done(ldr, &in, &out);
	want("x2", out.x[2], *(uint64_t *)(RAM + PAGE));
	end();
	data_by("ldr x2,[x1,16]", "access flag clear, not the CPU's to set", &el1,
		FSC_ACCESS_FLAG + 3, clear);
	if (!has_ha) {
		skip("access flag that the CPU sets", "this CPU does not");
		return;
	}
	set_register(tcr_el1, tcr | TCR_HA);
	tables_changed();
	data_by("ldr x2,[x1,16]", "access flag in ROM", &el1, FSC_EXTERNAL_WALK + 3, clear);
	data_by("str w2,[x1,8]", "access flag in ROM", &el1, FSC_EXTERNAL_WALK + 3, clear);
	data_by("ldp x2,x3,[x1],504", "access flag in ROM", &el1, FSC_EXTERNAL_WALK + 3, clear);
	fetch_by("access flag in ROM", &el1, FSC_EXTERNAL_WALK + 3, clear);
	set_register(tcr_el1, tcr);
	tables_changed();
}

/*
 * Before anything else was wrong, what is far above RAM has no guards yet: then it is KVM that
 * answers. Its status code for a walk is 0x10 before Linux 6.18.
 */
void cases_first(void)
{
	const struct row *r = row_named("ldr x2,[x1,16]");
	uint64_t *t1 = spare_table(0);
	struct cpu in, out;
	unsigned fsc;

	*top_entry(AT_1) = (uint64_t)t1 | PTE_TABLE;
	t1[0] = FAR | PTE_TABLE;
	tables_changed();
	begin(r->name, "level 2 table far away, the first fault of all", NULL);
	perform(r, &el1, AT_1, &in, &out);
	fsc = fsc_of(&out) == FSC_EXTERNAL ? FSC_EXTERNAL : FSC_EXTERNAL_WALK + 2;
	want_abort(r, &el1, &in, &out, fsc, AT_1);
	end();
	say("# KVM's status code: ");
	say_hex(fsc_of(&out));
	say("\n");
}

static const char *const near[] = { "level 1 table in a hole", "level 2 table in a hole",
				    "level 3 table in a hole" };
static const char *const far[] = { "level 1 table far away", "level 2 table far away",
				   "level 3 table far away" };

void cases_walk(void)
{
	tables_in(near, NEAR, all_by);
	tables_in(far, FAR, all_by);
	top_table_in("top table in a hole", NEAR);
	top_table_in("top table far away", FAR);
	tables_in_rom();
}

void cases_translate(void)
{
	tables_in(near, NEAR, translate_by);
	tables_in(far, FAR, translate_by);
}
