/* SPDX-License-Identifier: Apache-2.0 */
/* What the reader of JSON understood, through the writer. */
#ifndef TESTS_LIB_JSON_COPY_H
#define TESTS_LIB_JSON_COPY_H

#include "vmm/base/json.h"

#include <errno.h>
#include <stdlib.h>

/* A number as one that the writer has, whole and of 64 bits; another as text. */
static inline void json_copy_number(struct json_writer *w, const struct json *v)
{
	char *end;

	errno = 0;
	if (v->text[0] == '-') {
		const long long n = strtoll(v->text, &end, 10);

		if (*end == '\0' && errno == 0)
			return json_i64(w, v->name, n);
	} else {
		const unsigned long long n = strtoull(v->text, &end, 10);

		if (*end == '\0' && errno == 0)
			return json_u64(w, v->name, n);
	}
	json_printf(w, v->name, "%s", v->text);
}

static inline void json_copy(struct json_writer *w, const struct json *v)
{
	switch (v->type) {
	case JSON_NULL:
		json_null(w, v->name);
		break;
	case JSON_BOOL:
		json_bool(w, v->name, v->boolean);
		break;
	case JSON_NUMBER:
		json_copy_number(w, v);
		break;
	case JSON_STRING:
		json_string(w, v->name, v->text);
		break;
	case JSON_ARRAY:
	case JSON_OBJECT:
		if (v->type == JSON_ARRAY)
			json_array(w, v->name);
		else
			json_object(w, v->name);
		for (const struct json *c = v->first; c; c = c->next)
			json_copy(w, c);
		json_end(w);
		break;
	}
}

#endif
