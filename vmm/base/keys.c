/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/base/keys.h"

#include "vmm/base/scope.h"
#include "vmm/base/text.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void *field(const struct key *k, void *obj)
{
	return (char *)obj + k->offset;
}

static const void *const_field(const struct key *k, const void *obj)
{
	return (const char *)obj + k->offset;
}

/* The path of a KEY_KIND. */
static char **path_field(const struct key *k, void *obj)
{
	return (char **)(void *)((char *)obj + k->path_offset);
}

static const char *kind_path(const struct key *k, const void *obj)
{
	return *(char *const *)(const void *)((const char *)obj + k->path_offset);
}

bool keys_first_time(struct keys_seen *s, const struct key *keys, const struct key *k)
{
	uint64_t bit;

	assert(k - keys < KEYS_MAX);
	bit = 1ULL << (k - keys);
	if (k->type != KEY_COUNT && k->type != KEY_LIST && (s->bits & bit))
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
	*(uint32_t *)field(k, obj) = (uint32_t)v;
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
	*(uint64_t *)field(k, obj) = v;
	return 0;
}

static int set_bool(const struct key *k, void *obj, const char *text, struct err *e)
{
	static const char *const words[] = { "off", "on", "false", "true", "no", "yes" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(text, words[i]) == 0) {
			*(bool *)field(k, obj) = i % 2;
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

	return ret ? ret : set_copy(field(k, obj), text, e);
}

static int add_string(const struct key *k, void *obj, const char *text, struct err *e)
{
	struct key_list *l = field(k, obj);
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

static void free_list(struct key_list *l)
{
	for (size_t i = 0; i < l->nr; i++)
		free(l->at[i]);
	free(l->at);
	*l = (struct key_list){ NULL, 0 };
}

/* How much of a choice is its name: all, or what is before ":PATH". */
static int choice_len(const char *choice)
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
			*(int *)field(k, obj) = i;
			return 0;
		}
	}
	return unknown_choice(k, text, e);
}

static int set_kind(const struct key *k, void *obj, const char *text, struct err *e)
{
	char **path = path_field(k, obj);
	const char *colon = strchr(text, ':');
	int len = choice_len(text), ret;

	for (int i = 0; k->choices[i]; i++) {
		const char *choice = k->choices[i];

		if (choice_len(choice) != len || memcmp(text, choice, (size_t)len) != 0)
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
		*(int *)field(k, obj) = i;
		return 0;
	}
	return unknown_choice(k, text, e);
}

/* One more of a KEY_COUNT, or a KEY_BOOL on. */
static int set_bare(const struct key *k, void *obj)
{
	if (k->type == KEY_BOOL) {
		*(bool *)field(k, obj) = true;
		return 0;
	}
	if (*(uint32_t *)field(k, obj) < upper(k))
		++*(uint32_t *)field(k, obj);
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
		return add_string(k, obj, text, e);
	case KEY_CHOICE:
		return set_choice(k, obj, text, e);
	case KEY_KIND:
		return set_kind(k, obj, text, e);
	case KEY_OBJECT:
		return keys_from_text(k->keys, field(k, obj), text, e);
	case KEY_END:
		break;
	}
	assert(false); /* KEY_END is found by nobody */
	return -EINVAL;
}

/* --- name=value,name=value ------------------------------------------------------------------ */

/* The key, or NULL with a sentence that says what was perhaps meant. */
static const struct key *find_or_guess(const struct key *keys, const char *name, struct err *e)
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

static int missing_inside(const struct key *keys, const void *obj, struct err *e)
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

static int set_item(const struct key *keys, void *obj, char *item, struct keys_seen *seen,
		    struct err *e)
{
	char *equals = strchr(item, '=');
	const struct key *k;

	if (equals)
		*equals = '\0';
	if (*item == '\0')
		return err_set(e, EINVAL, "a name is missing; write name=value,name=value");
	k = find_or_guess(keys, item, e);
	if (!k)
		return -EINVAL;
	if (!keys_first_time(seen, keys, k))
		return err_set(e, EINVAL, "%s is there twice; write it once", k->name);
	if (!equals && !key_is_flag(k))
		return err_set(e, EINVAL, "%s needs a value; write %s=VALUE", k->name, k->name);
	if (k->type == KEY_OBJECT)
		return err_set(e, EINVAL, "%s has keys of its own; use a configuration file",
			       k->name);
	if (key_set(k, obj, equals ? equals + 1 : NULL, e))
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
	return missing_inside(keys, obj, e);
}

/* --- JSON ----------------------------------------------------------------------------------- */

static int wrong_type(const struct json *v, const char *wanted, struct err *e)
{
	return err_set(e, EINVAL, "%s where %s should be", json_type_name(v->type), wanted);
}

/*
 * The value that a message is about, when reading fails: the innermost, which is found first.
 */
struct culprit {
	const struct json *v;
};

static int read_object(const struct key *keys, void *obj, const struct json *v, struct culprit *c,
		       struct err *e);

/* Takes the place of what another source had put there. */
static int read_list(const struct key *k, void *obj, const struct json *v, struct err *e)
{
	int ret = 0;

	if (v->type != JSON_ARRAY)
		return wrong_type(v, "an array of strings", e);
	free_list(field(k, obj));
	for (v = v->first; v && ret == 0; v = v->next)
		ret = v->type == JSON_STRING ? add_string(k, obj, v->text, e)
					     : wrong_type(v, "a string", e);
	return ret;
}

