/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/base/keys.h"

#include "vmm/base/keys_parts.h"
#include "vmm/base/scope.h"
#include "vmm/base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const struct key *keys_find_or_guess(const struct key *keys, const char *name, struct err *e)
{
	const struct key *k = keys_find(keys, name);
	struct text_guess guess = { 0 };
	char list[256] = "";
	size_t at = 0;

	if (k)
		return k;
	for (k = keys; k->type != KEY_END; k++) {
		text_guess(&guess, name, k->name);
		if (at < sizeof(list))
			at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s", at ? ", " : "",
					       k->name);
	}
	if (guess.name)
		(void)err_set(e, EINVAL, "%s is not known; did you mean %s?", text_quote(name).s,
			      guess.name);
	else
		(void)err_set(e, EINVAL, "%s is not known; there are %s", text_quote(name).s, list);
	return NULL;
}

int keys_missing_inside(const struct key *keys, const void *obj, struct err *e)
{
	const struct key *k = keys_missing(keys, obj);

	if (k)
		return err_set(e, EINVAL, "%s is missing; add %s=%s", k->name, k->name, k->arg);
	return 0;
}

/* Ends the item at *@s where its comma is, undoubles commas in place; moves *@s behind it. */
static char *next_item(char **s)
{
	char *item = *s, *from = item, *to = item;

	for (; *from; from++) {
		if (*from == ',') {
			if (from[1] != ',') {
				*s = from + 1;
				*to = '\0';
				return item;
			}
			from++;
		}
		*to++ = *from;
	}
	*to = '\0';
	*s = NULL;
	return item;
}

/* The key whose value may stand first, without its name; NULL: there is none. */
static const struct key *unnamed(const struct key *keys)
{
	for (const struct key *k = keys; k->type != KEY_END; k++)
		if (k->unnamed)
			return k;
	return NULL;
}

static int set_item(const struct key *keys, void *obj, char *item, struct keys_seen *seen,
		    struct err *e)
{
	char *equals = strchr(item, '=');
	const struct key *k;

	if (!equals && *item && !seen->bits && (k = unnamed(keys)) && !keys_find(keys, item)) {
		(void)keys_first_time(seen, keys, k);
		return key_set(k, obj, item, e) ? err_ctx(e, "%s", k->name) : 0;
	}
	if (equals)
		*equals = '\0';
	if (*item == '\0')
		return err_set(e, EINVAL, "a name is missing; write name=value,name=value");
	k = keys_find_or_guess(keys, item, e);
	if (!k)
		return -EINVAL;
	if (!keys_first_time(seen, keys, k))
		return err_set(e, EINVAL, "%s is there twice; write it once", k->name);
	if (!equals && !key_is_flag(k) && !k->bare)
		return err_set(e, EINVAL, "%s needs a value; write %s=VALUE", k->name, k->name);
	if (k->type == KEY_OBJECT || k->type == KEY_OBJECTS)
		return err_set(e, EINVAL, "%s has keys of its own; use a configuration file",
			       k->name);
	if (key_set(k, obj, equals ? equals + 1 : k->bare, e))
		return err_ctx(e, "%s", k->name);
	return 0;
}

int keys_from_text(const struct key *keys, void *obj, const char *text, struct err *e)
{
	auto_free char *copy = strdup(text);
	struct keys_seen seen = { 0 };
	int ret;

	if (!copy)
		return err_set(e, ENOMEM, "out of memory");
	for (char *rest = copy; rest;)
		if ((ret = set_item(keys, obj, next_item(&rest), &seen, e)))
			return ret;
	return keys_missing_inside(keys, obj, e);
}
