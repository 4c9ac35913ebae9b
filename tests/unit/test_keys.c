/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"
#include "vmm/base/args.h"
#include "vmm/base/keys.h"
#include "vmm/base/scope.h"
#include "vmm/base/text.h"

#include <errno.h>
#include <stdlib.h>

struct inner {
	char *path;
	uint32_t queues;
	bool ro;
};

struct outer {
	bool flag;
	uint32_t count, number;
	uint64_t size;
	char *text, *must, *path;
	int choice, kind;
	struct key_list list;
	struct inner in;
	struct key_objects disks;
};

static const char *const colours[] = { "red", "green", NULL };
static const char *const kinds[] = { "none", "file:PATH", NULL };

static const struct key inner_keys[] = {
	{ .name = "path",
	  .arg = "FILE",
	  .type = KEY_STR,
	  .required = true,
	  .min = 1,
	  .offset = offsetof(struct inner, path) },
	{ .name = "queues",
	  .arg = "N",
	  .type = KEY_U32,
	  .min = 1,
	  .max = 16,
	  .offset = offsetof(struct inner, queues) },
	{ .name = "ro", .type = KEY_BOOL, .offset = offsetof(struct inner, ro) },
	{ 0 },
};

/* The same, where the path may come first without its name. */
static const struct key disk_keys[] = {
	{ .name = "path",
	  .arg = "FILE",
	  .type = KEY_STR,
	  .required = true,
	  .unnamed = true,
	  .min = 1,
	  .offset = offsetof(struct inner, path) },
	{ .name = "queues",
	  .arg = "N",
	  .type = KEY_U32,
	  .max = 16,
	  .offset = offsetof(struct inner, queues) },
	{ .name = "ro", .type = KEY_BOOL, .offset = offsetof(struct inner, ro) },
	{ 0 },
};

static const struct inner disk_defaults = { .queues = 7 };

static const struct key outer_keys[] = {
	{ .name = "flag", .letter = 'f', .type = KEY_BOOL, .offset = offsetof(struct outer, flag) },
	{ .name = "count",
	  .letter = 'c',
	  .type = KEY_COUNT,
	  .max = 3,
	  .offset = offsetof(struct outer, count) },
	{ .name = "number",
	  .letter = 'n',
	  .arg = "N",
	  .type = KEY_U32,
	  .step = 2,
	  .offset = offsetof(struct outer, number) },
	{ .name = "size",
	  .letter = 's',
	  .arg = "SIZE",
	  .type = KEY_SIZE,
	  .min = 2 * MiB,
	  .max = 16 * 1024 * GiB,
	  .offset = offsetof(struct outer, size) },
	{ .name = "text",
	  .letter = 't',
	  .arg = "TEXT",
	  .type = KEY_STR,
	  .offset = offsetof(struct outer, text) },
	{ .name = "must",
	  .arg = "TEXT",
	  .type = KEY_STR,
	  .required = true,
	  .offset = offsetof(struct outer, must) },
	{ .name = "choice",
	  .type = KEY_CHOICE,
	  .choices = colours,
	  .offset = offsetof(struct outer, choice) },
	{ .name = "kind",
	  .type = KEY_KIND,
	  .choices = kinds,
	  .offset = offsetof(struct outer, kind),
	  .path_offset = offsetof(struct outer, path) },
	{ .name = "list",
	  .arg = "FILE",
	  .type = KEY_LIST,
	  .min = 1,
	  .offset = offsetof(struct outer, list) },
	{ .name = "in",
	  .arg = "KEY=VALUE,...",
	  .type = KEY_OBJECT,
	  .keys = inner_keys,
	  .offset = offsetof(struct outer, in) },
	{ .name = "disk",
	  .arg = "KEY=VALUE,...",
	  .type = KEY_OBJECTS,
	  .max = 3,
	  .keys = disk_keys,
	  .size = sizeof(struct inner),
	  .defaults = &disk_defaults,
	  .offset = offsetof(struct outer, disks) },
	{ 0 },
};

/* Reads the arguments up to NULL into @o. */
static int args(struct outer *o, struct err *e, const char *const *argv)
{
	const struct args_into into[] = { { outer_keys, o }, { 0 } };
	char *copy[16] = { NULL };
	int argc = 0, ret;

	for (; argv[argc]; argc++)
		copy[argc] = strdup(argv[argc]);
	ret = args_parse(into, argc, copy, "use --text", e);
	while (argc)
		free(copy[--argc]);
	return ret;
}

