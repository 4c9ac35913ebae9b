/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"
#include "vmm/base/scope.h"
#include "vmm/help.h"
#include "vmm/options.h"
#include "vmm/status.h"

#include <errno.h>

static int parse(struct options *o, struct err *e, const char *const *words)
{
	char *argv[16] = { NULL };
	int argc = 0, ret;

	for (; words[argc]; argc++)
		argv[argc] = strdup(words[argc]);
	ret = options_parse(argc, argv, o, e);
	while (argc)
		free(argv[--argc]);
	return ret;
}

#define PARSE(o, e, ...) parse((o), (e), (const char *const[]){ "vmm", ##__VA_ARGS__, NULL })

static void refused(const char *sentence, const char *const *words)
{
	struct options o;
	struct err e = { 0 };

	EXPECT(parse(&o, &e, words) < 0);
	EXPECT_STR(e.text, sentence);
}

/* The command line must be refused with this sentence. */
#define REFUSED(sentence, ...) refused(sentence, (const char *const[]){ "vmm", __VA_ARGS__, NULL })

/* What the command line answers on @stream, "out" or "errors"; to be freed. */
static char *answer(const struct options *o, bool errors, int *status)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size), *other = fopen("/dev/full", "w");

	EXPECT(f && other);
	EXPECT(errors ? options_answer(o, other, f, status) : options_answer(o, f, other, status));
	(void)fclose(f);
	(void)fclose(other);
	return text;
}

/* What a printer prints; to be freed. */
static char *printed(void (*print)(FILE *out))
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	EXPECT(f != NULL);
	print(f);
	(void)fclose(f);
	return text;
}

TEST(run_reads_its_options)
{
	struct options o;
	struct err e;
	int status;

	EXPECT_EQ(PARSE(&o, &e, "run", "-k", "Image", "--mem=1G", "-c4", "--cpu",
			"sve=off,pauth=on", "--console", "file:log", "-vv", "--pin", "0-3"),
		  0);
	EXPECT_EQ(o.command, COMMAND_RUN);
	EXPECT_STR(o.config.kernel, "Image");
	EXPECT_EQ(o.config.mem, GiB);
	EXPECT_EQ(o.config.cpus, 4);
	EXPECT_EQ(o.config.cpu.sve, FEATURE_OFF);
	EXPECT_EQ(o.config.cpu.pauth, FEATURE_ON);
	EXPECT_STR(o.config.con.path, "log");
	EXPECT_EQ(o.config.verbose, 2);
	EXPECT(!options_answer(&o, stdout, stderr, &status)); /* it wants a VM */
	options_free(&o);
}

