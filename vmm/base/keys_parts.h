/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of keys share; see vmm/base/keys.h for what they are. */
#ifndef VMM_BASE_KEYS_PARTS_H
#define VMM_BASE_KEYS_PARTS_H

#include "vmm/base/keys.h"

static inline void *key_field(const struct key *k, void *obj)
{
	return (char *)obj + k->offset;
}

static inline const void *key_const_field(const struct key *k, const void *obj)
{
	return (const char *)obj + k->offset;
}

/* The path of a KEY_KIND; NULL without one. */
static inline const char *key_path(const struct key *k, const void *obj)
{
	return *(char *const *)(const void *)((const char *)obj + k->path_offset);
}

/* How much of a choice of a KEY_KIND is its name: all, or what is before ":PATH". */
int key_choice_len(const char *choice);

/* The key called @name, or NULL with a sentence that says what was perhaps meant. */
const struct key *keys_find_or_guess(const struct key *keys, const char *name,
				     struct err *e) MUST_CHECK;

/* -EINVAL with a sentence when a required key of @obj was not given. */
int keys_missing_inside(const struct key *keys, const void *obj, struct err *e) MUST_CHECK;

/* KEY_LIST: adds a copy of @text. */
int key_add_string(const struct key *k, void *obj, const char *text, struct err *e) MUST_CHECK;

/* KEY_OBJECTS: adds one with its defaults; NULL and @e set when that cannot be. */
void *key_add_object(const struct key *k, void *obj, struct err *e) MUST_CHECK;

/* KEY_LIST, KEY_OBJECTS: takes out and frees all. */
void key_empty(const struct key *k, void *obj);

#endif
