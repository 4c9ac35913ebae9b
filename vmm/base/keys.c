/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/base/keys.h"

#include "vmm/base/keys_parts.h"
#include "vmm/base/text.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The path of a KEY_KIND. */
static char **path_field(const struct key *k, void *obj)
{
	return (char **)(void *)((char *)obj + k->path_offset);
}

/* Whether each time that it is given counts. */
static bool key_comes_again(const struct key *k)
{
	return k->type == KEY_COUNT || k->type == KEY_LIST || k->type == KEY_OBJECTS;
}

bool keys_first_time(struct keys_seen *s, const struct key *keys, const struct key *k)
{
	uint64_t bit;

	assert(k - keys < KEYS_MAX);
	bit = 1ULL << (k - keys);
	if (!key_comes_again(k) && (s->bits & bit))
		return false;
	s->bits |= bit;
	return true;
}

const struct key *keys_find(const struct key *keys, const char *name)
{
	for (const struct key *k = keys; k->type != KEY_END; k++)
		if (strcmp(k->name, name) == 0)
			return k;
	return NULL;
}

bool key_is_flag(const struct key *k)
{
	return k->type == KEY_BOOL || k->type == KEY_COUNT;
}

/* --- one value ------------------------------------------------------------------------------ */

static uint64_t upper(const struct key *k)
{
	uint64_t type_max = k->type == KEY_SIZE ? UINT64_MAX : UINT32_MAX;

	return k->max && k->max < type_max ? k->max : type_max;
}

static int check_step(const struct key *k, const char *text, uint64_t v, struct err *e)
{
	if (k->step == 0 || v % k->step == 0)
		return 0;
	return err_set(e, EINVAL, "%s is not a multiple of %s", text_quote(text).s,
		       text_of_size(k->step).s);
}

static int set_number(const struct key *k, void *obj, const char *text, struct err *e)
{
	uint64_t v;

	if (!text_u64(text, &v) || v < k->min || v > upper(k))
		return err_set(e, EINVAL, "%s is not a number from %" PRIu64 " to %" PRIu64,
			       text_quote(text).s, k->min, upper(k));
	if (check_step(k, text, v, e))
		return -EINVAL;
	*(uint32_t *)key_field(k, obj) = (uint32_t)v;
	return 0;
}

static int set_size(const struct key *k, void *obj, const char *text, struct err *e)
{
	uint64_t v;

	if (!text_size(text, &v) || v < k->min || v > upper(k))
		return err_set(e, EINVAL,
			       "%s is not a size from %s to %s; write a number with K, M, G or T",
			       text_quote(text).s, text_of_size(k->min).s,
			       text_of_size(upper(k)).s);
	if (check_step(k, text, v, e))
		return -EINVAL;
	*(uint64_t *)key_field(k, obj) = v;
	return 0;
}

static int set_bool(const struct key *k, void *obj, const char *text, struct err *e)
{
	static const char *const words[] = { "off", "on", "false", "true", "no", "yes" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(text, words[i]) == 0) {
			*(bool *)key_field(k, obj) = i % 2;
			return 0;
		}
	}
	return err_set(e, EINVAL, "%s is neither on nor off", text_quote(text).s);
}

static void free_string(char **at)
{
	free(*at);
	*at = NULL;
}

/* Replaces the string at @at by a copy of @text. */
static int set_copy(char **at, const char *text, struct err *e)
{
	char *copy = strdup(text);

	if (!copy)
		return err_set(e, ENOMEM, "out of memory");
	free(*at);
	*at = copy;
	return 0;
}

static int check_length(const struct key *k, const char *text, struct err *e)
{
	if (strlen(text) < k->min)
		return err_set(e, EINVAL, "'' is not a %s; leave it out when there is none",
			       k->arg);
	return 0;
}

static int set_string(const struct key *k, void *obj, const char *text, struct err *e)
{
	int ret = check_length(k, text, e);

	return ret ? ret : set_copy(key_field(k, obj), text, e);
}