TEST(options_go_over_the_file_wherever_it_is_named)
{
	static const char text[] = "{\"kernel\":\"K\",\"mem\":\"1G\",\"cpus\":2,\"verbose\":2,"
				   "\"hugepages\":true,\"cpu\":{\"sve\":\"off\",\"pmu\":\"off\"}}";
	char path[] = "/tmp/vmm-test-options-XXXXXX";
	auto_fd int fd = mkstemp(path);
	struct options o;
	struct err e;

	EXPECT(fd >= 0);
	EXPECT_EQ(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	EXPECT_EQ(PARSE(&o, &e, "run", "-m", "3G", "--config", path, "--cpu", "sve=on",
			"--hugepages=off", "-v"),
		  0);
	EXPECT_STR(o.config.kernel, "K");
	EXPECT_EQ(o.config.mem, 3 * GiB);
	EXPECT_EQ(o.config.cpus, 2);
	EXPECT_EQ(o.config.cpu.sve, FEATURE_ON);
	EXPECT_EQ(o.config.cpu.pmu, FEATURE_OFF);
	EXPECT(!o.config.hugepages);
	options_free(&o);
	(void)unlink(path);
}

TEST(a_wrong_command_line_is_one_sentence)
{
	REFUSED("'rnu' is not a subcommand; did you mean run?", "rnu");
	REFUSED("'xyzzy' is not a subcommand; vmm help lists them", "xyzzy");
	REFUSED("'man' is not a subcommand; vmm help lists them", "man");
	REFUSED("'--kernel' stands before a subcommand; write vmm run and then it", "--kernel",
		"I");
	REFUSED("'' is not a subcommand; vmm help lists them", "");
	REFUSED("'Image' belongs to no option; a kernel is named by --kernel FILE, a command "
		"stands behind --",
		"run", "Image");
	REFUSED("--kernel is missing; write --kernel FILE", "run");
	REFUSED("--kernel is missing; write --kernel FILE", "run", "--print-config");
	REFUSED("--kernel is there twice; write it once", "run", "-k", "a", "--kernel=b");
	REFUSED("'--kernal' is not an option; did you mean --kernel?", "run", "--kernal", "x");
	REFUSED("--mem: '12Q' is not a size from 2M to 16T; write a number with K, M, G or T",
		"run", "-k", "I", "--mem", "12Q");
	REFUSED("--mem: '2049K' is not a multiple of 64K", "run", "-k", "I", "--mem", "2049K");
	REFUSED("--config: open /nonexistent: No such file or directory", "run", "--config",
		"/nonexistent");
	REFUSED("'x' belongs to no option; --help lists what there is", "doctor", "x");
	REFUSED("'--jsn' is not an option; did you mean --json?", "doctor", "--jsn");
	REFUSED("'x' belongs to no option; --help lists what there is", "version", "x");
	REFUSED("'rum' is not a subcommand; did you mean run?", "help", "rum");
	REFUSED("help explains one thing at a time; 'man' is too much", "help", "run", "man");
}

TEST(a_command_stands_behind_two_dashes)
{
	char path[] = "/tmp/vmm-test-options-XXXXXX";
	static const char text[] =
		"{ \"kernel\": \"k\", \"command\": [ \"old\", \"one\" ], \"initrd\": \"i\" }";
	auto_fd int fd = mkstemp(path);
	struct options o;
	struct err e;

	/* All behind it is the command's, also what looks like an option of ours. */
	EXPECT_EQ(PARSE(&o, &e, "run", "-k", "k", "--root", "vda1", "--", "ls", "--help", "--",
			"--mem", ""),
		  0);
	EXPECT_EQ(o.command, COMMAND_RUN);
	EXPECT_EQ(o.config.command.nr, 5);
	EXPECT_STR(o.config.command.at[0], "ls");
	EXPECT_STR(o.config.command.at[2], "--");
	EXPECT_STR(o.config.command.at[4], "");
	EXPECT_STR(config_cmdline(&o.config), "console=ttyAMA0 quiet panic=-1");
	EXPECT_EQ(config_console(&o.config), CHARDEV_NULL);
	options_free(&o);
	/* Two dashes that are an option's value are that. */
	EXPECT_EQ(PARSE(&o, &e, "run", "-k", "k", "--cmdline", "--"), 0);
	EXPECT_EQ(o.config.command.nr, 0);
	EXPECT_STR(o.config.cmdline, "--");
	EXPECT_EQ(config_console(&o.config), CHARDEV_STDIO);
	options_free(&o);
	/* A file may bring one, and the command line another instead. */
	EXPECT_EQ(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	EXPECT_EQ(PARSE(&o, &e, "run", "--config", path), 0);
	EXPECT_EQ(o.config.command.nr, 2);
	options_free(&o);
	EXPECT_EQ(PARSE(&o, &e, "run", "--config", path, "--", "new"), 0);
	EXPECT_EQ(o.config.command.nr, 1);
	EXPECT_STR(o.config.command.at[0], "new");
	options_free(&o);
	(void)unlink(path);
	REFUSED("behind -- stands a command; write one, or leave it out", "run", "-k", "k", "--");
	REFUSED("'--' belongs to no option; --help lists what there is", "doctor", "--", "x");
}

TEST(a_command_needs_a_place_and_standard_input)
{
	REFUSED("'ls' has to be on a file system of the guest; add --root, or --initrd", "run",
		"-k", "k", "--", "ls");
	REFUSED("a command runs in --root or in --initrd; leave one of them out", "run", "-k", "k",
		"--root", "vda1", "--initrd", "i", "--", "ls");
	REFUSED("the command behind -- is empty; write its name first", "run", "-k", "k", "-i", "i",
		"--", "");
	REFUSED("--hvc: stdio is the command's; give hvc0 another place", "run", "-k", "k", "-i",
		"i", "--hvc", "stdio", "--", "ls");
	REFUSED("--port: 'a' cannot have stdio, which is the command's; give it another to=", "run",
		"-k", "k", "-i", "i", "--console", "null", "--port", "a,to=stdio", "--", "ls");
	REFUSED("--port: names with vmm. in front are for the command; choose another than "
		"'vmm.stdin'",
		"run", "-k", "k", "-i", "i", "--port", "vmm.stdin", "--", "ls");
	REFUSED("-- COMMAND: what vmm starts such a guest with is a 64-bit program; leave aarch32 "
		"of --cpu out, or bring an --initrd",
		"run", "-k", "k", "-i", "i", "--cpu", "aarch32", "--", "ls");
}

TEST(nothing_at_all_prints_help_on_stderr_and_fails)
{
	struct options o;
	struct err e;
	int status;
	char *text;

	EXPECT_EQ(PARSE(&o, &e), 0);
	text = answer(&o, true, &status);
	EXPECT_EQ(status, STATUS_USAGE);
	EXPECT_HAS(text, "vmm run --kernel FILE");
	free(text);
	EXPECT_EQ(options_parse(0, NULL, &o, &e), 0); /* execve() can do that */
	EXPECT(o.nothing);
}

TEST(help_is_given_in_every_way_that_people_ask)
{
	static const struct {
		const char *words[5], *text;
	} t[] = {
		{ { "vmm", "--help" }, "To begin:" },
		{ { "vmm", "-h" }, "To begin:" },
		{ { "vmm", "help" }, "To begin:" },
		{ { "vmm", "help", "run" }, "Usage: vmm run" },
		{ { "vmm", "run", "--help" }, "Usage: vmm run" },
		{ { "vmm", "run", "--bogus", "-h" }, "Usage: vmm run" },
		{ { "vmm", "doctor", "--help" }, "Usage: vmm doctor" },
		{ { "vmm", "help", "help" }, "Usage: vmm help" },
		{ { "vmm", "help", "--help" }, "Usage: vmm help" },
		{ { "vmm", "help", "man" }, ".Dt VMM 1" },
		{ { "vmm", "help", "bash" }, "complete -F _vmm vmm" },
		{ { "vmm", "version" }, "vmm " VMM_VERSION "\n" },
		{ { "vmm", "--version" }, "vmm " VMM_VERSION "\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct options o;
		struct err e;
		int status;
		char *text;

		EXPECT_EQ(parse(&o, &e, t[i].words), 0);
		text = answer(&o, false, &status);
		EXPECT_EQ(status, STATUS_OFF);
		EXPECT_HAS(text, t[i].text);
		free(text);
		options_free(&o);
	}
}

TEST(what_has_to_be_given_has_no_default)
{
	static const char *const words[] = { "vmm", "run", "--help", NULL };
	struct options o;
	struct err e;
	int status;
	char *text;

	EXPECT_EQ(parse(&o, &e, words), 0);
	text = answer(&o, false, &status);
	EXPECT_HAS(text, "the guest's address\n");
	EXPECT_HAS(text, "(default 0)");
	free(text);
	options_free(&o);
}

TEST(the_configuration_is_printed_and_checked_without_a_vm)
{
	struct options o;
	struct err e;
	int status;
	char *text;

	EXPECT_EQ(PARSE(&o, &e, "run", "--print-config", "-k", "I", "-m2G"), 0);
	text = answer(&o, false, &status);
	EXPECT_EQ(status, STATUS_OFF);
	EXPECT_HAS(text, "\"kernel\": \"I\"");
	EXPECT_HAS(text, "\"mem\": \"2G\"");
	free(text);
	options_free(&o);

	EXPECT_EQ(PARSE(&o, &e, "run", "--check-config", "-k", "I"), 0);
	text = answer(&o, false, &status);
	EXPECT_EQ(status, STATUS_OFF);
	EXPECT_STR(text, "");
	free(text);
	options_free(&o);
}

TEST(a_full_disk_is_a_failure)
{
	struct options o;
	struct err e;
	int status;
	FILE *full = fopen("/dev/full", "w");

	EXPECT(full != NULL);
	EXPECT_EQ(PARSE(&o, &e, "--help"), 0);
	EXPECT(options_answer(&o, full, stderr, &status));
	EXPECT_EQ(status, STATUS_FAILED);
	(void)fclose(full);
}

TEST(help_names_every_option_and_keeps_to_the_width)
{
	struct help_table tables[4];

	for (const struct command *c = commands; c < commands + COMMAND_COUNT; c++) {
		char *text = NULL, *line, *rest, name[64];
		size_t size = 0;
		FILE *f = open_memstream(&text, &size);

		EXPECT(f != NULL);
		help_print((int)(c - commands), f);
		(void)fclose(f);
		help_tables(c, tables);
		for (const struct help_table *t = tables; t->keys; t++) {
			for (const struct key *k = t->keys; k->type != KEY_END; k++) {
				(void)snprintf(name, sizeof(name), "--%s", k->name);
				EXPECT_HAS(text, name);
			}
		}
		for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
			if (strlen(line) > 79)
				test_fail(__FILE__, __LINE__, "too long: %s", line);
		free(text);
	}
}

TEST(the_manual_names_every_option_and_status)
{
	char *man = printed(help_man), name[64];

	for (const struct key *k = vm_config_keys; k->type != KEY_END; k++) {
		(void)snprintf(name, sizeof(name), "Fl -%s", k->name);
		EXPECT_HAS(man, name);
	}
	for (const struct help_status *s = help_statuses; s->meaning; s++) {
		(void)snprintf(name, sizeof(name), ".It %d\n", s->number);
		EXPECT_HAS(man, name);
	}
	free(man);
}

/* Runs a shell command with @text on its standard input; what it prints, to be freed. */
static char *piped(const char *command, const char *text)
{
	char path[] = "/tmp/vmm-test-options-XXXXXX", line[4096];
	auto_fd int fd = mkstemp(path);
	char *out = calloc(1, 65536);
	FILE *f;

	EXPECT(fd >= 0 && out);
	EXPECT_EQ(write(fd, text, strlen(text)), strlen(text));
	(void)snprintf(line, sizeof(line), "F=%s; %s", path, command);
	f = popen(line, "r");
	EXPECT(f != NULL);
	(void)fread(out, 1, 65535, f);
	(void)pclose(f);
	(void)unlink(path);
	return out;
}

TEST(the_manual_has_no_fault_that_mandoc_knows)
{
	char *man = printed(help_man), *said;

	if (system("command -v mandoc >/dev/null") != 0)
		test_skip("mandoc is not installed");
	/* References to pages that this machine does not have are no fault. */
	said = piped("mandoc -Tlint $F 2>&1 | grep -v 'mandoc.db\\|referenced manual not found'",
		     man);
	EXPECT_STR(said, "");
	free(said);
	free(man);
}

TEST(bash_completes_commands_options_and_values)
{
	static const struct {
		const char *words, *want; /* as bash splits them; the last is being typed */
	} t[] = {
		{ "vmm ''", "run doctor demo help version --help --version" },
		{ "vmm r", "run" },
		{ "vmm run --on", "--on-enospc --on-reset --on-panic" },
		{ "vmm run --on-reset ''", "reboot exit" },
		{ "vmm run --on-reset = e", "exit" },
		{ "vmm run -m 1G --irqchip gicv3", "gicv3 gicv3-its" },
		{ "vmm run --console f", "file:" },
		{ "vmm run --console file : tests/un", "tests/unit" },
		{ "vmm run --console = file : tests/un", "tests/unit" },
		{ "vmm run -k tests/un", "tests/unit" },
		{ "vmm run --mem ''", "" },
		{ "vmm run --cpu sv", "sve= sve-max-bits=" },
		{ "vmm run --cpu sve =", "auto off on" },
		{ "vmm run --cpu sve = o", "off on" },
		{ "vmm run --cpu sve = off,pm", "off,pmu=" },
		{ "vmm run --cpu = sve = off,pmu = a", "auto" },
		{ "vmm run --verbose --gr", "--grace" },
		{ "vmm doctor --j", "--json" },
		{ "vmm help b", "bash" },
		{ "vmm demo ''", "--help faults" },
		{ "vmm demo fa", "faults" },
		{ "vmm nonsense ''", "" },
	};
	char *script = printed(help_bash);

	if (system("bash -c 'test -d tests/unit' 2>/dev/null") != 0)
		test_skip("bash is not installed, or this is not the source tree");
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		char command[1024], *said;

		(void)snprintf(command, sizeof(command),
			       "F=$F bash -c '. $F; compopt() { :; }; "
			       "COMP_WORDBREAKS=\" =:\"; COMP_WORDS=(%s); "
			       "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _vmm; "
			       "echo -n \"${COMPREPLY[*]}\"' 2>&1",
			       t[i].words);
		/* Within single quotes, '' would end and begin them: say "" instead. */
		for (char *p = command; (p = strstr(p, "''")); p += 2)
			memcpy(p, "\"\"", 2);
		said = piped(command, script);
		if (strcmp(said, t[i].want) != 0)
			test_fail(__FILE__, __LINE__, "%s completes to \"%s\", expected \"%s\"",
				  t[i].words, said, t[i].want);
		free(said);
	}
	free(script);
}

static const char *doc_part;

static void print_doc_part(FILE *out)
{
	EXPECT(help_markdown(doc_part, out));
}

TEST(docs_cli_md_is_what_the_tables_say)
{
	static const char *const parts[] = { "commands", "options", "keys", "statuses" };
	FILE *f = fopen("docs/cli.md", "r");
	static char doc[256 * 1024];
	char *want, marker[64];

	if (!f)
		test_skip("this is not the source tree");
	EXPECT(fread(doc, 1, sizeof(doc) - 1, f) < sizeof(doc) - 1);
	(void)fclose(f);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		const char *at;

		doc_part = parts[i];
		want = printed(print_doc_part);
		(void)snprintf(marker, sizeof(marker), "<!-- generated: %s -->\n", parts[i]);
		at = strstr(doc, marker);
		EXPECT(at != NULL);
		at += strlen(marker);
		if (strncmp(at, want, strlen(want)) != 0 ||
		    strncmp(at + strlen(want), "<!-- end -->\n", 13) != 0)
			test_fail(__FILE__, __LINE__, "\"%s\" in docs/cli.md is stale: make docs",
				  parts[i]);
		free(want);
	}
	EXPECT(!help_markdown("nothing", stdout));
}

static uint32_t seed = 98765;

static uint32_t any(void)
{
	seed = seed * 1664525 + 1013904223;
	return seed >> 8;
}

TEST(hostile_command_lines_are_refused_or_harmless)
{
	static const char *const good[] = { "vmm",	 "run",	     "-k",
					    "Image",	 "--mem=1G", "-c",
					    "4",	 "--cpu",    "sve=off,pmu=on",
					    "-vv",	 "--pin",    "0-3",
					    "--console", "file:a,b", NULL };

	for (unsigned round = 0; round < 20000; round++) {
		char words[ARRAY_SIZE(good)][32];
		const char *line[ARRAY_SIZE(good)] = { NULL };
		struct options o;
		struct err e = { 0 };

		for (size_t i = 0; good[i]; i++) {
			(void)snprintf(words[i], sizeof(words[i]), "%s", good[i]);
			line[i] = words[i];
		}
		for (unsigned flips = any() % 4; flips; flips--) {
			char *word = words[any() % (ARRAY_SIZE(good) - 1)];

			if (*word)
				word[any() % strlen(word)] =
					any() % 2 ? (char)any() : "-=,:0"[any() % 6];
		}
		line[any() % ARRAY_SIZE(good)] = NULL; /* and cut short */
		if (parse(&o, &e, line) == 0)
			options_free(&o);
		else
			EXPECT(e.text[0] && e.code > 0);
	}
}

TEST_MAIN(T(run_reads_its_options), T(options_go_over_the_file_wherever_it_is_named),
	  T(a_wrong_command_line_is_one_sentence), T(a_command_stands_behind_two_dashes),
	  T(a_command_needs_a_place_and_standard_input),
	  T(nothing_at_all_prints_help_on_stderr_and_fails),
	  T(help_is_given_in_every_way_that_people_ask), T(what_has_to_be_given_has_no_default),
	  T(the_configuration_is_printed_and_checked_without_a_vm), T(a_full_disk_is_a_failure),
	  T(help_names_every_option_and_keeps_to_the_width),
	  T(the_manual_names_every_option_and_status), T(the_manual_has_no_fault_that_mandoc_knows),
	  T(bash_completes_commands_options_and_values), T(docs_cli_md_is_what_the_tables_say),
	  T(hostile_command_lines_are_refused_or_harmless))
