/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/base/keys.h"

#include "vmm/base/keys_parts.h"
#include "vmm/base/text.h"

#include <errno.h>
#include <inttypes.h>

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
	key_empty(k, obj);
	for (v = v->first; v && ret == 0; v = v->next)
		ret = v->type == JSON_STRING ? key_add_string(k, obj, v->text, e)
					     : wrong_type(v, "a string", e);
	return ret;
}

static int read_objects(const struct key *k, void *obj, const struct json *v, struct culprit *c,
			struct err *e)
{
	int ret = 0;

	if (v->type != JSON_ARRAY)
		return wrong_type(v, "an array of objects", e);
	key_empty(k, obj);
	for (v = v->first; v && ret == 0; v = v->next) {
		void *at = key_add_object(k, obj, e);

		ret = at ? read_object(k->keys, at, v, c, e) : -e->code;
		if (ret && !c->v)
			c->v = v;
	}
	return ret;
}

static int set_json(const struct key *k, void *obj, const struct json *v, struct culprit *c,
		    struct err *e)
{
	switch (k->type) {
	case KEY_BOOL:
		if (v->type != JSON_BOOL)
			return wrong_type(v, "true or false", e);
		*(bool *)key_field(k, obj) = v->boolean;
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
		return read_object(k->keys, key_field(k, obj), v, c, e);
	case KEY_OBJECTS:
		return read_objects(k, obj, v, c, e);
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
		const struct key *k = keys_find_or_guess(keys, m->name, e);

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

	return ret ? ret : keys_missing_inside(keys, obj, e);
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

static void objects_to_json(const struct key *k, const struct key_objects *l, struct json_writer *w)
{
	if (l->nr == 0)
		return;
	json_array(w, k->name);
	for (size_t i = 0; i < l->nr; i++) {
		json_object(w, NULL);
		keys_to_json(k->keys, (const char *)l->at + i * k->size, w);
		json_end(w);
	}
	json_end(w);
}

void keys_to_json(const struct key *keys, const void *obj, struct json_writer *w)
{
	for (const struct key *k = keys; k->type != KEY_END; k++) {
		const void *at = key_const_field(k, obj);
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
			path = key_path(k, obj);
			json_printf(w, k->name, "%.*s%s%s", key_choice_len(choice), choice,
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
		case KEY_OBJECTS:
			objects_to_json(k, at, w);
			break;
		case KEY_END:
			break;
		}
	}
}
