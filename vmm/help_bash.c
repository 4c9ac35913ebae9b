/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/help.h"

#include <string.h>

static const char head[] =
	"# SPDX-License-Identifier: Apache-2.0\n"
	"# Completes vmm's command line in bash. Written by \"vmm help bash\" from vmm's tables.\n";

/*
 * The part that does not depend on the tables. Bash has split words at = and :, and replaces only
 * what is behind the last of them; so they are put together first, and taken apart at the end.
 */
static const char body[] =
	"_vmm()\n"
	"{\n"
	"\tlocal words=() glue='' word i cur sub option value before='' kind item key strip=''\n"
	"\tlocal breaks=${COMP_WORDBREAKS//[^=:]}\n"
	"\n"
	"\tCOMPREPLY=()\n"
	"\tfor ((i = 1; i <= COMP_CWORD; i++)); do\n"
	"\t\tword=${COMP_WORDS[i]}\n"
	"\t\tif ((${#words[@]})) && [[ $glue || $word == [=:]* ]]; then\n"
	"\t\t\twords[-1]+=$word\n"
	"\t\telse\n"
	"\t\t\twords+=(\"$word\")\n"
	"\t\tfi\n"
	"\t\tglue=\n"
	"\t\t[[ $word == *[=:] ]] && glue=1\n"
	"\tdone\n"
	"\tcur=${words[-1]} sub=${words[0]}\n"
	"\t[[ $breaks ]] && strip=${cur%\"${cur##*[\"$breaks\"]}\"}\n"
	"\n"
	"\tif ((${#words[@]} == 1)); then\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -W \"$(_vmm_commands)\" -- \"$cur\")\n"
	"\t\treturn\n"
	"\tfi\n"
	"\toption=${words[-2]} value=$cur\n"
	"\tif [[ $cur == --*=* ]]; then\n"
	"\t\toption=${cur%%=*} value=${cur#*=} before=$option=\n"
	"\tfi\n"
	"\tif ! kind=$(_vmm_values \"$sub $option\"); then\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -W \"$(_vmm_words \"$sub\")\" -- \"$cur\")\n"
	"\t\treturn\n"
	"\tfi\n"
	"\tif [[ $kind == @keys ]]; then\n"
	"\t\titem=${value##*,} before+=${value%\"${value##*,}\"}\n"
	"\t\tkey=${item%%=*} value=$item\n"
	"\t\tif [[ $item == *=* ]]; then\n"
	"\t\t\tvalue=${item#*=} before+=$key=\n"
	"\t\t\tkind=$(_vmm_values \"$sub $option $key\")\n"
	"\t\telse\n"
	"\t\t\tkind=$(_vmm_words \"$sub $option\")\n"
	"\t\tfi\n"
	"\telif [[ $value == *:* && \" $kind \" == *\" ${value%%:*}: \"* ]]; then\n"
	"\t\tbefore+=${value%%:*}: value=${value#*:} kind=@file\n"
	"\tfi\n"
	"\tif [[ $kind == @file ]]; then\n"
	"\t\tcompopt -o filenames\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -f -P \"$before\" -- \"$value\")\n"
	"\telse\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -W \"$kind\" -P \"$before\" -- \"$value\")\n"
	"\tfi\n"
	"\tif ((${#COMPREPLY[@]} == 1)) && [[ ${COMPREPLY[0]} == *[=:] ]]; then\n"
	"\t\tcompopt -o nospace\n"
	"\tfi\n"
	"\tCOMPREPLY=(\"${COMPREPLY[@]#\"$strip\"}\")\n"
	"}\n"
	"complete -F _vmm vmm\n";

/* Names of commands, or of help's topics. */
static void topics(int end, FILE *out)
{
	for (int topic = 0; topic < end; topic++)
		if (help_topic_name(topic))
			(void)fprintf(out, " %s", help_topic_name(topic));
}

/* What is not a value: options, topics of help; and the keys of options that have some. */
static void words_of(const struct command *c, FILE *out)
{
	struct help_table tables[4];

	help_tables(c, tables);
	(void)fprintf(out, "\t'%s') echo", c->name);
	for (const struct help_table *t = tables; t->keys; t++)
		for (const struct key *k = t->keys; k->type != KEY_END; k++)
			(void)fprintf(out, " --%s", k->name);
	if (c == &commands[COMMAND_HELP])
		topics(HELP_TOPIC_COUNT, out);
	if (c == &commands[COMMAND_DEMO])
		(void)fprintf(out, " %s", c->args);
	(void)fputs(" ;;\n", out);
	for (const struct help_table *t = tables; t->keys; t++) {
		for (const struct key *k = t->keys; k->type != KEY_END; k++) {
			if (!k->keys)
				continue;
			(void)fprintf(out, "\t'%s --%s') echo", c->name, k->name);
			for (const struct key *sub = k->keys; sub->type != KEY_END; sub++)
				(void)fprintf(out, " %s=", sub->name);
			(void)fputs(" ;;\n", out);
		}
	}
}

/* What can be a value of @k: words, or @file, or @keys; nothing known is an empty line. */
static void value(const struct key *k, FILE *out)
{
	(void)fputs(") echo", out);
	if (k->keys)
		(void)fputs(" @keys", out);
	else if (k->type == KEY_BOOL)
		(void)fputs(" on off", out);
	else if (k->arg && strcmp(k->arg, "FILE") == 0)
		(void)fputs(" @file", out);
	for (const char *const *c = k->choices; c && *c; c++) {
		size_t len = strcspn(*c, ":");

		(void)fprintf(out, " %.*s%s", (int)len, *c, (*c)[len] ? ":" : "");
	}
	(void)fputs(" ;;\n", out);
}

static void values_of(const struct command *c, FILE *out)
{
	struct help_table tables[4];

	help_tables(c, tables);
	for (const struct help_table *t = tables; t->keys; t++) {
		for (const struct key *k = t->keys; k->type != KEY_END; k++) {
			if (key_is_flag(k))
				continue;
			(void)fprintf(out, "\t'%s --%s'", c->name, k->name);
			if (k->letter)
				(void)fprintf(out, " | '%s -%c'", c->name, k->letter);
			value(k, out);
			for (const struct key *sub = k->keys; sub && sub->type != KEY_END; sub++) {
				(void)fprintf(out, "\t'%s --%s %s'", c->name, k->name, sub->name);
				value(sub, out);
			}
		}
	}
}

/* A shell function that answers by its argument, or fails. */
static void function(const char *name, void (*cases)(const struct command *c, FILE *out), FILE *out)
{
	(void)fprintf(out, "\n%s()\n{\n\tcase $1 in\n", name);
	for (const struct command *c = commands; c < commands + COMMAND_COUNT; c++)
		cases(c, out);
	(void)fputs("\t*) return 1 ;;\n\tesac\n}\n", out);
}

void help_bash(FILE *out)
{
	(void)fprintf(out, "%s\n_vmm_commands()\n{\n\techo", head);
	topics(COMMAND_COUNT, out);
	(void)fputs(" --help --version\n}\n", out);
	function("_vmm_words", words_of, out);
	function("_vmm_values", values_of, out);
	(void)fprintf(out, "\n%s", body);
}
