/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/help.h"

#include <ctype.h>
#include <string.h>

static const char head[] = ".\\\" SPDX-License-Identifier: Apache-2.0\n"
			   ".\\\" Written by \"vmm help man\" from the tables of the program.\n"
			   ".Dd November 22, 2026\n"
			   ".Dt VMM 1\n"
			   ".Os\n"
			   ".Sh NAME\n"
			   ".Nm vmm\n"
			   ".Nd run virtual machines on an ARM64 Linux host with KVM\n";

static const char description[] =
	".Sh DESCRIPTION\n"
	".Nm\n"
	"boots an arm64 kernel in a virtual machine, with the host's CPU through\n"
	".Pa /dev/kvm .\n"
	"The machine has the memory map of QEMU's\n"
	".Cm virt\n"
	"board, a PL011 serial console, a PL031 clock, a power key,\n"
	"and the best interrupt controller that the host can give.\n"
	".Pp\n"
	"Only what the guest writes to its console goes to standard output;\n"
	".Nm Ns 's\n"
	"own lines go to standard error.\n";

static const char options_head[] =
	".Sh OPTIONS\n"
	"A value follows its option as the next word, or behind an equals sign.\n"
	"Flags can be switched off:\n"
	".Fl -hugepages Ns = Ns Cm off .\n"
	"Where a value is a list of\n"
	".Ar KEY Ns = Ns Ar VALUE ,\n"
	"a comma that belongs to a value is written twice.\n"
	".Pp\n"
	"The file of\n"
	".Fl -config\n"
	"is a JSON object whose members have the names of the options without dashes:\n"
	".Bd -literal -offset indent\n"
	"{ \"kernel\": \"Image\", \"mem\": \"1G\", \"cpu\": { \"sve\": \"off\" } }\n"
	".Ed\n"
	".Pp\n"
	"What is on the command line goes over what is in the file.\n"
	"Paths are relative to the current directory.\n";

static const char console[] =
	".Sh CONSOLE\n"
	"While the guest runs with its console on a terminal,\n"
	"every key goes to the guest but for Ctrl-a, which begins a command:\n"
	".Pp\n"
	".Bl -tag -width \"Ctrl-a Ctrl-a\" -compact\n"
	".It Ctrl-a h\n"
	"say what the commands are\n"
	".It Ctrl-a x\n"
	"end the guest at once\n"
	".It Ctrl-a p\n"
	"press the power key, which asks the guest to power off\n"
	".It Ctrl-a r\n"
	"reset the guest\n"
	".It Ctrl-a b\n"
	"send a break\n"
	".It Ctrl-a a\n"
	"send Ctrl-a itself\n"
	".El\n"
	".Pp\n"
	"SIGINT and SIGTERM press the power key, too.\n"
	"A second one ends the guest.\n";

static const char examples[] = ".Sh EXAMPLES\n"
			       "Boot a distribution's kernel with its initial RAM disk:\n"
			       ".Pp\n"
			       ".Dl vmm run -k /boot/vmlinuz -i /boot/initrd.img -m 1G -c 2\n"
			       ".Pp\n"
			       "See the machine's device tree:\n"
			       ".Pp\n"
			       ".Dl vmm run -k Image --dump-dtb guest.dtb --console null\n"
			       ".Dl dtc -I dtb guest.dtb\n"
			       ".Pp\n"
			       "Keep a configuration in a file, and use it with more memory:\n"
			       ".Pp\n"
			       ".Dl vmm run -k Image -c 4 --cpu sve=off --print-config > vm.json\n"
			       ".Dl vmm run --config vm.json --mem 4G\n"
			       ".Pp\n"
			       "Test a kernel in a CI job, with the guest's output in a file:\n"
			       ".Pp\n"
			       ".Dl vmm run -k Image -i test.cpio --console file:boot.log\n"
			       ".Pp\n"
			       "Complete\n"
			       ".Nm Ns 's\n"
			       "command line in bash:\n"
			       ".Pp\n"
			       ".Dl eval \\(dq$(vmm help bash)\\(dq\n"
			       ".Sh SEE ALSO\n"
			       ".Xr bash 1 ,\n"
			       ".Xr dtc 1\n";

/* Writes a word so that nothing in it is a request, and a dash is one that can be copied. */
static void word(const char *s, size_t len, bool capital, FILE *out)
{
	if (*s == '.' || *s == '\'')
		(void)fputs("\\&", out);
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '\\')
			(void)fputs("\\e", out);
		else if (s[i] == '-')
			(void)fputs("\\-", out);
		else
			(void)fputc(i == 0 && capital ? toupper(s[i]) : s[i], out);
	}
}

