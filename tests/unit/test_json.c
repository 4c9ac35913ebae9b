/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/json_copy.h"
#include "tests/lib/test.h"

#include <errno.h>
#include <stdlib.h>

static struct json *parse(const char *text, struct err *e)
{
	/* A copy on the heap without a NUL, so that a sanitizer sees a read beyond the end. */
	size_t len = strlen(text);
	char *copy = malloc(len ? len : 1);
	struct json *v;

	EXPECT(copy != NULL);
	memcpy(copy, text, len);
	v = json_parse(copy, len, e);
	free(copy);
	return v;
}

static void refused(const char *text, const char *why)
{
	struct err e = { 0 };
	struct json *v = parse(text, &e);

	if (v)
		test_fail(__FILE__, __LINE__, "%s was taken", text);
	EXPECT_HAS(e.text, why);
	EXPECT(e.code > 0);
}

TEST(json_reads_every_kind_of_value_and_where_it_stood)
{
	static const char text[] =
		" {\"a\": [1, -2.5e+3, true, false, null],\n"
		"  \"b\": {\"c\": \"x\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\"}}\n";
	struct err e;
	struct json *v = parse(text, &e);
	const struct json *a, *c;

	EXPECT(v != NULL);
	EXPECT_EQ(v->type, JSON_OBJECT);
	a = json_get(v, "a");
	EXPECT_EQ(a->type, JSON_ARRAY);
	a = a->first;
	EXPECT_STR(a->text, "1");
	a = a->next;
	EXPECT_EQ(a->type, JSON_NUMBER);
	EXPECT_STR(a->text, "-2.5e+3");
	a = a->next;
	EXPECT(a->type == JSON_BOOL && a->boolean);
	a = a->next;
	EXPECT(a->type == JSON_BOOL && !a->boolean);
	a = a->next;
	EXPECT(a->type == JSON_NULL && !a->next);
	c = json_get(json_get(v, "b"), "c");
	EXPECT_STR(c->text, "x\"\\/\b\f\n\r\t\xc3\xa9\xf0\x9f\x98\x80");
	EXPECT_EQ(c->line, 2);
	EXPECT_EQ(c->column, 14);
	EXPECT(json_get(v, "nothing") == NULL);
	json_free(v);
	json_free(NULL);
}

TEST(json_refuses_what_is_not_json_and_says_where)
{
	refused("", "line 1, column 1: the text ends where a value should come");
	refused("  \n ", "line 2, column 2");
	refused("{", "the text ends where a string should come");
	refused("{\n\"a\" 1}", "line 2, column 5: '1' where ':' should come");
	refused("{\"a\":1,}", "'}' where a string should come");
	refused("[1,]", "']' where a value should come");
	refused("[1 2]", "'2' where ',' or ']' should come");
	refused("{\"a\":1]", "']' where ',' or '}' should come");
	refused("1 2", "'2' where the end should come");
	refused("tru", "where a value should come");
	refused("truex", "where the end should come");
	refused("'a'", "where a value should come");
	refused("01", "where the end should come");
	refused("-", "where a digit should come");
	refused("1.", "where a digit should come");
	refused("1e", "where a digit should come");
	refused(".5", "where a value should come");
	refused("+1", "where a value should come");
	refused("0x10", "where the end should come");
	refused("NaN", "where a value should come");
	refused("\xef\xbb\xbf{}", "byte 0xef where a value should come");
	refused("{} // no", "where the end should come");
}

TEST(json_refuses_strings_that_are_not_text)
{
	refused("\"abc", "does not end");
	refused("\"abc\\\"", "does not end");
	refused("\"\\", "does not end");
	refused("\"a\nb\"", "control character");
	refused("\"\\x\"", "where one of");
	refused("\"\\u12\"", "hexadecimal digit");
	refused("\"\\u0000\"", "\\u0000");
	refused("\"\\ud800\"", "surrogate");
	refused("\"\\ud800\\u0041\"", "surrogate");
	refused("\"\\udc00\"", "surrogate");
	refused("\"\x80\"", "not UTF-8");
	refused("\"\xc0\xaf\"", "not UTF-8");	      /* overlong */
	refused("\"\xe0\x80\xaf\"", "not UTF-8");     /* overlong */
	refused("\"\xed\xa0\x80\"", "not UTF-8");     /* a surrogate */
	refused("\"\xf4\x90\x80\x80\"", "not UTF-8"); /* beyond the last character */
	refused("\"\xf0\x9f\x98\"", "not UTF-8");     /* cut off by the quote */
	refused("\"\xff\"", "not UTF-8");
}

TEST(json_refuses_a_member_that_comes_twice)
{
	refused("{\"a\":1,\"b\":2,\n\"a\":3}", "line 2, column 1: 'a' is there twice");
	refused("{\"a\":1,\"\\u0061\":3}", "'a' is there twice");
}

TEST(json_refuses_a_nul_in_the_text)
{
	static const char text[] = "{}\0";
	struct err e;

	EXPECT(json_parse(text, 3, &e) == NULL);
	EXPECT_HAS(e.text, "byte 0x00");
}