#define ARGS(o, e, ...) args((o), (e), (const char *const[]){ __VA_ARGS__, NULL })

static void refused(const char *sentence, const char *const *argv)
{
	struct outer o = { 0 };
	struct err e = { 0 };

	EXPECT_EQ(args(&o, &e, argv), -EINVAL);
	EXPECT_STR(e.text, sentence);
	keys_free(outer_keys, &o);
}

/* The arguments must be refused with this sentence. */
#define REFUSED(sentence, ...) refused(sentence, (const char *const[]){ __VA_ARGS__, NULL })

static int json(struct outer *o, const char *text, struct err *e)
{
	struct json *v = json_parse(text, strlen(text), e);
	int ret;

	if (!v)
		return -e->code;
	ret = keys_from_json(outer_keys, o, v, e);
	json_free(v);
	return ret;
}

TEST(numbers_are_read_whole_or_not_at_all)
{
	static const char *const bad[] = { "",
					   " 1",
					   "1 ",
					   "-1",
					   "+1",
					   "0x",
					   "1.5",
					   "1k5",
					   "x",
					   "0b1",
					   "18446744073709551616",
					   "0x10000000000000000" };
	uint64_t v;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (text_u64(bad[i], &v) || text_size(bad[i], &v))
			test_fail(__FILE__, __LINE__, "'%s' was taken", bad[i]);
	EXPECT(text_u64("18446744073709551615", &v) && v == UINT64_MAX);
	EXPECT(text_u64("0xFFFFFFFFFFFFFFFF", &v) && v == UINT64_MAX);
	EXPECT(text_u64("010", &v) && v == 10); /* never octal */
	EXPECT(!text_u64("1K", &v));
}

TEST(sizes_have_suffixes_and_do_not_wrap)
{
	uint64_t v;

	EXPECT(text_size("1K", &v) && v == 1024);
	EXPECT(text_size("3m", &v) && v == 3 * MiB);
	EXPECT(text_size("2G", &v) && v == 2 * GiB);
	EXPECT(text_size("16777215T", &v) && v == 16777215ULL * 1024 * GiB);
	EXPECT(!text_size("16777216T", &v));
	EXPECT(!text_size("1P", &v));
	EXPECT(!text_size("K", &v));
	EXPECT(!text_size("1KK", &v));
	EXPECT(!text_size("1KB", &v));
	EXPECT(!text_size("0x1K", &v));
	EXPECT(!text_size("1 ", &v));
	EXPECT_STR(text_of_size(512 * MiB).s, "512M");
	EXPECT_STR(text_of_size(1536 * KiB).s, "1536K");
	EXPECT_STR(text_of_size(1000).s, "1000");
	EXPECT_STR(text_of_size(0).s, "0");
	EXPECT_STR(text_of_size(4096 * 1024 * GiB).s, "4096T");
}

TEST(quoting_cuts_and_defuses)
{
	char text[300];

	EXPECT_STR(text_quote("a b").s, "'a b'");
	EXPECT_STR(text_quote("\x1b[2J\n.\xff").s, "'?[2J?.?'");
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	EXPECT_EQ(strlen(text_quote(text).s), sizeof(struct text) - 1);
	EXPECT_HAS(text_quote(text).s, "xxx...'");
	text[66] = '\0';
	EXPECT_EQ(strlen(text_quote(text).s), 68); /* fits as it is */
}

static const char *guess(const char *typed)
{
	struct text_guess g = { 0 };

	for (const struct key *k = outer_keys; k->type != KEY_END; k++)
		text_guess(&g, typed, k->name);
	return g.name ? g.name : "";
}

TEST(guesses_what_was_meant_and_nothing_far)
{
	EXPECT_STR(guess("nubmer"), "number");
	EXPECT_STR(guess("sizes"), "size");
	EXPECT_STR(guess("num"), "number");
	EXPECT_STR(guess("flg"), "flag");
	EXPECT_STR(guess("flga"), "flag");
	EXPECT_STR(guess("zzzz"), "");
	EXPECT_STR(guess("flux"), "");
	EXPECT_STR(guess("in"), "in");
	EXPECT_STR(guess("an"), ""); /* half of so short a name is no hint */
	EXPECT_STR(guess("fin"), "");
	EXPECT_STR(guess(""), "");
	EXPECT_STR(guess("numbernumbernumbernumbernumbernumbernumber"), "");
}

