/* SPDX-License-Identifier: Apache-2.0 */
/* Devicetree Specification, chapter 5: the flattened format. Addresses and sizes of two cells. */
#include "tests/guest/attack/tree.h"

#include <stddef.h>

enum { MAGIC = 0xd00dfeed, BEGIN_NODE = 1, END_NODE = 2, PROP = 3, NOP = 4 };

static uint32_t be32(const void *at)
{
	return __builtin_bswap32(*(const uint32_t *)at);
}

static uint64_t be64(const void *at)
{
	return (uint64_t)be32(at) << 32 | be32((const char *)at + 4);
}

static size_t length(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

static bool same(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

/* Of a list of strings, one. */
static bool holds(const char *list, size_t len, const char *one)
{
	for (const char *end = list + len; list < end; list += length(list) + 1)
		if (same(list, one))
			return true;
	return false;
}

struct visitor {
	const char *property, *value; /* of the nodes that are looked for */
	void (*found)(uint64_t at, uint64_t size);
	const char *chosen, *text; /* the property of /chosen, and what it says */

	/* The node that is being read; its subnodes come after its properties. */
	const char *node;
	bool is_it;
	const char *reg;
};

static void node_read(struct visitor *v)
{
	if (v->is_it && v->found)
		v->found(v->reg ? be64(v->reg) : 0, v->reg ? be64(v->reg + 8) : 0);
	v->is_it = false;
	v->reg = NULL;
}

static void property(struct visitor *v, const char *name, const char *value, size_t len)
{
	if (same(name, "reg") && len >= 16)
		v->reg = value;
	if (v->property && same(name, v->property) && holds(value, len, v->value))
		v->is_it = true;
	if (v->chosen && same(v->node, "chosen") && same(name, v->chosen))
		v->text = value;
}

static bool walk(const void *tree, struct visitor *v)
{
	const char *blob = tree;
	const char *at = blob + be32(blob + 8), *names = blob + be32(blob + 12);

	if (be32(blob) != MAGIC)
		return false;
	for (;;) {
		const uint32_t token = be32(at);

		at += 4;
		if (token == BEGIN_NODE) {
			node_read(v);
			v->node = at;
			at += (length(at) + 4) & ~(size_t)3;
		} else if (token == END_NODE) {
			node_read(v);
		} else if (token == PROP) {
			const size_t len = be32(at);

			property(v, names + be32(at + 4), at + 8, len);
			at += 8 + ((len + 3) & ~(size_t)3);
		} else if (token != NOP) {
			return true;
		}
	}
}

bool tree_each(const void *tree, const char *property, const char *value,
	       void (*found)(uint64_t at, uint64_t size))
{
	struct visitor v = { .property = property, .value = value, .found = found };

	return walk(tree, &v);
}

const char *tree_chosen(const void *tree, const char *property)
{
	struct visitor v = { .chosen = property };

	return walk(tree, &v) ? v.text : NULL;
}