TEST(json_bounds_depth_members_values_and_size)
{
	const size_t size = JSON_MAX_BYTES + 1;
	char *text = malloc(size);
	size_t n = 0;
	struct json *v;
	struct err e;

	EXPECT(text != NULL);
	memset(text, '[', size);
	EXPECT(json_parse(text, size - 1, &e) == NULL);
	EXPECT_HAS(e.text, "too many arrays and objects");
	EXPECT(json_parse(text, size, &e) == NULL);
	EXPECT_EQ(e.code, EFBIG);
	memset(text + JSON_MAX_DEPTH, ']', JSON_MAX_DEPTH);
	v = json_parse(text, 2 * JSON_MAX_DEPTH, &e);
	EXPECT(v != NULL);
	json_free(v);

	memset(text, ' ', size);
	text[0] = '[';
	for (size_t i = 1; i < size; i += 2) {
		text[i] = '1';
		text[i + 1] = ',';
	}
	EXPECT(json_parse(text, size - 1, &e) == NULL);
	EXPECT_HAS(e.text, "too many values");

	text[n++] = '{';
	for (unsigned i = 0; i <= JSON_MAX_MEMBERS; i++)
		n += (size_t)snprintf(text + n, size - n, "%s\"%u\":0", i ? "," : "", i);
	text[n++] = '}';
	EXPECT(json_parse(text, n, &e) == NULL);
	EXPECT_HAS(e.text, "too many members");
	free(text);
}

static const char sample[] = "{\n"
			     "  \"a\": [\n"
			     "    1,\n"
			     "    {},\n"
			     "    []\n"
			     "  ],\n"
			     "  \"q\\\"\\\\\": \"\xe2\x82\xac\\n\\u0001\",\n"
			     "  \"t\": true,\n"
			     "  \"n\": null\n"
			     "}\n";

TEST(json_writes_what_it_reads)
{
	struct json_writer w;
	char *out = NULL;
	size_t size = 0;
	struct json *v;
	struct err e;
	FILE *f = open_memstream(&out, &size);

	v = parse(sample, &e);
	EXPECT(v && f);
	json_start(&w, f);
	json_copy(&w, v);
	EXPECT_EQ(json_finish(&w, &e), 0);
	(void)fclose(f);
	EXPECT_STR(out, sample);
	json_free(v);
	free(out);
}

TEST(json_writes_a_value_on_one_line_when_asked)
{
	static const char wanted[] = "{\"a\":[1,{},[]],\"q\\\"\\\\\":\"\xe2\x82\xac\\n\\u0001\","
				     "\"t\":true,\"n\":null,\"i\":-1,\"s\":\"a: b, c\"}\n";
	struct json_writer w;
	char *out = NULL;
	size_t size = 0;
	struct json *v;
	struct err e;
	FILE *f = open_memstream(&out, &size);

	EXPECT(f != NULL);
	json_start_line(&w, f);
	json_object(&w, NULL);
	v = parse(sample, &e);
	EXPECT(v != NULL);
	for (const struct json *m = v->first; m; m = m->next)
		json_copy(&w, m);
	json_free(v);
	json_i64(&w, "i", -1);
	json_string(&w, "s", "a: b, c");
	json_end(&w);
	EXPECT_EQ(json_finish(&w, &e), 0);
	(void)fclose(f);
	EXPECT_STR(out, wanted);
	v = parse(out, &e);
	EXPECT(v != NULL);
	EXPECT_STR(json_get(v, "i")->text, "-1");
	json_free(v);
	free(out);
}

TEST(json_writer_tells_of_bytes_that_are_not_text_and_of_a_full_disk)
{
	struct json_writer w;
	char *out = NULL;
	size_t size = 0;
	struct err e;
	FILE *f = open_memstream(&out, &size);

	json_start(&w, f);
	json_string(&w, NULL, "a\xff\xe2");
	EXPECT_EQ(json_finish(&w, &e), -EILSEQ);
	(void)fclose(f);
	EXPECT_STR(out, "\"a\xef\xbf\xbd\xef\xbf\xbd\"\n"); /* and is valid all the same */
	free(out);

	f = fopen("/dev/full", "w");
	EXPECT(f != NULL);
	json_start(&w, f);
	json_printf(&w, NULL, "%d", 1);
	EXPECT_EQ(json_finish(&w, &e), -ENOSPC);
	(void)fclose(f);
}

static uint32_t seed = 12345;

static uint32_t any(void)
{
	seed = seed * 1664525 + 1013904223;
	return seed >> 8;
}

TEST(json_survives_every_truncation_and_many_flips)
{
	static const char text[] =
		"{\"a\": [1, -2.5e+3, true, null, \"\\ud83d\\ude00\\n\xe2\x82\xac\"], \"b\": {}}";
	const size_t len = sizeof(text) - 1;
	struct err e;

	for (size_t n = 0; n < len; n++) {
		char *cut = malloc(n ? n : 1);

		EXPECT(cut != NULL);
		memcpy(cut, text, n);
		EXPECT(json_parse(cut, n, &e) == NULL); /* a part of an object is none */
		free(cut);
	}
	for (unsigned round = 0; round < 100000; round++) {
		char *bad = malloc(len);
		struct json *v;

		EXPECT(bad != NULL);
		memcpy(bad, text, len);
		for (unsigned i = any() % 4 + 1; i; i--)
			bad[any() % len] = any() % 2 ? (char)any() : text[any() % len];
		e.text[0] = '\0';
		v = json_parse(bad, len, &e);
		EXPECT(v || e.text[0]);
		json_free(v);
		free(bad);
	}
}

TEST_MAIN(T(json_reads_every_kind_of_value_and_where_it_stood),
	  T(json_refuses_what_is_not_json_and_says_where),
	  T(json_refuses_strings_that_are_not_text), T(json_refuses_a_member_that_comes_twice),
	  T(json_refuses_a_nul_in_the_text), T(json_bounds_depth_members_values_and_size),
	  T(json_writes_what_it_reads), T(json_writes_a_value_on_one_line_when_asked),
	  T(json_writer_tells_of_bytes_that_are_not_text_and_of_a_full_disk),
	  T(json_survives_every_truncation_and_many_flips))