TEST(options_are_read_in_every_form)
{
	struct outer o = { .number = 7 };
	struct err e;

	EXPECT_EQ(ARGS(&o, &e, "--flag", "--size=4M", "-t", "--odd", "--choice", "green", "-ccn4",
		       "--kind", "file:a:b", "--in", "path=x,,y,ro,queues=0x10"),
		  0);
	EXPECT(o.flag);
	EXPECT_EQ(o.size, 4 * MiB);
	EXPECT_STR(o.text, "--odd"); /* the word behind an option is its value */
	EXPECT_EQ(o.choice, 1);
	EXPECT_EQ(o.count, 2);
	EXPECT_EQ(o.number, 4);
	EXPECT_EQ(o.kind, 1);
	EXPECT_STR(o.path, "a:b");
	EXPECT_STR(o.in.path, "x,y");
	EXPECT(o.in.ro);
	EXPECT_EQ(o.in.queues, 16);
	EXPECT(keys_missing(outer_keys, &o) == keys_find(outer_keys, "must"));
	EXPECT_EQ(ARGS(&o, &e, "--flag=off", "-t", "", "--kind=none", "--must=", "-cccc"), 0);
	EXPECT(!o.flag);
	EXPECT_STR(o.text, "");
	EXPECT(o.path == NULL);
	EXPECT_EQ(o.count, 3);	/* as many as count */
	EXPECT_EQ(o.number, 4); /* not mentioned: stays */
	EXPECT(keys_missing(outer_keys, &o) == NULL);
	keys_free(outer_keys, &o);
	EXPECT(o.text == NULL && o.in.path == NULL && o.must == NULL);
	keys_free(outer_keys, &o);
}

TEST(options_of_a_table_that_is_not_wanted_are_known_and_skipped)
{
	struct inner in = { 0 };
	const struct args_into into[] = { { outer_keys, NULL }, { inner_keys, &in }, { 0 } };
	char a0[] = "--size", a1[] = "nonsense", a2[] = "--queues=3", a3[] = "--size=4";
	char *const argv[] = { a0, a1, a2, a3 };
	struct err e;

	EXPECT_EQ(args_parse(into, 3, argv, "", &e), 0);
	EXPECT_EQ(in.queues, 3);
	EXPECT_EQ(args_parse(into, 4, argv, "", &e), -EINVAL);
	EXPECT_STR(e.text, "--size is there twice; write it once");
}

TEST(wrong_options_are_told_with_name_value_and_bound)
{
	REFUSED("--size: '12Q' is not a size from 2M to 16T; write a number with K, M, G or T",
		"--size", "12Q");
	REFUSED("--size: '1M' is not a size from 2M to 16T; write a number with K, M, G or T",
		"-s1M");
	REFUSED("--number: '-2' is not a number from 0 to 4294967295", "-n", "-2");
	REFUSED("--number: '4294967296' is not a number from 0 to 4294967295", "-n4294967296");
	REFUSED("--number: '3' is not a multiple of 2", "--number=3");
	REFUSED("--count: '4' is not a number from 0 to 3", "--count=4");
	REFUSED("--flag: 'maybe' is neither on nor off", "--flag=maybe");
	REFUSED("--choice: 'blue' is not one of red, green", "--choice", "blue");
	REFUSED("--choice: '' is not one of red, green", "--choice=");
	REFUSED("--kind: 'file' needs a path; write file:PATH", "--kind", "file");
	REFUSED("--kind: 'file:' needs a path; write file:PATH", "--kind", "file:");
	REFUSED("--kind: none takes nothing behind it; write none", "--kind", "none:");
	REFUSED("--kind: 'fil:x' is not one of none, file:PATH", "--kind", "fil:x");
	REFUSED("--in: queues: '17' is not a number from 1 to 16", "--in", "path=a,queues=17");
	REFUSED("--in: path: '' is not a FILE; leave it out when there is none", "--in=path=");
}

TEST(unknown_repeated_and_missing_options_are_errors)
{
	REFUSED("'--sise' is not an option; did you mean --size?", "--sise", "1");
	REFUSED("'--sise' is not an option; did you mean --size?", "--sise=1");
	REFUSED("'--xyzzy' is not an option; --help lists them", "--xyzzy");
	REFUSED("'-x' is not an option; --help lists them", "-fx");
	REFUSED("'-?' is not an option; --help lists them", "-\x1b");
	REFUSED("--size needs a value; write --size SIZE", "--size");
	REFUSED("--choice needs a value; write --choice red|green", "--choice");
	REFUSED("--number needs a value; write --number N", "-fn");
	REFUSED("--flag is there twice; write it once", "-f", "--flag=off");
	REFUSED("'word' belongs to no option; use --text", "-f", "word");
	REFUSED("'-' belongs to no option; use --text", "-");
	REFUSED("'--' belongs to no option; use --text", "--", "-f");
	REFUSED("'' belongs to no option; use --text", "");
	REFUSED("'--' is not an option; --help lists them", "--=1");
	REFUSED("--in: path is missing; add path=FILE", "--in", "ro");
}

