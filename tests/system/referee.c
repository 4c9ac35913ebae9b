/* referee LOG TRACE [BASE+SIZE...]: compares what vmm reported (--fault-log) with what the host's
 * kernel recorded of the same guest: its event kvm:kvm_guest_fault, of every fault in stage 2.
 * BASE+SIZE are what the machine has: memory and devices. A fault there is a bad access only if a
 * report names the same instruction and page. Says each difference in a line; ends with 0 if there
 * was none, 1 if there was one, 2 when it cannot tell. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE(ipa) ((ipa) & ~UINT64_C(0xfff))

/* ESR_EL2 and ESR_EL1 of an abort. */
#define EC(esr)	    ((esr) >> 26 & 0x3f)
#define IL(esr)	    ((esr) >> 25 & 1)
#define ISV(esr)    ((esr) >> 24 & 1)
#define SAS(esr)    ((esr) >> 22 & 3)
#define CM(esr)	    ((esr) >> 8 & 1)
#define S1PTW(esr)  ((esr) >> 7 & 1)
#define WNR(esr)    ((esr) >> 6 & 1)
#define EC_IABT_LOW 0x20 /* from a lower level; one more is the same level */
#define EC_DABT_LOW 0x24

struct record {
	uint64_t ipa, esr, far, pc;
	bool used;     /* a report was found to be about it */
	bool reported; /* of an instruction and page that a report names */
};

struct window {
	uint64_t base, size;
};

static struct record *records;
static size_t nr_records;
static struct window windows[64];
static size_t nr_windows;
static unsigned differences, reports;
static const char *line; /* the report that is looked at */

static _Noreturn void cannot(const char *what)
{
	fprintf(stderr, "referee: %s\n", what);
	exit(2);
}

static void differs(const char *fmt, ...)
{
	va_list va;

	differences++;
	printf("report %u: ", reports);
	va_start(va, fmt);
	vprintf(fmt, va);
	va_end(va);
	printf("\n    %.300s\n", line);
}

/* --- JSON, as vmm writes it ------------------------------------------------------------------ */

/* The value of a member of the object that begins at @at; NULL if it has none of that name. */
static const char *member(const char *at, const char *name)
{
	const size_t len = strlen(name);
	int depth = 0;

	for (; at && *at; at++) {
		if (*at == '{' || *at == '[')
			depth++;
		if ((*at == '}' || *at == ']') && --depth == 0)
			return NULL;
		if (*at != '"')
			continue;
		const char *word = ++at;
		for (; *at && *at != '"'; at++)
			if (*at == '\\' && at[1])
				at++;
		if (!*at)
			return NULL;
		if (depth == 1 && at[1] == ':' && (size_t)(at - word) == len &&
		    !memcmp(word, name, len))
			return at + 2;
	}
	return NULL;
}

static bool number(const char *object, const char *name, uint64_t *v)
{
	const char *at = member(object, name);

	if (!at)
		return false;
	*v = strtoull(at + (*at == '"'), NULL, 0);
	return true;
}

static bool is(const char *object, const char *name, const char *wanted)
{
	const char *at = member(object, name);
	const size_t len = strlen(wanted);

	return at && *at == '"' && !strncmp(at + 1, wanted, len) && at[1 + len] == '"';
}

/* --- the trace ------------------------------------------------------------------------------- */

static void read_trace(const char *path)
{
	char text[1024];
	size_t room = 0;
	FILE *f = fopen(path, "r");

	if (!f)
		cannot("cannot read the trace");
	while (fgets(text, sizeof(text), f)) {
		struct record r = { 0 };
		const char *at = strstr(text, "kvm_guest_fault: ");

		if (strstr(text, "LOST"))
			cannot("events are missing in the trace");
		if (!at)
			continue;
		if (sscanf(at,
			   "kvm_guest_fault: ipa %" SCNx64 ", hsr %" SCNx64 ", hxfar %" SCNx64
			   ", pc %" SCNx64,
			   &r.ipa, &r.esr, &r.far, &r.pc) != 4)
			cannot("the trace has a line of an unknown form");
		if (nr_records == room) {
			room = room ? room * 2 : 1024;
			records = realloc(records, room * sizeof(*records));
			if (!records)
				cannot("no memory");
		}
		records[nr_records++] = r;
	}
	fclose(f);
}

static bool claimed(uint64_t ipa)
{
	for (size_t i = 0; i < nr_windows; i++)
		if (ipa - windows[i].base < windows[i].size)
			return true;
	return false;
}

/* What a report says of the fault that it is about. */
struct said {
	uint64_t pc, va, ipa, size;
	bool has_ipa;
	bool later; /* about bytes behind the first; the kernel's record has the first */
};

static bool about(const struct said *s, const struct record *r)
{
	const uint64_t most = 256; /* bytes of the largest access */

	if (r->pc != s->pc)
		return false;
	/* The first byte is in the same page, or in one before that can lie anywhere. */
	if (s->later)
		return s->va - r->far < most &&
		       (PAGE(s->ipa) == r->ipa || PAGE(s->ipa) != PAGE(s->ipa - most));
	return !s->has_ipa || r->ipa == PAGE(s->ipa);
}

static bool same_size(const struct said *s, const struct record *r)
{
	return !ISV(r->esr) || !s->size || s->size == UINT64_C(1) << SAS(r->esr);
}

/*
 * The first record at hand of the fault that the report is about. A guest may put another
 * instruction where one was: rather one with the size that the report has.
 */
static struct record *find(const struct said *s)
{
	struct record *like = NULL;

	for (struct record *r = records; r < records + nr_records; r++) {
		if (!about(s, r))
			continue;
		r->reported = true;
		if (r->used || (like && (same_size(s, like) || !same_size(s, r))))
			continue;
		if (s->later || ((r->far ^ s->va) & UINT64_MAX >> 8) == 0)
			like = r;
	}
	if (like)
		like->used = true;
	return like;
}

