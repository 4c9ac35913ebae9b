/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/options.h"

#include "vmm/base/args.h"
#include "vmm/base/log.h"
#include "vmm/base/text.h"
#include "vmm/help.h"
#include "vmm/status.h"

#include <errno.h>
#include <string.h>

#define AT(field) .offset = offsetof(struct options, field)

static const struct key run_keys[] = {
	{
		.section = "Configuration",
		.name = "config",
		.arg = "FILE",
		.help = "read options from a JSON file",
		.more = "Options on the command line go over those in the file.",
		.type = KEY_STR,
		.min = 1,
		AT(config_file),
	},
	{
		.name = "print-config",
		.help = "write the configuration as JSON and exit",
		.more = "What is written can be given to --config.",
		.type = KEY_BOOL,
		AT(print_config),
	},
	{
		.name = "check-config",
		.help = "say whether the configuration is right and exit",
		.more = "Nothing is started and no file is opened but that of --config.",
		.type = KEY_BOOL,
		AT(check_config),
	},
	{ 0 },
};

static const struct key doctor_keys[] = {
	{ .name = "json", .help = "write JSON, for programs", .type = KEY_BOOL, AT(json) },
	{ 0 },
};

static const struct key no_keys[] = { { 0 } };

const struct command commands[COMMAND_COUNT] = {
	[COMMAND_RUN] = {
		.name = "run",
		.args = "--kernel FILE [options] [-- COMMAND ARGS...]",
		.help = "run a virtual machine",
		.keys = run_keys,
		.has_config = true,
	},
	[COMMAND_DOCTOR] = {
		.name = "doctor",
		.args = "[--json]",
		.help = "say what this host's KVM can do, and what to do about what it cannot",
		.keys = doctor_keys,
	},
	[COMMAND_DEMO] = {
		.name = "demo",
		.args = "faults",
		.help = "show what bad accesses of a guest become, and how vmm explains them",
		.keys = no_keys,
	},
	[COMMAND_HELP] = {
		.name = "help",
		.args = "[SUBCOMMAND|man|bash]",
		.help = "explain a subcommand; write the manual page, or completion for bash",
		.keys = no_keys,
	},
	[COMMAND_VERSION] = {
		.name = "version",
		.args = "",
		.help = "say which vmm this is",
		.keys = no_keys,
	},
};

const char *help_topic_name(int topic)
{
	if (topic < COMMAND_COUNT)
		return commands[topic].name;
	return topic == HELP_MAN ? "man" : topic == HELP_BASH ? "bash" : NULL;
}

/* --- parsing -------------------------------------------------------------------------------- */

/* The topic called @name, below @end; @end when there is none, and a guess in @g. */
static int find_topic(const char *name, int end, struct text_guess *g)
{
	int topic;

	for (topic = 0; topic < end; topic++) {
		const char *known = help_topic_name(topic);

		if (known && strcmp(known, name) == 0)
			break;
		if (known)
			text_guess(g, name, known);
	}
	return topic;
}

static bool is_help(const char *arg)
{
	return strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0;
}

static int unknown_command(const char *arg, const struct text_guess *g, struct err *e)
{
	if (arg[0] == '-')
		return err_set(e, EINVAL,
			       "%s stands before a subcommand; write vmm run and then it",
			       text_quote(arg).s);
	if (g->name)
		return err_set(e, EINVAL, "%s is not a subcommand; did you mean %s?",
			       text_quote(arg).s, g->name);
	return err_set(e, EINVAL, "%s is not a subcommand; vmm help lists them", text_quote(arg).s);
}

/* The options of run: the file first, then the command line over it, wherever --config stands. */
static int parse_run(int argc, char *const *argv, struct options *o, struct err *e)
{
	const struct args_into own[] = { { run_keys, o }, { vm_config_keys, NULL }, { 0 } };
	const struct args_into vm[] = { { run_keys, NULL }, { vm_config_keys, &o->config }, { 0 } };
	const char *stray = "a kernel is named by --kernel FILE, a command stands behind --";
	int ret, options = argc;

	if ((ret = args_parse_before(own, argc, argv, stray, &options, e)))
		return ret;
	if (o->config_file && config_read_file(&o->config, o->config_file, e))
		return err_ctx(e, "--config");
	if ((ret = args_parse(vm, options, argv, stray, e)))
		return ret;
	argc -= options + 1;
	if (argc == 0)
		return err_set(e, EINVAL, "behind -- stands a command; write one, or leave it out");
	if (argc > 0 && (ret = config_set_command(&o->config, argc, argv + options + 1, e)))
		return ret;
	return config_validate(&o->config, e);
}

