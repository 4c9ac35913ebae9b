/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/base/json.h"

#include "vmm/base/scope.h"
#include "vmm/base/text.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Memory of one document, freed as a whole. */
struct block {
	struct block *next;
	size_t used, size;
	max_align_t data[];
};

struct document {
	struct json root; /* first, so that a root is a document */
	struct block *blocks;
};

struct reader {
	struct document *doc;
	const char *at, *end;
	const char *line_start;
	unsigned line;
	unsigned depth;
	size_t values;
	struct err *e;
};

/* --- memory --------------------------------------------------------------------------------- */

static void *take(struct reader *r, size_t size)
{
	const size_t align = sizeof(max_align_t), usual = 4096;
	struct block *b = r->doc->blocks;
	void *at;

	size = (size + align - 1) / align * align;
	if (!b || size > b->size - b->used) {
		size_t room = size > usual ? size : usual;

		b = malloc(sizeof(*b) + room);
		if (!b) {
			(void)err_set(r->e, ENOMEM, "out of memory");
			return NULL;
		}
		*b = (struct block){ .next = r->doc->blocks, .size = room };
		r->doc->blocks = b;
	}
	at = (char *)b->data + b->used;
	b->used += size;
	return at;
}

static void free_document(struct document *doc)
{
	while (doc->blocks) {
		struct block *b = doc->blocks;

		doc->blocks = b->next;
		free(b);
	}
	free(doc);
}

void json_free(struct json *root)
{
	if (root)
		free_document(container_of(root, struct document, root));
}

/* --- UTF-8 ---------------------------------------------------------------------------------- */

