/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/help.h"

#include "vmm/sandbox/rules.h"

#include <string.h>

/* Text of a table cell: a bar would end it. */
static void put(const char *text, FILE *out)
{
	for (; *text; text++) {
		if (*text == '|')
			(void)fputc('\\', out);
		(void)fputc(*text, out);
	}
}

static void put_meaning(const struct key *k, FILE *out)
{
	(void)fputs(" | ", out);
	put(k->help, out);
	if (k->more) {
		(void)fputs(". ", out);
		put(k->more, out);
	}
	(void)fputs(" |\n", out);
}

static void put_default(const struct help_table *t, const struct key *k, FILE *out)
{
	struct key_text v = help_default(t, k);

	(void)fputs(" | ", out);
	if (v.s[0]) {
		(void)fputc('`', out);
		put(v.s, out);
		(void)fputc('`', out);
	}
}

static void put_option(const struct help_table *t, const struct key *k, FILE *out)
{
	(void)fputs("| `", out);
	if (k->letter)
		(void)fprintf(out, "-%c`, `", k->letter);
	(void)fprintf(out, "--%s", k->name);
	if (!key_is_flag(k)) {
		(void)fputc(' ', out);
		put(key_arg(k).s, out);
	}
	(void)fputc('`', out);
	put_default(t, k, out);
	put_meaning(k, out);
}

static void put_key(const struct help_table *t, const struct key *k, FILE *out)
{
	(void)fprintf(out, "| `%s=", k->name);
	put(key_arg(k).s, out);
	(void)fputc('`', out);
	put_default(t, k, out);
	put_meaning(k, out);
}

static const char heading[] = " | Default | Meaning |\n|---|---|---|\n";

static void put_commands(FILE *out)
{
	(void)fputs("| Subcommand | What it does |\n|---|---|\n", out);
	for (const struct command *c = commands; c < commands + COMMAND_COUNT; c++) {
		(void)fprintf(out, "| `vmm %s%s", c->name, *c->args ? " " : "");
		put(c->args, out);
		(void)fprintf(out, "` | %s |\n", c->help);
	}
}

/* Every option of run. */
static void put_options(FILE *out)
{
	struct help_table tables[4];

	help_tables(&commands[COMMAND_RUN], tables);
	(void)fprintf(out, "| Option%s", heading);
	for (const struct help_table *t = tables; t->keys; t++)
		for (const struct key *k = t->keys; k->type != KEY_END; k++)
			put_option(t, k, out);
}

/* The keys of options that take KEY=VALUE. */
static void put_nested(FILE *out)
{
	const struct help_table t = { vm_config_keys, &vm_config_defaults };

	for (const struct key *k = vm_config_keys; k->type != KEY_END; k++) {
		struct help_table nested;

		if (!k->keys)
			continue;
		nested = help_nested(&t, k);
		(void)fprintf(out, "| `--%s`%s", k->name, heading);
		for (const struct key *sub = k->keys; sub->type != KEY_END; sub++)
			put_key(&nested, sub, out);
	}
}

static void put_statuses(FILE *out)
{
	(void)fputs("| Status | Meaning |\n|---|---|\n", out);
	for (const struct help_status *s = help_statuses; s->meaning; s++)
		(void)fprintf(out, "| %d | %s |\n", s->number, s->meaning);
}

static const char *const check_words[] = {
	[RULE_ANY] = "",
	[RULE_IOCTL] = "the request: see below",
	[RULE_OWN_PID] = "vmm's own threads",
	[RULE_NO_EXEC] = "not executable",
};

static void put_kinds(unsigned kinds, FILE *out)
{
	for (unsigned k = 0; k < NR_THREAD_KINDS; k++)
		(void)fprintf(out, "| %s ", kinds & 1U << k ? "x" : "");
}

static void put_kind_names(const char *first, FILE *out)
{
	(void)fprintf(out, "| %s ", first);
	for (unsigned k = 0; k < NR_THREAD_KINDS; k++)
		(void)fprintf(out, "| %s ", thread_kind_name((enum thread_kind)k));
}

static void put_rule(const char *after, unsigned columns, FILE *out)
{
	(void)fprintf(out, "%s|\n", after);
	for (unsigned i = 0; i < columns; i++)
		(void)fputs("|---", out);
	(void)fputs("|\n", out);
}

static void put_rules(FILE *out)
{
	put_kind_names("System call", out);
	put_rule("| Only | Why ", NR_THREAD_KINDS + 3, out);
	for (const struct rule *r = sandbox_rules; r->name; r++) {
		(void)fprintf(out, "| `%s`%s ", r->name, r->watch ? ", with `--watch`" : "");
		put_kinds(r->kinds, out);
		(void)fprintf(out, "| %s | %s |\n", check_words[r->check], r->why);
	}
}

static void put_ioctls(FILE *out)
{
	put_kind_names("Request", out);
	put_rule("", NR_THREAD_KINDS + 1, out);
	for (const struct rule_ioctl *i = sandbox_ioctls; i->name; i++) {
		(void)fprintf(out, "| `%s` ", i->name);
		put_kinds(i->kinds, out);
		(void)fputs("|\n", out);
	}
}

bool help_markdown(const char *part, FILE *out)
{
	static const struct {
		const char *name;
		void (*put)(FILE *out);
	} parts[] = {
		{ "commands", put_commands }, { "options", put_options }, { "keys", put_nested },
		{ "statuses", put_statuses }, { "rules", put_rules },	  { "ioctls", put_ioctls },
	};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		if (strcmp(parts[i].name, part) == 0) {
			parts[i].put(out);
			return true;
		}
	}
	return false;
}
