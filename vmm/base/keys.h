/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys: tables that turn text into typed structs.
 *
 * One table describes the fields of one struct. The same table reads "a=1,b=on" (an option's
 * argument), options (--a 1 --b -c, base/args.h), and a JSON object, with the same bounds and the
 * same errors; and it prints JSON, help, the manual page and shell completion (vmm/help.h). Unknown
 * and repeated keys are errors. Nothing is opened or created: the result is plain data.
 *
 * A struct that is read into must hold values before (its defaults, or zeroes): what the text does
 * not mention stays as it is, so a second source goes over a first. After a failure some fields may
 * have changed; keys_free() is right in any case.
 *
 * Text of an object: items with commas between. A comma that belongs to a value is doubled:
 * path=a,,b.img is the file "a,b.img".
 */
#ifndef VMM_BASE_KEYS_H
#define VMM_BASE_KEYS_H

#include "vmm/base/err.h"
#include "vmm/base/json.h"

enum key_type {
	KEY_END,    /* ends a table */
	KEY_BOOL,   /* bool: on/off, true/false, yes/no; a bare key is on */
	KEY_COUNT,  /* uint32_t: each bare key adds one, up to max; or a number within 0..max */
	KEY_U32,    /* uint32_t: decimal or 0x..., within min..max */
	KEY_SIZE,   /* uint64_t: number with optional suffix K, M, G, T; within min..max */
	KEY_STR,    /* char *: owned by the struct; at least min bytes long */
	KEY_CHOICE, /* int: index into choices */
	KEY_KIND,   /* int: as KEY_CHOICE, where choices like "file:PATH" take a path */
	KEY_LIST,   /* struct key_list: each time it is given adds a string; or a JSON array */
	KEY_OBJECT, /* a nested struct, described by keys: "sub=..,sub=.." or a JSON object */
	/* struct key_objects: each time it is given adds such a struct; or a JSON array of them */
	KEY_OBJECTS,
};

#define KEY_LIST_MAX 1024 /* strings in one list */

/* Strings in the order they were given; the list and they are owned by the struct it is in. */
struct key_list {
	char **at;
	size_t nr;
};

/* Structs of one size in the order they were given; they are owned by the struct the list is in. */
struct key_objects {
	void *at;
	size_t nr;
};

struct key {
	const char *name;    /* "mem" */
	const char *arg;     /* what help calls the value: "SIZE"; NULL: choices, or none */
	const char *help;    /* one line, without full stop */
	const char *more;    /* sentences for the manual and docs/cli.md; NULL: none */
	const char *section; /* help puts this title in front of the key; NULL: goes on */
	enum key_type type;
	char letter;		    /* short option: 'k' for -k; 0 for none */
	bool required;		    /* KEY_STR: must not stay NULL */
	size_t offset;		    /* of the field in the struct */
	size_t path_offset;	    /* KEY_KIND: of its path: char *, owned, NULL without one */
	uint64_t min, max;	    /* bounds; max 0 means none beyond the type */
	uint64_t step;		    /* KEY_U32, KEY_SIZE: a multiple of this; 0 means any */
	const char *const *choices; /* KEY_CHOICE, KEY_KIND: NULL-terminated */
	const struct key *keys;	    /* KEY_OBJECT, KEY_OBJECTS */
	size_t size;		    /* KEY_OBJECTS: of one; there are at most max */
	const void *defaults;	    /* KEY_OBJECTS: what one is before it is read; owns nothing */
	const char *bare;	    /* KEY_STR: what the name alone means; NULL: it needs a value */
	bool unnamed; /* in "name=value,...": the first value may come without the name */
};

#define KEYS_MAX 64 /* keys in one table */

/* Reads "name=value,name=value". */
int keys_from_text(const struct key *keys, void *obj, const char *text, struct err *e) MUST_CHECK;

/* Reads a JSON object. Errors say line and column. */
int keys_from_json(const struct key *keys, void *obj, const struct json *v,
		   struct err *e) MUST_CHECK;

/*
 * The first required key that was not given; NULL when there is none. Does not look inside objects:
 * that was done when they were read.
 */
const struct key *keys_missing(const struct key *keys, const void *obj);

/* Writes all keys as members of the object that is open in @w, but for strings that are NULL. */
void keys_to_json(const struct key *keys, const void *obj, struct json_writer *w);

/* Frees what the struct owns, and makes it NULL. */
void keys_free(const struct key *keys, void *obj);

/* The key called @name, or NULL. */
const struct key *keys_find(const struct key *keys, const char *name);

/*
 * Sets one field from text. @text NULL is a key without a value: for a flag only. The sentence of
 * an error begins with the value: the caller puts the key's name in front.
 */
int key_set(const struct key *k, void *obj, const char *text, struct err *e) MUST_CHECK;

/* Which keys of a table came already. Begins as zeroes. */
struct keys_seen {
	uint64_t bits;
};

/* Notes @k of @keys; false when it was there before, and may not come again. */
bool keys_first_time(struct keys_seen *s, const struct key *keys, const struct key *k);

/* Whether the option stands alone: --name. */
bool key_is_flag(const struct key *k);

/* The nested struct of a KEY_OBJECT; of KEY_OBJECTS the defaults. */
const void *key_object(const struct key *k, const void *obj);

/* A piece of help, returned by value; cut when too long. */
struct key_text {
	char s[160];
};

/* What the value looks like: "SIZE", "auto|off|on", "on|off". */
struct key_text key_arg(const struct key *k);

/* The value of @k in @obj as it would be typed; "" when there is none: no string, list, object. */
struct key_text key_value(const struct key *k, const void *obj);

#endif