static int parse_help(int argc, char *const *argv, struct options *o, struct err *e)
{
	struct text_guess g = { 0 };

	o->topic = HELP_OVERVIEW;
	if (argc == 0)
		return 0;
	if (argc > 1)
		return err_set(e, EINVAL, "help explains one thing at a time; %s is too much",
			       text_quote(argv[1]).s);
	o->topic = find_topic(argv[0], HELP_TOPIC_COUNT, &g);
	return o->topic == HELP_TOPIC_COUNT ? unknown_command(argv[0], &g, e) : 0;
}

static int parse_demo(int argc, char *const *argv, struct err *e)
{
	if (argc == 0)
		return err_set(e, EINVAL, "say which demo; there is vmm demo faults");
	if (argc > 1 || strcmp(argv[0], "faults") != 0)
		return err_set(e, EINVAL, "%s is not a demo; there is vmm demo faults",
			       text_quote(argv[argc - 1]).s);
	return 0;
}

static int parse_others(int argc, char *const *argv, struct options *o, struct err *e)
{
	const struct args_into into[] = { { commands[o->command].keys, o }, { 0 } };

	return args_parse(into, argc, argv, "--help lists what there is", e);
}

static void ask_help(struct options *o, int topic)
{
	o->command = COMMAND_HELP;
	o->topic = topic;
}

/* @argv begins with the subcommand. */
static int parse_command(int argc, char *const *argv, struct options *o, struct err *e)
{
	struct text_guess g = { 0 };
	int command = find_topic(argv[0], COMMAND_COUNT, &g);

	if (command == COMMAND_COUNT)
		return unknown_command(argv[0], &g, e);
	o->command = (enum command_id)command;
	argc--;
	argv++;
	/* Who asks for help gets it, whatever else is wrong. */
	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (is_help(argv[i])) {
			ask_help(o, command);
			return 0;
		}
	}
	if (command == COMMAND_RUN)
		return parse_run(argc, argv, o, e);
	if (command == COMMAND_HELP)
		return parse_help(argc, argv, o, e);
	if (command == COMMAND_DEMO)
		return parse_demo(argc, argv, e);
	return parse_others(argc, argv, o, e);
}

int options_parse(int argc, char *const *argv, struct options *o, struct err *e)
{
	int ret;

	*o = (struct options){ 0 };
	config_init(&o->config);
	if (argc <= 1 || is_help(argv[1])) {
		o->nothing = argc <= 1;
		ask_help(o, HELP_OVERVIEW);
		return 0;
	}
	if (strcmp(argv[1], "--version") == 0) {
		o->command = COMMAND_VERSION;
		return 0;
	}
	ret = parse_command(argc - 1, argv + 1, o, e);
	if (ret)
		options_free(o);
	return ret;
}

void options_free(struct options *o)
{
	keys_free(run_keys, o);
	config_free(&o->config);
}

/* --- answering ------------------------------------------------------------------------------ */

bool options_answer(const struct options *o, FILE *out, FILE *errors, int *status)
{
	struct err e;
	int ret = 0;

	if (o->command == COMMAND_DOCTOR || o->command == COMMAND_DEMO ||
	    (o->command == COMMAND_RUN && !o->print_config && !o->check_config))
		return false;
	if (o->nothing)
		out = errors;
	if (o->command == COMMAND_HELP)
		help_print(o->topic, out);
	else if (o->command == COMMAND_VERSION)
		(void)fputs("vmm " VMM_VERSION "\n", out);
	else if (o->print_config)
		ret = config_write(&o->config, out, &e);
	if (ret == 0 && (fflush(out) != 0 || ferror(out)))
		ret = err_sys(&e, "write");
	if (ret)
		log_error("%s", e.text);
	*status = ret ? STATUS_FAILED : o->nothing ? STATUS_USAGE : STATUS_OFF;
	return true;
}
