/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/base/args.h"

#include "vmm/base/text.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What is being read: the arguments that are left, and what came before. */
struct args {
	const struct args_into *into;
	struct keys_seen seen[ARGS_MAX_TABLES];
	int argc;
	char *const *argv;
};

/* An option that was found: a key, and which table it is from. */
struct found {
	const struct key *k;
	size_t table;
};

static bool find_long(const struct args *a, const char *name, struct found *o)
{
	for (o->table = 0; a->into[o->table].keys; o->table++) {
		o->k = keys_find(a->into[o->table].keys, name);
		if (o->k)
			return true;
	}
	return false;
}

static bool find_letter(const struct args *a, char letter, struct found *o)
{
	for (o->table = 0; a->into[o->table].keys; o->table++)
		for (o->k = a->into[o->table].keys; o->k->type != KEY_END; o->k++)
			if (o->k->letter == letter)
				return true;
	return false;
}

static int unknown_option(const struct args *a, const char *name, struct err *e)
{
	struct text_guess guess = { 0 };
	char dashed[80];

	for (size_t t = 0; a->into[t].keys; t++)
		for (const struct key *k = a->into[t].keys; k->type != KEY_END; k++)
			text_guess(&guess, name, k->name);
	(void)snprintf(dashed, sizeof(dashed), "--%s", name);
	if (guess.name)
		return err_set(e, EINVAL, "%s is not an option; did you mean --%s?",
			       text_quote(dashed).s, guess.name);
	return err_set(e, EINVAL, "%s is not an option; --help lists them", text_quote(dashed).s);
}

/* @value is NULL for an option that stands alone. */
static int set_option(struct args *a, const struct found *o, const char *value, struct err *e)
{
	const struct args_into *into = &a->into[o->table];
	const struct key *k = o->k;

	if (!keys_first_time(&a->seen[o->table], into->keys, k))
		return err_set(e, EINVAL, "--%s is there twice; write it once", k->name);
	if (!into->obj)
		return 0;
	return key_set(k, into->obj, value, e) ? err_ctx(e, "--%s", k->name) : 0;
}

/* The next argument, as the value of @k. */
static int take_value(struct args *a, const struct key *k, const char **value, struct err *e)
{
	if (a->argc == 0)
		return err_set(e, EINVAL, "--%s needs a value; write --%s %s", k->name, k->name,
			       key_arg(k).s);
	*value = *a->argv++;
	a->argc--;
	return 0;
}

/* @text is what follows the two dashes. */
static int long_option(struct args *a, const char *text, struct err *e)
{
	const char *value = strchr(text, '=');
	struct found o;
	char name[64];
	int ret;

	(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(text, "="), text);
	if (!find_long(a, name, &o))
		return unknown_option(a, name, e);
	if (value)
		value++;
	else if (!key_is_flag(o.k) && (ret = take_value(a, o.k, &value, e)))
		return ret;
	return set_option(a, &o, value, e);
}

/* @text is what follows the dash: one letter and its value, or letters of flags. */
static int short_options(struct args *a, const char *text, struct err *e)
{
	for (; *text; text++) {
		char dashed[] = { '-', *text, '\0' };
		const char *value = text[1] ? text + 1 : NULL;
		struct found o;
		int ret;

		if (!find_letter(a, *text, &o))
			return err_set(e, EINVAL, "%s is not an option; --help lists them",
				       text_quote(dashed).s);
		if (key_is_flag(o.k)) {
			if ((ret = set_option(a, &o, NULL, e)))
				return ret;
			continue;
		}
		if (!value && (ret = take_value(a, o.k, &value, e)))
			return ret;
		return set_option(a, &o, value, e);
	}
	return 0;
}

static int parse(const struct args_into *into, int argc, char *const *argv, const char *stray,
		 int *end, struct err *e)
{
	struct args a = { .into = into, .argc = argc, .argv = argv };
	int ret;

	for (size_t t = 0; into[t].keys; t++)
		assert(t < ARGS_MAX_TABLES);
	while (a.argc > 0) {
		const char *arg = *a.argv;

		if (end && strcmp(arg, "--") == 0)
			break;
		a.argv++;
		a.argc--;
		if (strncmp(arg, "--", 2) == 0 && arg[2])
			ret = long_option(&a, arg + 2, e);
		else if (arg[0] == '-' && arg[1] && arg[1] != '-')
			ret = short_options(&a, arg + 1, e);
		else
			ret = err_set(e, EINVAL, "%s belongs to no option; %s", text_quote(arg).s,
				      stray);
		if (ret)
			return ret;
	}
	if (end)
		*end = argc - a.argc;
	return 0;
}

int args_parse(const struct args_into *into, int argc, char *const *argv, const char *stray,
	       struct err *e)
{
	return parse(into, argc, argv, stray, NULL, e);
}

int args_parse_before(const struct args_into *into, int argc, char *const *argv, const char *stray,
		      int *end, struct err *e)
{
	return parse(into, argc, argv, stray, end, e);
}