TEST(text_of_an_object_is_strict)
{
	REFUSED("--in: 'pth' is not known; did you mean path?", "--in", "pth=a");
	REFUSED("--in: 'zz' is not known; there are path, queues, ro", "--in", "path=a,zz");
	REFUSED("--in: 'frob' is not known; there are path, queues, ro", "--in", "path=a,frob=1");
	REFUSED("--in: 'rw' is not known; there are path, queues, ro", "--in", "path=a,rw");
	REFUSED("--in: path is there twice; write it once", "--in", "path=a,path=a");
	REFUSED("--in: path needs a value; write path=VALUE", "--in", "path");
	REFUSED("--in: a name is missing; write name=value,name=value", "--in", "");
	REFUSED("--in: a name is missing; write name=value,name=value", "--in", "path=a,");
	REFUSED("--in: a name is missing; write name=value,name=value", "--in", ",path=a");
	REFUSED("--in: a name is missing; write name=value,name=value", "--in", "=a");
}

TEST(a_string_may_mean_something_without_a_value)
{
	static const struct key keys[] = {
		{ .name = "path", .type = KEY_STR, .bare = "all", .offset = 0 },
		{ 0 },
	};
	char *path = NULL;
	struct err e;

	EXPECT_EQ(keys_from_text(keys, &path, "path", &e), 0);
	EXPECT_STR(path, "all");
	EXPECT_EQ(keys_from_text(keys, &path, "path=one", &e), 0);
	EXPECT_STR(path, "one");
	keys_free(keys, &path);
}

TEST(a_doubled_comma_belongs_to_the_value)
{
	static const struct {
		const char *text, *path;
	} t[] = { { "path=,,", "," },	    { "path=,,,,", ",," },  { "path=a,,,ro", "a," },
		  { "ro,path=a=b", "a=b" }, { "path=,,ro", ",ro" }, { "path=\"a\"", "\"a\"" } };
	struct err e;

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct inner in = { 0 };

		EXPECT_EQ(keys_from_text(inner_keys, &in, t[i].text, &e), 0);
		EXPECT_STR(in.path, t[i].path);
		keys_free(inner_keys, &in);
	}
}

TEST(json_sets_the_same_fields_with_the_same_bounds)
{
	struct outer o = { .number = 7 };
	struct err e;

	EXPECT_EQ(json(&o,
		       "{\"flag\":true,\"count\":2,\"size\":\"4M\",\"text\":\"a,b\",\"choice\":"
		       "\"green\","
		       "\"kind\":\"file:x\",\"in\":{\"path\":\"p\",\"queues\":3}}",
		       &e),
		  0);
	EXPECT(o.flag && o.count == 2 && o.size == 4 * MiB && o.choice == 1 && o.kind == 1);
	EXPECT(o.number == 7 && o.in.queues == 3);
	EXPECT_STR(o.text, "a,b");
	EXPECT_STR(o.path, "x");
	EXPECT_EQ(json(&o, "{\"size\":8388608,\"in\":{\"ro\":true}}", &e), 0); /* over the first */
	EXPECT_EQ(o.size, 8 * MiB);
	EXPECT_STR(o.in.path, "p");
	EXPECT(o.in.ro);
	keys_free(outer_keys, &o);
}