int key_add_string(const struct key *k, void *obj, const char *text, struct err *e)
{
	struct key_list *l = key_field(k, obj);
	int ret = check_length(k, text, e);
	char **at;

	if (ret)
		return ret;
	if (l->nr == KEY_LIST_MAX)
		return err_set(e, E2BIG, "%s is one too many; there can be %d", text_quote(text).s,
			       KEY_LIST_MAX);
	at = reallocarray(l->at, l->nr + 1, sizeof(*at));
	if (!at)
		return err_set(e, ENOMEM, "out of memory");
	l->at = at;
	at[l->nr] = strdup(text);
	if (!at[l->nr])
		return err_set(e, ENOMEM, "out of memory");
	l->nr++;
	return 0;
}

void *key_add_object(const struct key *k, void *obj, struct err *e)
{
	struct key_objects *l = key_field(k, obj);
	char *at;

	if (l->nr >= k->max) {
		(void)err_set(e, EINVAL, "one too many; there can be %" PRIu64, k->max);
		return NULL;
	}
	at = reallocarray(l->at, l->nr + 1, k->size);
	if (!at) {
		(void)err_set(e, ENOMEM, "out of memory");
		return NULL;
	}
	l->at = at;
	at += l->nr++ * k->size;
	/* What strings the defaults have would be freed with the object. */
	memcpy(at, k->defaults, k->size);
	return at;
}

static int add_object(const struct key *k, void *obj, const char *text, struct err *e)
{
	void *at = key_add_object(k, obj, e);

	return at ? keys_from_text(k->keys, at, text, e) : -e->code;
}

void key_empty(const struct key *k, void *obj)
{
	if (k->type == KEY_LIST) {
		struct key_list *l = key_field(k, obj);

		for (size_t i = 0; i < l->nr; i++)
			free(l->at[i]);
		free(l->at);
		*l = (struct key_list){ NULL, 0 };
	} else {
		struct key_objects *l = key_field(k, obj);

		for (size_t i = 0; i < l->nr; i++)
			keys_free(k->keys, (char *)l->at + i * k->size);
		free(l->at);
		*l = (struct key_objects){ NULL, 0 };
	}
}

int key_choice_len(const char *choice)
{
	return (int)strcspn(choice, ":");
}

/* Writes @words to @to with @between in between. */
static void join(char *to, size_t size, const char *const *words, const char *between)
{
	size_t at = 0;

	to[0] = '\0';
	for (const char *const *w = words; *w && at < size; w++)
		at += (size_t)snprintf(to + at, size - at, "%s%s", at ? between : "", *w);
}

static int unknown_choice(const struct key *k, const char *text, struct err *e)
{
	char list[256];

	join(list, sizeof(list), k->choices, ", ");
	return err_set(e, EINVAL, "%s is not one of %s", text_quote(text).s, list);
}

static int set_choice(const struct key *k, void *obj, const char *text, struct err *e)
{
	for (int i = 0; k->choices[i]; i++) {
		if (strcmp(text, k->choices[i]) == 0) {
			*(int *)key_field(k, obj) = i;
			return 0;
		}
	}
	return unknown_choice(k, text, e);
}

static int set_kind(const struct key *k, void *obj, const char *text, struct err *e)
{
	char **path = path_field(k, obj);
	const char *colon = strchr(text, ':');
	int len = key_choice_len(text), ret;

	for (int i = 0; k->choices[i]; i++) {
		const char *choice = k->choices[i];

		if (key_choice_len(choice) != len || memcmp(text, choice, (size_t)len) != 0)
			continue;
		if (choice[len] == ':') {
			if (!colon || colon[1] == '\0')
				return err_set(e, EINVAL, "%s needs a path; write %s",
					       text_quote(text).s, choice);
			if ((ret = set_copy(path, colon + 1, e)))
				return ret;
		} else {
			if (colon)
				return err_set(e, EINVAL, "%s takes nothing behind it; write %s",
					       choice, choice);
			free_string(path);
		}
		*(int *)key_field(k, obj) = i;
		return 0;
	}
	return unknown_choice(k, text, e);
}