/* Lines of text: none long, and a sentence begins a new one. @end comes behind the last word. */
static void text(const char *s, bool capital, const char *end, FILE *out)
{
	size_t column = 0;

	while (*s) {
		size_t len = strcspn(s, " ");
		const char *next = s + len + strspn(s + len, " ");

		word(s, len, capital, out);
		capital = false;
		column += len + 1;
		if (*next) {
			bool over = s[len - 1] == '.' || column + strcspn(next, " ") > 70;

			(void)fputc(over ? '\n' : ' ', out);
			column = over ? 0 : column;
		}
		s = next;
	}
	(void)fputs(end, out);
}

/* A sentence that the table has without its capital and full stop. */
static void sentence(const char *s, FILE *out)
{
	text(s, true, ".\n", out);
}

/* What the value looks like, behind a macro. */
static void value(const struct key *k, FILE *out)
{
	if (k->arg) {
		(void)fprintf(out, " Ar %s", k->arg);
		return;
	}
	(void)fputs(" Cm", out);
	for (const char *const *c = k->choices; c && *c; c++)
		(void)fprintf(out, "%s %s", c == k->choices ? "" : " |", *c);
	if (k->type == KEY_BOOL)
		(void)fputs(" on | off", out);
}

static void explain(const struct help_table *t, const struct key *k, FILE *out)
{
	struct key_text def = help_default(t, k);

	sentence(k->help, out);
	if (k->more)
		text(k->more, false, "\n", out);
	if (def.s[0])
		(void)fprintf(out, "The default is\n.Cm %s .\n", def.s);
}

static void nested(const struct help_table *t, FILE *out)
{
	(void)fputs(".Bl -tag -width Ds\n", out);
	for (const struct key *k = t->keys; k->type != KEY_END; k++) {
		(void)fprintf(out, ".It Cm %s Ns = Ns", k->name);
		value(k, out);
		(void)fputc('\n', out);
		explain(t, k, out);
	}
	(void)fputs(".El\n", out);
}

static void option(const struct help_table *t, const struct key *k, FILE *out)
{
	(void)fputs(".It", out);
	if (k->letter)
		(void)fprintf(out, " Fl %c ,", k->letter);
	(void)fprintf(out, " Fl -%s", k->name);
	if (!key_is_flag(k))
		value(k, out);
	(void)fputc('\n', out);
	explain(t, k, out);
	if (k->keys) {
		struct help_table inside = help_nested(t, k);

		nested(&inside, out);
	}
}

/* Options of a subcommand; each section in a list of its own. */
static void options(const struct command *c, FILE *out)
{
	struct help_table tables[4];
	bool open = false;

	help_tables(c, tables);
	for (const struct help_table *t = tables; t->keys; t++) {
		for (const struct key *k = t->keys; k->type != KEY_END; k++) {
			if (k->section || !open) {
				(void)fputs(open ? ".El\n" : "", out);
				if (k->section)
					(void)fprintf(out, ".Ss %s\n", k->section);
				else
					(void)fprintf(out, ".Ss Options of %s\n", c->name);
				(void)fputs(".Bl -tag -width Ds\n", out);
				open = true;
			}
			option(t, k, out);
		}
	}
	(void)fputs(".El\n", out);
}

static void synopsis(FILE *out)
{
	(void)fputs(".Sh SYNOPSIS\n"
		    ".Nm\n.Cm run\n.Fl -kernel Ar FILE\n.Op Ar options\n"
		    ".Nm\n.Cm doctor\n.Op Fl -json\n"
		    ".Nm\n.Cm help\n.Op Ar SUBCOMMAND | Cm man | bash\n"
		    ".Nm\n.Cm version\n",
		    out);
}

static void subcommands(FILE *out)
{
	(void)fputs(".Pp\nThe subcommands are:\n.Bl -tag -width Ds\n", out);
	for (const struct command *c = commands; c < commands + COMMAND_COUNT; c++) {
		(void)fprintf(out, ".It Cm %s\n", c->name);
		sentence(c->help, out);
	}
	(void)fputs(".El\n", out);
}

static void statuses(FILE *out)
{
	(void)fputs(".Sh EXIT STATUS\n.Bl -tag -width Ds\n", out);
	for (const struct help_status *s = help_statuses; s->meaning; s++) {
		(void)fprintf(out, ".It %d\n", s->number);
		sentence(s->meaning, out);
	}
	(void)fputs(".El\n", out);
}

void help_man(FILE *out)
{
	(void)fputs(head, out);
	synopsis(out);
	(void)fputs(description, out);
	subcommands(out);
	(void)fputs(options_head, out);
	options(&commands[COMMAND_RUN], out);
	options(&commands[COMMAND_DOCTOR], out);
	(void)fputs(console, out);
	statuses(out);
	(void)fputs(examples, out);
}