static int set_json(const struct key *k, void *obj, const struct json *v, struct culprit *c,
		    struct err *e)
{
	switch (k->type) {
	case KEY_BOOL:
		if (v->type != JSON_BOOL)
			return wrong_type(v, "true or false", e);
		*(bool *)field(k, obj) = v->boolean;
		return 0;
	case KEY_COUNT:
	case KEY_U32:
		if (v->type != JSON_NUMBER)
			return wrong_type(v, "a number", e);
		break;
	case KEY_SIZE:
		if (v->type != JSON_NUMBER && v->type != JSON_STRING)
			return wrong_type(v, "a number or a string like \"512M\"", e);
		break;
	case KEY_STR:
	case KEY_CHOICE:
	case KEY_KIND:
		if (v->type != JSON_STRING)
			return wrong_type(v, "a string", e);
		break;
	case KEY_LIST:
		return read_list(k, obj, v, e);
	case KEY_OBJECT:
		return read_object(k->keys, field(k, obj), v, c, e);
	case KEY_END:
		break;
	}
	return key_set(k, obj, v->text, e);
}

static int read_members(const struct key *keys, void *obj, const struct json *v, struct culprit *c,
			struct err *e)
{
	int ret;

	if (v->type != JSON_OBJECT)
		return wrong_type(v, "an object", e);
	/* json_parse() has refused members that come twice. */
	for (const struct json *m = v->first; m; m = m->next) {
		const struct key *k = find_or_guess(keys, m->name, e);

		ret = k ? set_json(k, obj, m, c, e) : -EINVAL;
		if (ret && !c->v)
			c->v = m;
		if (ret)
			return k ? err_ctx(e, "%s", k->name) : ret;
	}
	return 0;
}

/* The same, for an object inside: its required keys must be there when it is over. */
static int read_object(const struct key *keys, void *obj, const struct json *v, struct culprit *c,
		       struct err *e)
{
	int ret = read_members(keys, obj, v, c, e);

	return ret ? ret : missing_inside(keys, obj, e);
}

int keys_from_json(const struct key *keys, void *obj, const struct json *v, struct err *e)
{
	struct culprit c = { NULL };
	int ret = read_members(keys, obj, v, &c, e);

	if (!c.v)
		c.v = v;
	return ret ? err_ctx(e, "line %u, column %u", c.v->line, c.v->column) : 0;
}

static void list_to_json(const char *name, const struct key_list *l, struct json_writer *w)
{
	if (l->nr == 0)
		return;
	json_array(w, name);
	for (size_t i = 0; i < l->nr; i++)
		json_string(w, NULL, l->at[i]);
	json_end(w);
}

void keys_to_json(const struct key *keys, const void *obj, struct json_writer *w)
{
	for (const struct key *k = keys; k->type != KEY_END; k++) {
		const void *at = const_field(k, obj);
		const char *choice, *path;

		switch (k->type) {
		case KEY_BOOL:
			json_bool(w, k->name, *(const bool *)at);
			break;
		case KEY_COUNT:
		case KEY_U32:
			json_u64(w, k->name, *(const uint32_t *)at);
			break;
		case KEY_SIZE:
			json_string(w, k->name, text_of_size(*(const uint64_t *)at).s);
			break;
		case KEY_STR:
			if (*(char *const *)at)
				json_string(w, k->name, *(char *const *)at);
			break;
		case KEY_CHOICE:
			json_string(w, k->name, k->choices[*(const int *)at]);
			break;
		case KEY_KIND:
			choice = k->choices[*(const int *)at];
			path = kind_path(k, obj);
			json_printf(w, k->name, "%.*s%s%s", choice_len(choice), choice,
				    path ? ":" : "", path ? path : "");
			break;
		case KEY_LIST:
			list_to_json(k->name, at, w);
			break;
		case KEY_OBJECT:
			json_object(w, k->name);
			keys_to_json(k->keys, at, w);
			json_end(w);
			break;
		case KEY_END:
			break;
		}
	}
}

/* --- the rest ------------------------------------------------------------------------------- */

const struct key *keys_missing(const struct key *keys, const void *obj)
{
	for (const struct key *k = keys; k->type != KEY_END; k++) {
		assert(!k->required || k->type == KEY_STR);
		if (k->required && !*(char *const *)const_field(k, obj))
			return k;
	}
	return NULL;
}

void keys_free(const struct key *keys, void *obj)
{
	for (const struct key *k = keys; k->type != KEY_END; k++) {
		if (k->type == KEY_STR)
			free_string(field(k, obj));
		else if (k->type == KEY_KIND)
			free_string(path_field(k, obj));
		else if (k->type == KEY_LIST)
			free_list(field(k, obj));
		else if (k->type == KEY_OBJECT)
			keys_free(k->keys, field(k, obj));
	}
}

const void *key_object(const struct key *k, const void *obj)
{
	assert(k->type == KEY_OBJECT);
	return const_field(k, obj);
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
	const void *at = const_field(k, obj);
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
		path = kind_path(k, obj);
		(void)snprintf(t.s, sizeof(t.s), "%.*s%s%s", choice_len(choice), choice,
			       path ? ":" : "", path ? path : "");
		break;
	case KEY_LIST:
	case KEY_OBJECT:
	case KEY_END:
		break;
	}
	return t;
}