/* One more of a KEY_COUNT, or a KEY_BOOL on. */
static int set_bare(const struct key *k, void *obj)
{
	if (k->type == KEY_BOOL) {
		*(bool *)key_field(k, obj) = true;
		return 0;
	}
	if (*(uint32_t *)key_field(k, obj) < upper(k))
		++*(uint32_t *)key_field(k, obj);
	return 0;
}

int key_set(const struct key *k, void *obj, const char *text, struct err *e)
{
	if (!text)
		return set_bare(k, obj);
	switch (k->type) {
	case KEY_BOOL:
		return set_bool(k, obj, text, e);
	case KEY_COUNT:
	case KEY_U32:
		return set_number(k, obj, text, e);
	case KEY_SIZE:
		return set_size(k, obj, text, e);
	case KEY_STR:
		return set_string(k, obj, text, e);
	case KEY_LIST:
		return key_add_string(k, obj, text, e);
	case KEY_CHOICE:
		return set_choice(k, obj, text, e);
	case KEY_KIND:
		return set_kind(k, obj, text, e);
	case KEY_OBJECT:
		return keys_from_text(k->keys, key_field(k, obj), text, e);
	case KEY_OBJECTS:
		return add_object(k, obj, text, e);
	case KEY_END:
		break;
	}
	assert(false); /* KEY_END is found by nobody */
	return -EINVAL;
}

/* --- tables -------------------------------------------------------------------------------- */

const struct key *keys_missing(const struct key *keys, const void *obj)
{
	for (const struct key *k = keys; k->type != KEY_END; k++) {
		assert(!k->required || k->type == KEY_STR);
		if (k->required && !*(char *const *)key_const_field(k, obj))
			return k;
	}
	return NULL;
}

void keys_free(const struct key *keys, void *obj)
{
	for (const struct key *k = keys; k->type != KEY_END; k++) {
		if (k->type == KEY_STR)
			free_string(key_field(k, obj));
		else if (k->type == KEY_KIND)
			free_string(path_field(k, obj));
		else if (k->type == KEY_LIST || k->type == KEY_OBJECTS)
			key_empty(k, obj);
		else if (k->type == KEY_OBJECT)
			keys_free(k->keys, key_field(k, obj));
	}
}

const void *key_object(const struct key *k, const void *obj)
{
	if (k->type == KEY_OBJECTS)
		return k->defaults;
	assert(k->type == KEY_OBJECT);
	return key_const_field(k, obj);
}

struct key_text key_arg(const struct key *k)
{
	struct key_text t = { "" };

	if (k->arg || k->type == KEY_BOOL)
		(void)snprintf(t.s, sizeof(t.s), "%s", k->arg ? k->arg : "on|off");
	else if (k->choices)
		join(t.s, sizeof(t.s), k->choices, "|");
	return t;
}

struct key_text key_value(const struct key *k, const void *obj)
{
	const void *at = key_const_field(k, obj);
	const char *choice, *path;
	struct key_text t = { "" };

	switch (k->type) {
	case KEY_BOOL:
		(void)snprintf(t.s, sizeof(t.s), "%s", *(const bool *)at ? "on" : "off");
		break;
	case KEY_COUNT:
	case KEY_U32:
		(void)snprintf(t.s, sizeof(t.s), "%" PRIu32, *(const uint32_t *)at);
		break;
	case KEY_SIZE:
		(void)snprintf(t.s, sizeof(t.s), "%s", text_of_size(*(const uint64_t *)at).s);
		break;
	case KEY_STR:
		if (*(char *const *)at)
			(void)snprintf(t.s, sizeof(t.s), "%s", *(char *const *)at);
		break;
	case KEY_CHOICE:
		(void)snprintf(t.s, sizeof(t.s), "%s", k->choices[*(const int *)at]);
		break;
	case KEY_KIND:
		choice = k->choices[*(const int *)at];
		path = key_path(k, obj);
		(void)snprintf(t.s, sizeof(t.s), "%.*s%s%s", key_choice_len(choice), choice,
			       path ? ":" : "", path ? path : "");
		break;
	case KEY_LIST:
	case KEY_OBJECT:
	case KEY_OBJECTS:
	case KEY_END:
		break;
	}
	return t;
}