/* --- one report ------------------------------------------------------------------------------ */

static void same(const char *what, uint64_t vmm, uint64_t kernel)
{
	if (vmm != kernel)
		differs("%s is 0x%" PRIx64 ", and 0x%" PRIx64 " in the kernel's record", what, vmm,
			kernel);
}

/* What the access was, against ESR_EL2. */
static void check_access(const struct record *r, const struct said *s)
{
	const bool fetch = is(line, "access", "fetch"), walk = member(line, "walk")[0] == 't';

	same("exception class of the access", fetch ? EC_IABT_LOW : EC_DABT_LOW, EC(r->esr));
	same("walk", walk, S1PTW(r->esr));
	if (walk || fetch)
		return;
	/* An atomic operation may fault as either. */
	if (!is(line, "access", "read-write"))
		same("whether it is a write", is(line, "access", "write"), WNR(r->esr));
	if (!same_size(s, r))
		same("size", s->size, UINT64_C(1) << SAS(r->esr));
}

/* What the guest got for it. */
static void check_given(const struct record *r, uint64_t el, uint64_t wanted_far)
{
	const char *guest = member(line, "guest");
	const bool walk = member(line, "walk")[0] == 't';
	uint64_t esr, far, elr;

	if (!is(line, "action", "aborted"))
		return;
	if (!guest || !number(guest, "esr", &esr) || !number(guest, "far", &far) ||
	    !number(guest, "elr", &elr)) {
		differs("does not say what the guest got");
		return;
	}
	same("ELR of the guest", elr, r->pc);
	same("FAR of the guest", far, wanted_far);
	same("exception class of the guest", EC(esr), EC(r->esr) | el);
	same("IL of the guest", IL(esr), IL(r->esr));
	if (!walk && EC(r->esr) == EC_DABT_LOW) {
		same("WnR of the guest", WNR(esr), WNR(r->esr));
		same("CM of the guest", CM(esr), CM(r->esr));
	}
}

static void check_report(void)
{
	struct said s = { .later = is(line, "cause", "ends-outside") };
	struct record *r;
	uint64_t el = 0;

	s.has_ipa = number(line, "ipa", &s.ipa);
	if (!number(line, "pc", &s.pc) || !number(line, "va", &s.va) || !number(line, "el", &el) ||
	    !member(line, "walk")) {
		differs("lacks a fact");
		return;
	}
	(void)number(line, "size", &s.size);
	r = find(&s);
	if (!r) {
		differs("the kernel has no record of it");
		for (r = records; r < records + nr_records; r++)
			if (r->pc == s.pc)
				printf("    at that pc: ipa 0x%" PRIx64 " esr 0x%" PRIx64
				       " far 0x%" PRIx64 "\n",
				       r->ipa, r->esr, r->far);
		return;
	}
	if (is(line, "va_source", "disagree"))
		differs("vmm has two different virtual addresses");
	/* Only the register has the tag. */
	if (!s.later && !is(line, "va_source", "decoded"))
		same("virtual address", s.va, r->far);
	check_access(r, &s);
	check_given(r, el, s.later ? s.va : r->far);
}

/* --- all ------------------------------------------------------------------------------------- */

/* There is no cache to maintain where nothing is: such an instruction is no bad access. */
static bool bad_access(const struct record *r)
{
	return r->reported || (!claimed(r->ipa) && !CM(r->esr));
}

/* Nothing that went to where nothing is may be missing from vmm's count, and nothing be too much.
 */
static void check_counts(bool locked_up)
{
	uint64_t faults, kinds, told, bad = 0;
	const char *sum = member(line, "summary");

	if (!number(sum, "faults", &faults) || !number(sum, "kinds", &kinds) ||
	    !number(sum, "json", &told))
		cannot("the summary lacks a number");
	same("number of reports", told, reports);
	for (const struct record *r = records; r < records + nr_records; r++) {
		bad += bad_access(r);
		if (bad_access(r) && !r->reported && kinds == told)
			differs("there is none of a fault at pc 0x%" PRIx64 ", ipa 0x%" PRIx64
				", esr 0x%" PRIx64 ", far 0x%" PRIx64,
				r->pc, r->ipa, r->esr, r->far);
	}
	printf("%u reports, %" PRIu64 " faults; the kernel: %zu records, %" PRIu64
	       " of bad accesses\n",
	       reports, faults, nr_records, bad);
	if (locked_up) /* the kernel went on faulting by itself, before vmm saw it */
		return;
	if (kinds == told)
		same("number of faults", faults, bad);
	else if (bad > faults)
		same("least number of faults", faults, bad);
}

int main(int argc, char **argv)
{
	bool summary = false, locked_up = false;
	char *text = NULL, *end;
	size_t size = 0;

	if (argc < 3)
		cannot("needs a log and a trace");
	for (int i = 3; i < argc; i++) {
		if (nr_windows == sizeof(windows) / sizeof(windows[0]))
			cannot("too many windows");
		windows[nr_windows].base = strtoull(argv[i], &end, 0);
		windows[nr_windows++].size = *end == '+' ? strtoull(end + 1, NULL, 0) : 0;
	}
	read_trace(argv[2]);
	FILE *f = fopen(argv[1], "r");
	if (!f)
		cannot("cannot read the log");
	while (getline(&text, &size, f) > 0) {
		line = text;
		if (member(line, "summary")) {
			summary = true;
			check_counts(locked_up);
			continue;
		}
		reports++;
		locked_up |= is(line, "action", "lockup");
		check_report();
	}
	if (!summary)
		cannot("the log has no summary");
	return differences ? 1 : 0;
}
