/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options: the subcommands, and what the command line says.
 *
 *	if (options_parse(argc, argv, &o, &e)) -> log the sentence, exit STATUS_USAGE
 *	if (options_answer(&o, &status))       -> that was all: exit status
 *	... COMMAND_RUN with o.config, COMMAND_DOCTOR with o.json, or COMMAND_DEMO
 *	options_free(&o);
 */
#ifndef VMM_OPTIONS_H
#define VMM_OPTIONS_H

#include "vmm/config.h"

enum command_id {
	COMMAND_RUN,
	COMMAND_DOCTOR,
	COMMAND_DEMO,
	COMMAND_HELP,
	COMMAND_VERSION,
	COMMAND_COUNT
};

/* What can be asked of help, beside the subcommands. */
enum help_topic { HELP_OVERVIEW = COMMAND_COUNT, HELP_MAN, HELP_BASH, HELP_TOPIC_COUNT };

struct options {
	enum command_id command;
	bool nothing; /* the command line was empty: help is for stderr, and the status a failure */
	int topic;    /* COMMAND_HELP: enum command_id or enum help_topic */

	/* COMMAND_RUN */
	struct vm_config config; /* validated */
	char *config_file;	 /* already read into .config */
	bool print_config, check_config;

	/* COMMAND_DOCTOR */
	bool json;
};

/* A subcommand. @keys describe struct options; those of .config are vm_config_keys. */
struct command {
	const char *name;
	const char *args;	/* "[options]", as the synopsis shows it */
	const char *help;	/* one line */
	const struct key *keys; /* its own options */
	bool has_config;	/* vm_config_keys, too */
};

/* Indexed by enum command_id. */
extern const struct command commands[COMMAND_COUNT];

/* Names of help's topics, indexed by both enums; NULL for the overview. */
const char *help_topic_name(int topic);

/*
 * Reads the command line, and the configuration file if it names one. --help and --version become
 * COMMAND_HELP and COMMAND_VERSION. On failure @o need not be freed.
 */
int options_parse(int argc, char *const *argv, struct options *o, struct err *e) MUST_CHECK;

/*
 * Does what needs no VM: help, version, --print-config, --check-config. False when @o wants
 * something else; otherwise *@status is how to exit. What went wrong was logged.
 */
bool options_answer(const struct options *o, FILE *out, FILE *errors, int *status) MUST_CHECK;

void options_free(struct options *o);

#endif
