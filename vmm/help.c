/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/help.h"

#include "vmm/status.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

enum { HELP_COLUMN = 26 }; /* where explanations begin; lines end before 80, tests/unit looks */

/* --- shared --------------------------------------------------------------------------------- */

const struct key help_keys[] = {
	{ .name = "help", .letter = 'h', .help = "explain the options and exit", .type = KEY_BOOL },
	{ 0 },
};

const struct help_status help_statuses[] = {
#define STATUS_ROW(name, number, meaning) { number, meaning },
	EXIT_STATUSES(STATUS_ROW)
#undef STATUS_ROW
		{ 0, NULL },
};

void help_tables(const struct command *c, struct help_table tables[4])
{
	size_t n = 0;

	if (c->has_config)
		tables[n++] = (struct help_table){ vm_config_keys, &vm_config_defaults };
	tables[n++] = (struct help_table){ c->keys, NULL };
	tables[n++] = (struct help_table){ help_keys, NULL };
	tables[n] = (struct help_table){ NULL, NULL };
}

struct help_table help_nested(const struct help_table *t, const struct key *k)
{
	return (struct help_table){ k->keys, t->defaults ? key_object(k, t->defaults) : NULL };
}

/* A number that has to be given is 0 before, which is none that could be. */
static bool could_be_given(const struct help_table *t, const struct key *k)
{
	uint32_t v = 0;

	if (k->type != KEY_U32)
		return true;
	memcpy(&v, (const char *)t->defaults + k->offset, sizeof(v));
	return v >= k->min;
}

struct key_text help_default(const struct help_table *t, const struct key *k)
{
	if (!t->defaults || k->type == KEY_BOOL || k->type == KEY_COUNT || !could_be_given(t, k))
		return (struct key_text){ "" };
	return key_value(k, t->defaults);
}

/* --- plain text ----------------------------------------------------------------------------- */

static void print_row(const char *left, const char *help, const char *value, FILE *out)
{
	int width = fprintf(out, "%s", left);

	if (width >= HELP_COLUMN) {
		(void)fputc('\n', out);
		width = 0;
	}
	(void)fprintf(out, "%*s%s", HELP_COLUMN - width, "", help);
	if (*value)
		(void)fprintf(out, " (default %s)", value);
	(void)fputc('\n', out);
}

static void print_nested(const struct help_table *t, FILE *out)
{
	char left[128];

	for (const struct key *k = t->keys; k->type != KEY_END; k++) {
		(void)snprintf(left, sizeof(left), "        %s=%.100s", k->name, key_arg(k).s);
		print_row(left, k->help, help_default(t, k).s, out);
	}
}

static void print_option(const struct help_table *t, const struct key *k, FILE *out)
{
	char left[128], letter[] = "    ";

	if (k->letter)
		(void)snprintf(letter, sizeof(letter), "-%c, ", k->letter);
	(void)snprintf(left, sizeof(left), "  %.4s--%s%s%.80s", letter, k->name,
		       key_is_flag(k) ? "" : " ", key_is_flag(k) ? "" : key_arg(k).s);
	print_row(left, k->help, help_default(t, k).s, out);
	if (k->keys) {
		struct help_table nested = help_nested(t, k);

		print_nested(&nested, out);
	}
}

static void print_options(const struct command *c, FILE *out)
{
	struct help_table tables[4];

	help_tables(c, tables);
	if (!c->has_config)
		(void)fputs("\nOptions:\n", out);
	for (const struct help_table *t = tables; t->keys; t++) {
		for (const struct key *k = t->keys; k->type != KEY_END; k++) {
			if (k->section)
				(void)fprintf(out, "\n%s:\n", k->section);
			print_option(t, k, out);
		}
	}
}

static void print_usage(const struct command *c, FILE *out)
{
	(void)fprintf(out, "vmm %s%s%s", c->name, *c->args ? " " : "", c->args);
}

static void print_command(const struct command *c, FILE *out)
{
	(void)fputs("Usage: ", out);
	print_usage(c, out);
	(void)fprintf(out, "\n\n%c%s.\n", toupper(c->help[0]), c->help + 1);
	print_options(c, out);
}

static void print_overview(FILE *out)
{
	(void)fputs("vmm runs virtual machines on an ARM64 Linux host with KVM.\n\nUsage:\n", out);
	for (const struct command *c = commands; c < commands + COMMAND_COUNT; c++) {
		(void)fputs("  ", out);
		print_usage(c, out);
		(void)fprintf(out, "\n      %s\n", c->help);
	}
	(void)fputs("\nTo begin:\n"
		    "  vmm run --kernel Image --initrd initrd.img --mem 1G\n"
		    "\n\"vmm help run\" explains the options of run.\n",
		    out);
}

void help_print(int topic, FILE *out)
{
	if (topic < COMMAND_COUNT)
		print_command(&commands[topic], out);
	else if (topic == HELP_MAN)
		help_man(out);
	else if (topic == HELP_BASH)
		help_bash(out);
	else
		print_overview(out);
}
