/* SPDX-License-Identifier: Apache-2.0 */
/* help: what vmm says about itself, printed from the tables of commands, options and statuses. */
#ifndef VMM_HELP_H
#define VMM_HELP_H

#include "vmm/options.h"

/* Prints an enum command_id or enum help_topic. */
void help_print(int topic, FILE *out);

/* The manual page, in mdoc. */
void help_man(FILE *out);

/* The script for bash that completes vmm's command line. */
void help_bash(FILE *out);

/* A part of docs/cli.md: "commands", "options", "keys", "statuses". False: there is no such part.
 */
bool help_markdown(const char *part, FILE *out);

/* --- what the printers share ---------------------------------------------------------------- */

/* --help, which every subcommand has. */
extern const struct key help_keys[];

struct help_status {
	int number;
	const char *meaning;
};

/* Exit statuses in order; ended by a NULL meaning. */
extern const struct help_status help_statuses[];

/* A table of options, and the struct with their defaults; NULL: they have none to speak of. */
struct help_table {
	const struct key *keys;
	const void *defaults;
};

/* Fills in the tables of @c's options, in the order help shows them; one with NULL ends them. */
void help_tables(const struct command *c, struct help_table tables[4]);

/* The table of the keys that @k has of its own, in @t. */
struct help_table help_nested(const struct help_table *t, const struct key *k);

/* The default that help shows; "" when there is none. */
struct key_text help_default(const struct help_table *t, const struct key *k);

#endif
