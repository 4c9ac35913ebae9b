/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TAP on the PL011. A byte of output costs an exit, and there are thousands of cases: so those of
 * one row in one group are a line together, and only what fails is told one by one. The plan comes
 * last: only then is known how many lines there are.
 */
#include "faults.h"

enum { FINDINGS = 12, MAX_ROWS = 256 };

static struct {
	uint16_t cases, failed;
} tally[MAX_ROWS];

static struct {
	const char *what;
	bool values;
	uint64_t got, wanted;
} finding[FINDINGS];

static unsigned findings, total, failed;
static const struct row *now_row;
static const char *now_what, *now_where, *now_state;

void say(const char *s)
{
	while (*s)
		write32(UART, (uint8_t)*s++);
}

void say_hex(uint64_t v)
{
	int shift = 60;

	say("0x");
	while (shift > 0 && !(v >> shift & 0xf))
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		write32(UART, (uint8_t) "0123456789abcdef"[v >> shift & 0xf]);
}

void say_number(uint64_t v)
{
	char digits[21];
	char *at = digits + sizeof(digits) - 1;

	*at = '\0';
	do
		*--at = (char)('0' + v % 10);
	while (v /= 10);
	say(at);
}

void begin(const char *what, const char *where, const char *state)
{
	now_row = NULL;
	now_what = what;
	now_where = where;
	now_state = state;
	findings = 0;
}

void begin_row(const struct row *r, const char *where, const char *state)
{
	begin(r->name, where, state);
	now_row = r;
}

void want(const char *what, uint64_t got, uint64_t wanted)
{
	if (got == wanted || findings == FINDINGS)
		return;
	finding[findings].what = what;
	finding[findings].values = true;
	finding[findings].got = got;
	finding[findings++].wanted = wanted;
}

void wrong(const char *what)
{
	if (findings == FINDINGS)
		return;
	finding[findings].what = what;
	finding[findings++].values = false;
}

static void result(bool ok)
{
	say(ok ? "ok " : "not ok ");
	say_number(++total);
	say(" - ");
	failed += !ok;
}

static void say_case(void)
{
	say(now_what);
	if (now_where) {
		say(": ");
		say(now_where);
	}
	if (now_state) {
		say(", ");
		say(now_state);
	}
	say("\n");
}

static void say_findings(void)
{
	for (unsigned i = 0; i < findings; i++) {
		say("#   ");
		say(finding[i].what);
		if (finding[i].values) {
			say(": expected ");
			say_hex(finding[i].wanted);
			say(" got ");
			say_hex(finding[i].got);
		}
		say("\n");
	}
}

void end(void)
{
	if (now_row) {
		tally[now_row - rows].cases++;
		tally[now_row - rows].failed += findings > 0;
		if (findings == 0)
			return;
		say("# failed: ");
	} else {
		result(findings == 0);
	}
	say_case();
	say_findings();
}

void end_rows(const char *group)
{
	for (const struct row *r = rows; r < rows_end; r++) {
		const unsigned n = (unsigned)(r - rows), cases = tally[n].cases;

		if (cases == 0)
			continue;
		result(tally[n].failed == 0);
		say(r->name);
		say(": ");
		say(group);
		say(", ");
		say_number(cases);
		say(cases == 1 ? " case\n" : " cases\n");
		tally[n].cases = tally[n].failed = 0;
	}
}

void skip(const char *what, const char *why)
{
	result(true);
	say(what);
	say(" # SKIP ");
	say(why);
	say("\n");
}

void tap_plan(void)
{
	say("1..");
	say_number(total);
	say("\n");
}