TEST(json_errors_say_where)
{
	static const struct {
		const char *text, *sentence;
	} t[] = {
		{ "[]", "line 1, column 1: an array where an object should be" },
		{ "{\n \"sise\": 1}",
		  "line 2, column 10: 'sise' is not known; did you mean size?" },
		{ "{\"size\": true}", "line 1, column 10: size: true or false where a number or a "
				      "string like \"512M\" should be" },
		{ "{\"number\": \"2\"}",
		  "line 1, column 12: number: a string where a number should be" },
		{ "{\"number\": 1e1}",
		  "line 1, column 12: number: '1e1' is not a number from 0 to 4294967295" },
		{ "{\"flag\": 1}",
		  "line 1, column 10: flag: a number where true or false should be" },
		{ "{\"text\": null}", "line 1, column 10: text: null where a string should be" },
		{ "{\"in\": {\"path\": \"a\",\n\"queues\": 0}}",
		  "line 2, column 11: in: queues: '0' is not a number from 1 to 16" },
		{ "{\"in\": {}}", "line 1, column 8: in: path is missing; add path=FILE" },
		{ "{\"in\": \"path=a\"}",
		  "line 1, column 8: in: a string where an object should be" },
		{ "{\"flag\": true, \"flag\": true}", "line 1, column 16: 'flag' is there twice" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct outer o = { 0 };
		struct err e = { 0 };

		EXPECT_EQ(json(&o, t[i].text, &e), -EINVAL);
		EXPECT_STR(e.text, t[i].sentence);
		keys_free(outer_keys, &o);
	}
}

TEST(what_is_written_as_json_reads_back)
{
	static const char want[] = "{\n"
				   "  \"flag\": false,\n"
				   "  \"count\": 1,\n"
				   "  \"number\": 4,\n"
				   "  \"size\": \"3M\",\n"
				   "  \"text\": \"\xc3\xa9\",\n"
				   "  \"choice\": \"green\",\n"
				   "  \"kind\": \"file:/a:b\",\n"
				   "  \"in\": {\n"
				   "    \"path\": \"x,y\",\n"
				   "    \"queues\": 2,\n"
				   "    \"ro\": true\n"
				   "  }\n"
				   "}\n";
	struct outer o = { 0 };
	struct err e;

	EXPECT_EQ(json(&o, want, &e), 0);
	for (unsigned round = 0; round < 2; round++) {
		struct json_writer w;
		char *out = NULL;
		size_t size = 0;
		FILE *f = open_memstream(&out, &size);

		json_start(&w, f);
		json_object(&w, NULL);
		keys_to_json(outer_keys, &o, &w);
		json_end(&w);
		EXPECT_EQ(json_finish(&w, &e), 0);
		(void)fclose(f);
		EXPECT_STR(out, want);
		keys_free(outer_keys, &o);
		EXPECT_EQ(json(&o, out, &e), 0);
		free(out);
	}
	keys_free(outer_keys, &o);
}

TEST(a_list_takes_one_more_each_time)
{
	struct outer o = { 0 };
	char many[] = "x";
	struct err e;

	EXPECT_EQ(ARGS(&o, &e, "--must", "m", "--list", "b,c", "--list=a"), 0);
	EXPECT_EQ(o.list.nr, 2);
	EXPECT_STR(o.list.at[0], "b,c");
	EXPECT_STR(o.list.at[1], "a");
	/* A file's list takes the place of what was there. */
	EXPECT_EQ(json(&o, "{\"list\":[\"d\"]}", &e), 0);
	EXPECT_EQ(o.list.nr, 1);
	EXPECT_STR(o.list.at[0], "d");
	EXPECT_EQ(json(&o, "{\"list\":[]}", &e), 0);
	EXPECT_EQ(o.list.nr, 0);
	EXPECT_EQ(json(&o, "{\"list\":\"d\"}", &e), -EINVAL);
	EXPECT_HAS(e.text, "list: a string where an array of strings should be");
	EXPECT_EQ(json(&o, "{\"list\":[\"d\",1]}", &e), -EINVAL);
	EXPECT_HAS(e.text, "a number where a string should be");
	for (size_t i = o.list.nr; i < KEY_LIST_MAX; i++)
		EXPECT_EQ(key_set(keys_find(outer_keys, "list"), &o, many, &e), 0);
	EXPECT_EQ(key_set(keys_find(outer_keys, "list"), &o, many, &e), -E2BIG);
	keys_free(outer_keys, &o);
	EXPECT_EQ(o.list.nr, 0);
	REFUSED("--list: '' is not a FILE; leave it out when there is none", "--list", "");
}

TEST(objects_come_one_by_one_in_order)
{
	struct outer o = { 0 };
	const struct inner *d;
	struct json_writer w;
	auto_free char *text = NULL;
	size_t len = 0;
	FILE *out;
	struct err e;

	EXPECT_EQ(ARGS(&o, &e, "--must=m", "--size=2M", "--in=path=p,queues=1", "--disk", "a,,b,ro",
		       "--disk=queues=2,path=ro"),
		  0);
	EXPECT_EQ(o.disks.nr, 2);
	d = o.disks.at;
	EXPECT_STR(d[0].path, "a,b");
	EXPECT_EQ(d[0].queues, 7);
	EXPECT_EQ(d[0].ro, true);
	EXPECT_STR(d[1].path, "ro");
	EXPECT_EQ(d[1].queues, 2);

	out = open_memstream(&text, &len);
	json_start(&w, out);
	json_object(&w, NULL);
	keys_to_json(outer_keys, &o, &w);
	json_end(&w);
	EXPECT_EQ(json_finish(&w, &e), 0);
	(void)fclose(out);
	keys_free(outer_keys, &o);
	EXPECT_EQ(o.disks.nr, 0);
	o = (struct outer){ 0 };
	EXPECT_EQ(json(&o, text, &e), 0);
	EXPECT_EQ(o.disks.nr, 2);
	d = o.disks.at;
	EXPECT_STR(d[1].path, "ro");
	EXPECT_EQ(d[0].ro, true);

	/* A file's list takes the place of what was there. */
	EXPECT_EQ(json(&o, "{\"disk\":[{\"path\":\"x\"}]}", &e), 0);
	EXPECT_EQ(o.disks.nr, 1);
	EXPECT_EQ(json(&o, "{\"disk\":[{\"path\":\"x\"},{\"ro\":true}]}", &e), -EINVAL);
	EXPECT_HAS(e.text, "line 1, column 23: disk: path is missing");
	EXPECT_EQ(json(&o, "{\"disk\":{\"path\":\"x\"}}", &e), -EINVAL);
	EXPECT_HAS(e.text, "disk: an object where an array of objects should be");
	keys_free(outer_keys, &o);

	REFUSED("--disk: path is missing; add path=FILE", "--disk", "ro");
	REFUSED("--disk: path is there twice; write it once", "--disk", "a,path=b");
	REFUSED("--disk: 'b' is not known; there are path, queues, ro", "--disk", "a,b");
	REFUSED("--disk: path: '' is not a FILE; leave it out when there is none", "--disk",
		"path=");
	REFUSED("--disk: one too many; there can be 3", "--disk", "a", "--disk", "b", "--disk", "c",
		"--disk", "d");
}

static uint32_t seed = 54321;

static uint32_t any(void)
{
	seed = seed * 1664525 + 1013904223;
	return seed >> 8;
}

TEST(hostile_text_is_refused_or_harmless)
{
	static const char text[] = "path=a,,b,queues=0x10,ro=off,ro,,=";
	static const char whole[] =
		"{\"flag\":true,\"count\":2,\"size\":\"4M\",\"kind\":\"file:x\","
		"\"in\":{\"path\":\"p\",\"queues\":3,\"ro\":true},\"number\":4}";
	struct err e;

	for (unsigned round = 0; round < 50000; round++) {
		char a[sizeof(text)], b[sizeof(whole)];
		struct inner in = { .queues = 1 };
		struct outer o = { 0 };

		memcpy(a, text, sizeof(a));
		memcpy(b, whole, sizeof(b));
		for (unsigned i = any() % 4 + 1; i; i--) {
			a[any() % (sizeof(a) - 1)] =
				any() % 4 ? text[any() % sizeof(text)] : (char)any();
			b[any() % (sizeof(b) - 1)] =
				any() % 4 ? whole[any() % sizeof(whole)] : (char)any();
		}
		if (keys_from_text(inner_keys, &in, a, &e) == 0)
			EXPECT(in.path && in.queues >= 1 && in.queues <= 16);
		keys_free(inner_keys, &in);
		if (json(&o, b, &e) == 0)
			EXPECT(o.size == 0 || (o.size >= 2 * MiB && o.choice < 2 && o.kind < 2));
		keys_free(outer_keys, &o);
	}
}

TEST_MAIN(T(numbers_are_read_whole_or_not_at_all), T(sizes_have_suffixes_and_do_not_wrap),
	  T(quoting_cuts_and_defuses), T(guesses_what_was_meant_and_nothing_far),
	  T(options_are_read_in_every_form),
	  T(options_of_a_table_that_is_not_wanted_are_known_and_skipped),
	  T(wrong_options_are_told_with_name_value_and_bound),
	  T(unknown_repeated_and_missing_options_are_errors), T(text_of_an_object_is_strict),
	  T(a_string_may_mean_something_without_a_value), T(a_doubled_comma_belongs_to_the_value),
	  T(json_sets_the_same_fields_with_the_same_bounds), T(json_errors_say_where),
	  T(what_is_written_as_json_reads_back), T(a_list_takes_one_more_each_time),
	  T(objects_come_one_by_one_in_order), T(hostile_text_is_refused_or_harmless))