/* The length of the UTF-8 character at @p, of which @left bytes are there; 0 when it is none. */
static size_t utf8_len(const char *p, size_t left)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint8_t lead = (uint8_t)*p;
	uint32_t c;
	size_t n;

	if (lead < 0x80)
		return 1;
	if (lead >= 0xc0 && lead < 0xe0)
		n = 2;
	else if (lead >= 0xe0 && lead < 0xf0)
		n = 3;
	else if (lead >= 0xf0 && lead < 0xf8)
		n = 4;
	else
		return 0;
	if (n > left)
		return 0;
	c = lead & (0x7fU >> n);
	for (size_t i = 1; i < n; i++) {
		if (((uint8_t)p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | ((uint8_t)p[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	return n;
}

/* Writes character @c to @to; returns how many bytes it took. */
static size_t utf8_put(char *to, uint32_t c)
{
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (char)(0xc0 | c >> 6);
		to[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (char)(0xe0 | c >> 12);
		to[1] = (char)(0x80 | (c >> 6 & 0x3f));
		to[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	to[0] = (char)(0xf0 | c >> 18);
	to[1] = (char)(0x80 | (c >> 12 & 0x3f));
	to[2] = (char)(0x80 | (c >> 6 & 0x3f));
	to[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* --- the reader ----------------------------------------------------------------------------- */

static unsigned column(const struct reader *r)
{
	return (unsigned)(r->at - r->line_start) + 1;
}

static int fail(struct reader *r, const char *what)
{
	return err_set(r->e, EINVAL, "line %u, column %u: %s", r->line, column(r), what);
}

/* The byte at hand; 0 at the end. A NUL in the text is a byte that nothing accepts. */
static char peek(const struct reader *r)
{
	return r->at < r->end ? *r->at : '\0';
}

/* Says what stands where @wanted should. */
static int unexpected(struct reader *r, const char *wanted)
{
	char what[64];

	if (r->at == r->end)
		(void)snprintf(what, sizeof(what), "the text ends where %s should come", wanted);
	else if (*r->at > ' ' && *r->at <= '~')
		(void)snprintf(what, sizeof(what), "'%c' where %s should come", *r->at, wanted);
	else
		(void)snprintf(what, sizeof(what), "byte 0x%02x where %s should come",
			       (uint8_t)*r->at, wanted);
	return fail(r, what);
}

static void skip_blanks(struct reader *r)
{
	for (; r->at < r->end; r->at++) {
		if (*r->at == '\n') {
			r->line++;
			r->line_start = r->at + 1;
		} else if (*r->at != ' ' && *r->at != '\t' && *r->at != '\r') {
			return;
		}
	}
}

static bool take_word(struct reader *r, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(r->end - r->at) < len || memcmp(r->at, word, len) != 0)
		return false;
	r->at += len;
	return true;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int skip_digits(struct reader *r)
{
	if (!is_digit(peek(r)))
		return unexpected(r, "a digit");
	while (is_digit(peek(r)))
		r->at++;
	return 0;
}

static int read_number(struct reader *r, struct json *v)
{
	const char *start = r->at;
	size_t len;
	char *text;
	int ret;

	if (peek(r) == '-')
		r->at++;
	if (peek(r) == '0') /* stands alone: 012 is no number */
		r->at++;
	else if ((ret = skip_digits(r)))
		return ret;
	if (peek(r) == '.') {
		r->at++;
		if ((ret = skip_digits(r)))
			return ret;
	}
	if (peek(r) == 'e' || peek(r) == 'E') {
		r->at++;
		if (peek(r) == '+' || peek(r) == '-')
			r->at++;
		if ((ret = skip_digits(r)))
			return ret;
	}
	len = (size_t)(r->at - start);
	text = take(r, len + 1);
	if (!text)
		return -ENOMEM;
	memcpy(text, start, len);
	text[len] = '\0';
	v->type = JSON_NUMBER;
	v->text = text;
	return 0;
}

/* The four digits behind \u. */
static int read_hex4(struct reader *r, uint32_t *c)
{
	*c = 0;
	for (unsigned i = 0; i < 4; i++, r->at++) {
		char d = peek(r);

		if (is_digit(d))
			*c = *c << 4 | (uint32_t)(d - '0');
		else if ((d >= 'a' && d <= 'f') || (d >= 'A' && d <= 'F'))
			*c = *c << 4 | (uint32_t)((d & ~0x20) - 'A' + 10);
		else
			return unexpected(r, "a hexadecimal digit");
	}
	return 0;
}

/* What follows a backslash; appends the character to @to. */
static int read_escape(struct reader *r, char *to, size_t *n)
{
	static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	char letter = peek(r);
	const char *known = letter ? strchr(letters, letter) : NULL;
	uint32_t c, low;
	int ret;

	if (known) {
		to[(*n)++] = meant[known - letters];
		r->at++;
		return 0;
	}
	if (letter != 'u')
		return unexpected(r, "one of \"\\/bfnrtu");
	r->at++;
	if ((ret = read_hex4(r, &c)))
		return ret;
	if (c == 0)
		return fail(r, "\\u0000 in a string is refused");
	if (c >= 0xdc00 && c < 0xe000)
		return fail(r, "the second half of a surrogate pair without the first");
	if (c >= 0xd800 && c < 0xdc00) {
		if (!take_word(r, "\\u"))
			return fail(r, "half a surrogate pair");
		if ((ret = read_hex4(r, &low)))
			return ret;
		if (low < 0xdc00 || low >= 0xe000)
			return fail(r, "half a surrogate pair");
		c = 0x10000 + ((c - 0xd800) << 10 | (low - 0xdc00));
	}
	*n += utf8_put(to + *n, c);
	return 0;
}

/* The end of the string that begins at r->at, without looking at what is inside; or NULL. */
static const char *string_end(const struct reader *r)
{
	bool escaped = false;

	for (const char *p = r->at; p < r->end; p++) {
		if (*p == '"' && !escaped)
			return p;
		escaped = *p == '\\' && !escaped;
	}
	return NULL;
}

static int read_string(struct reader *r, const char **s)
{
	const char *end;
	char *text;
	size_t n = 0;
	int ret;

	if (peek(r) != '"')
		return unexpected(r, "a string");
	r->at++;
	end = string_end(r);
	if (!end)
		return fail(r, "this string does not end");
	text = take(r, (size_t)(end - r->at) + 1); /* decoding never makes it longer */
	if (!text)
		return -ENOMEM;
	while (r->at < end) {
		size_t len;

		if (*r->at == '\\') {
			r->at++;
			if ((ret = read_escape(r, text, &n)))
				return ret;
			continue;
		}
		if ((uint8_t)*r->at < ' ')
			return fail(r, "a control character in a string wants to be \\u....");
		len = utf8_len(r->at, (size_t)(end - r->at));
		if (!len)
			return fail(r, "this is not UTF-8");
		memcpy(text + n, r->at, len);
		n += len;
		r->at += len;
	}
	text[n] = '\0';
	r->at = end + 1;
	*s = text;
	return 0;
}

static int read_value(struct reader *r, struct json *v);

/* One value inside an array or object. */
static struct json *new_value(struct reader *r)
{
	struct json *v;

	if (++r->values > JSON_MAX_VALUES) {
		(void)fail(r, "too many values");
		return NULL;
	}
	v = take(r, sizeof(*v));
	if (v)
		*v = (struct json){ 0 };
	return v;
}

static int read_member_name(struct reader *r, const struct json *object, unsigned count,
			    struct json *v)
{
	struct reader start = *r;
	int ret;

	if (count > JSON_MAX_MEMBERS)
		return fail(r, "too many members in one object");
	if ((ret = read_string(r, &v->name)))
		return ret;
	if (json_get(object, v->name)) {
		char what[128];

		(void)snprintf(what, sizeof(what), "%s is there twice", text_quote(v->name).s);
		return fail(&start, what);
	}
	skip_blanks(r);
	if (peek(r) != ':')
		return unexpected(r, "':'");
	r->at++;
	skip_blanks(r);
	return 0;
}

/* What is between the brackets, and the closing one. */
static int read_items(struct reader *r, struct json *v, char close)
{
	const struct json **link = &v->first;
	int ret;

	r->at++;
	skip_blanks(r);
	if (peek(r) == close) {
		r->at++;
		return 0;
	}
	for (unsigned count = 1;; count++) {
		struct json *item = new_value(r);

		if (!item)
			return -r->e->code;
		if (v->type == JSON_OBJECT && (ret = read_member_name(r, v, count, item)))
			return ret;
		if ((ret = read_value(r, item)))
			return ret;
		*link = item;
		link = &item->next;
		skip_blanks(r);
		if (peek(r) == close) {
			r->at++;
			return 0;
		}
		if (peek(r) != ',')
			return unexpected(r, close == '}' ? "',' or '}'" : "',' or ']'");
		r->at++;
		skip_blanks(r);
	}
}

static int read_value(struct reader *r, struct json *v)
{
	int ret;

	v->line = r->line;
	v->column = column(r);
	switch (peek(r)) {
	case '{':
	case '[':
		if (r->depth == JSON_MAX_DEPTH)
			return fail(r, "too many arrays and objects in each other");
		r->depth++;
		v->type = peek(r) == '{' ? JSON_OBJECT : JSON_ARRAY;
		ret = read_items(r, v, v->type == JSON_OBJECT ? '}' : ']');
		r->depth--;
		return ret;
	case '"':
		v->type = JSON_STRING;
		return read_string(r, &v->text);
	case '-':
	case '0' ... '9':
		return read_number(r, v);
	default:
		v->type = JSON_BOOL;
		v->boolean = true;
		if (take_word(r, "true"))
			return 0;
		v->boolean = false;
		if (take_word(r, "false"))
			return 0;
		v->type = JSON_NULL;
		return take_word(r, "null") ? 0 : unexpected(r, "a value");
	}
}

struct json *json_parse(const char *text, size_t len, struct err *e)
{
	struct err ignored;
	struct reader r = { .at = text, .end = text + len, .line_start = text, .line = 1 };

	r.e = e ? e : &ignored;
	if (len > JSON_MAX_BYTES) {
		(void)err_set(r.e, EFBIG, "%zu bytes are more than the %d that are read", len,
			      JSON_MAX_BYTES);
		return NULL;
	}
	r.doc = calloc(1, sizeof(*r.doc));
	if (!r.doc) {
		(void)err_set(r.e, ENOMEM, "out of memory");
		return NULL;
	}
	skip_blanks(&r);
	if (read_value(&r, &r.doc->root) == 0) {
		skip_blanks(&r);
		if (r.at == r.end)
			return &r.doc->root;
		(void)unexpected(&r, "the end");
	}
	free_document(r.doc);
	return NULL;
}

const struct json *json_get(const struct json *object, const char *name)
{
	if (object->type != JSON_OBJECT)
		return NULL;
	for (const struct json *m = object->first; m; m = m->next)
		if (strcmp(m->name, name) == 0)
			return m;
	return NULL;
}

const char *json_type_name(enum json_type type)
{
	static const char *const names[] = {
		[JSON_NULL] = "null",	    [JSON_BOOL] = "true or false",
		[JSON_NUMBER] = "a number", [JSON_STRING] = "a string",
		[JSON_ARRAY] = "an array",  [JSON_OBJECT] = "an object",
	};

	return names[type];
}

/* --- the writer ----------------------------------------------------------------------------- */

void json_start(struct json_writer *w, FILE *out)
{
	*w = (struct json_writer){ .out = out, .empty = true };
}

void json_start_line(struct json_writer *w, FILE *out)
{
	*w = (struct json_writer){ .out = out, .empty = true, .one_line = true };
}

static void put_string(struct json_writer *w, const char *s)
{
	(void)fputc('"', w->out);
	while (*s) {
		size_t len = utf8_len(s, 4); /* the NUL stops it in time */

		if (len == 0) {
			w->code = w->code ? w->code : EILSEQ;
			(void)fputs("\xef\xbf\xbd", w->out); /* U+FFFD, the replacement */
			len = 1;
		} else if (*s == '"' || *s == '\\') {
			(void)fprintf(w->out, "\\%c", *s);
		} else if (*s == '\n') {
			(void)fputs("\\n", w->out);
		} else if (len == 1 && (*s < ' ' || *s == 0x7f)) {
			(void)fprintf(w->out, "\\u%04x", (unsigned)*s);
		} else {
			(void)fwrite(s, 1, len, w->out);
		}
		s += len;
	}
	(void)fputc('"', w->out);
}

static void new_line(const struct json_writer *w)
{
	if (!w->one_line)
		(void)fprintf(w->out, "\n%*s", (int)(2 * w->depth), "");
}

/* What stands before every value: a comma, a line of its own, its name. */
static void begin_value(struct json_writer *w, const char *name)
{
	assert(w->depth == 0 || (name == NULL) == (w->arrays >> w->depth & 1));
	if (w->depth) {
		if (!w->empty)
			(void)fputc(',', w->out);
		new_line(w);
	}
	w->empty = false;
	if (name) {
		put_string(w, name);
		(void)fputs(w->one_line ? ":" : ": ", w->out);
	}
}

static void open_value(struct json_writer *w, const char *name, bool array)
{
	begin_value(w, name);
	assert(w->depth < JSON_MAX_DEPTH);
	w->depth++;
	w->arrays = (w->arrays & ~(1ULL << w->depth)) | (uint64_t)array << w->depth;
	w->empty = true;
	(void)fputc(array ? '[' : '{', w->out);
}

void json_object(struct json_writer *w, const char *name)
{
	open_value(w, name, false);
}

void json_array(struct json_writer *w, const char *name)
{
	open_value(w, name, true);
}

void json_end(struct json_writer *w)
{
	bool array = w->arrays >> w->depth & 1;

	assert(w->depth > 0);
	w->depth--;
	if (!w->empty)
		new_line(w);
	w->empty = false;
	(void)fputc(array ? ']' : '}', w->out);
}

void json_bool(struct json_writer *w, const char *name, bool v)
{
	begin_value(w, name);
	(void)fputs(v ? "true" : "false", w->out);
}

void json_u64(struct json_writer *w, const char *name, uint64_t v)
{
	begin_value(w, name);
	(void)fprintf(w->out, "%" PRIu64, v);
}

void json_i64(struct json_writer *w, const char *name, int64_t v)
{
	begin_value(w, name);
	(void)fprintf(w->out, "%" PRId64, v);
}

void json_string(struct json_writer *w, const char *name, const char *v)
{
	begin_value(w, name);
	put_string(w, v);
}

void json_printf(struct json_writer *w, const char *name, const char *fmt, ...)
{
	auto_free char *text = NULL;
	va_list va;
	int n;

	va_start(va, fmt);
	n = vasprintf(&text, fmt, va);
	va_end(va);
	if (n < 0) {
		text = NULL; /* unspecified by then */
		w->code = w->code ? w->code : ENOMEM;
	}
	json_string(w, name, text ? text : "");
}

void json_null(struct json_writer *w, const char *name)
{
	begin_value(w, name);
	(void)fputs("null", w->out);
}

int json_finish(struct json_writer *w, struct err *e)
{
	assert(w->depth == 0);
	(void)fputc('\n', w->out);
	if (fflush(w->out) != 0)
		return err_sys(e, "write");
	if (ferror(w->out))
		return err_set(e, EIO, "write: an earlier part failed");
	if (w->code == EILSEQ)
		return err_set(e, EILSEQ, "a string is not UTF-8, which JSON cannot hold");
	return w->code ? err_set(e, w->code, "out of memory") : 0;
}
