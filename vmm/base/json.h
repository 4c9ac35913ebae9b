/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json: a bounded reader and a writer (RFC 8259).
 *
 * The reader takes text that may be hostile. It is strict where others are lenient: UTF-8 is
 * checked, a member may come once, a string holds no NUL (so it is a C string), nothing follows
 * the value. Memory is bounded by JSON_MAX_BYTES and JSON_MAX_VALUES, the stack by JSON_MAX_DEPTH.
 * Errors say line and column; columns count bytes from 1.
 *
 * The writer writes to a stream, indented or all on one line, and remembers what went wrong until
 * json_finish().
 */
#ifndef VMM_BASE_JSON_H
#define VMM_BASE_JSON_H

#include "vmm/base/err.h"

#include <stdio.h>

#define JSON_MAX_BYTES	 (1024 * 1024) /* of text */
#define JSON_MAX_VALUES	 65536
#define JSON_MAX_MEMBERS 1024 /* of one object */
#define JSON_MAX_DEPTH	 32   /* arrays and objects in each other */

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

/* A value. Everything it points to lives until json_free() of the root. */
struct json {
	enum json_type type;
	bool boolean;		  /* JSON_BOOL */
	const char *text;	  /* JSON_STRING: UTF-8; JSON_NUMBER: as it was written */
	const char *name;	  /* of a member of an object */
	const struct json *first; /* JSON_ARRAY, JSON_OBJECT: what is inside, in order */
	const struct json *next;  /* the next one beside this */
	unsigned line, column;	  /* where it began */
};

/* Reads one value. NULL with @e set when the text is not one; otherwise to be freed. */
struct json *json_parse(const char *text, size_t len, struct err *e) MUST_CHECK;

/* Frees what json_parse() returned. NULL is fine. */
void json_free(struct json *root);

/* The member @name of @object; NULL when it has none, or is not an object. */
const struct json *json_get(const struct json *object, const char *name);

/* For messages: "a number". */
const char *json_type_name(enum json_type type);

struct json_writer {
	FILE *out; /* borrowed */
	unsigned depth;
	uint64_t arrays; /* bit n: what is open at depth n is an array */
	bool empty;	 /* nothing was written yet inside what is open */
	bool one_line;	 /* no blanks and no line ends but the last one */
	int code;	 /* the first thing that went wrong beside the stream: EILSEQ, ENOMEM */
};

/* Begins. The functions below are then called in the order of the text, and json_finish() last. */
void json_start(struct json_writer *w, FILE *out);

/* The same, but the value becomes one line without blanks outside strings, as in a log of JSON. */
void json_start_line(struct json_writer *w, FILE *out);

/* Opens and closes an object or array. @name is NULL inside an array and at the top. */
void json_object(struct json_writer *w, const char *name);
void json_array(struct json_writer *w, const char *name);
void json_end(struct json_writer *w);

/* Single values. */
void json_bool(struct json_writer *w, const char *name, bool v);
void json_u64(struct json_writer *w, const char *name, uint64_t v);
void json_i64(struct json_writer *w, const char *name, int64_t v);
void json_string(struct json_writer *w, const char *name, const char *v);
void json_printf(struct json_writer *w, const char *name, const char *fmt, ...) PRINTF(3, 4);
void json_null(struct json_writer *w, const char *name);

/*
 * Ends the text with a newline and flushes it. Fails when the stream did, and with EILSEQ when a
 * string was not UTF-8: JSON cannot hold it.
 */
int json_finish(struct json_writer *w, struct err *e) MUST_CHECK;

#endif
