/* SPDX-License-Identifier: Apache-2.0 */
/*
 * args: command-line options that key tables describe.
 *
 *	--name VALUE  --name=VALUE  -l VALUE  -lVALUE	keys with a value
 *	--name  -l  -lm					flags; --name=off takes one back
 *
 * The word behind an option that wants a value is its value, whatever it looks like. Names are not
 * abbreviated, since a new option would break scripts that do. There are no other arguments, but
 * what may follow a lone "--".
 */
#ifndef VMM_BASE_ARGS_H
#define VMM_BASE_ARGS_H

#include "vmm/base/keys.h"

/* A table and the struct it describes. One with NULL ends an array of them. */
struct args_into {
	const struct key *keys;
	void *obj; /* NULL: their names are known, their values not looked at */
};

#define ARGS_MAX_TABLES 4

/*
 * Reads all of @argv, which begins behind the subcommand. @stray ends the sentence about a word
 * that belongs to no option: what to write instead.
 */
int args_parse(const struct args_into *into, int argc, char *const *argv, const char *stray,
	       struct err *e) MUST_CHECK;

/* The same up to a lone "--"; *@end is its place in @argv, or @argc. */
int args_parse_before(const struct args_into *into, int argc, char *const *argv, const char *stray,
		      int *end, struct err *e) MUST_CHECK;

#endif
