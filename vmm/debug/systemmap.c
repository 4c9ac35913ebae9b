/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/debug/systemmap.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* The longest address, in digits. */
enum { MAX_DIGITS = 16 };

struct line {
	uint64_t addr;
	char type;
	size_t name, len; /* from the line's first byte */
};

static unsigned digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	return 16;
}

/* Reads one line, without its end. False when it is not "address type name". */
static bool read_line(const char *s, size_t len, struct line *out)
{
	size_t i = 0;

	*out = (struct line){ 0 };
	for (; i < len && digit(s[i]) < 16; i++)
		out->addr = out->addr << 4 | digit(s[i]);
	if (i == 0 || i > MAX_DIGITS || len - i < 4 || s[i] != ' ' || s[i + 2] != ' ')
		return false;
	out->type = s[i + 1];
	out->name = i + 3;
	while (out->name + out->len < len && (unsigned char)s[out->name + out->len] > ' ')
		out->len++;
	return (isalpha((unsigned char)out->type) || out->type == '?' || out->type == '-') &&
	       out->len > 0;
}

static bool is_skipped(const struct line *l)
{
	return strchr("aAnNU", l->type) != NULL;
}

static uint8_t rank(const struct line *l, const char *name)
{
	unsigned r = symtab_rank(name, l->len);

	if (strchr("wWvV", l->type))
		r |= RANK_WEAK;
	else if (islower((unsigned char)l->type))
		r |= RANK_LOCAL;
	return (uint8_t)r;
}

/* Length of the line at @s, without its end. */
static size_t line_length(const char *s, size_t len)
{
	const char *end = memchr(s, '\n', len);

	return end ? (size_t)(end - s) : len;
}

bool systemmap_sniff(const uint8_t *head, size_t len)
{
	const char *s = (const char *)head;
	struct line l;

	return len > 0 && (*s == ' ' || read_line(s, line_length(s, len), &l));
}

static int read_all(struct symtab *t, const struct io_bytes *text, struct err *e)
{
	const char *s = text->data;
	unsigned long number = 0;

	for (size_t at = 0; at < text->len;) {
		size_t len = line_length(s + at, text->len - at);
		struct line l;
		int err;

		number++;
		if (len == 0 || s[at] == ' ') {
			at += len + 1;
			continue;
		}
		if (!read_line(s + at, len, &l))
			return err_set(e, EINVAL, "%s: line %lu is not \"address type name\"",
				       t->file->name, number);
		if (!is_skipped(&l) && symtab_wants(s + at + l.name, l.len)) {
			err = symtab_add(t,
					 &(struct symtab_row){ .addr = l.addr,
							       .size = SYMTAB_NO_SIZE,
							       .name = (uint32_t)(at + l.name),
							       .rank = rank(&l, s + at + l.name) },
					 e);
			if (err)
				return err;
		}
		at += len + 1;
	}
	symtab_sort(t);
	if (t->nr == 0)
		return err_set(e, EINVAL, "%s: has no symbols", t->file->name);
	if (t->row[t->nr - 1].addr == 0)
		return err_set(e, EINVAL,
			       "%s: all its addresses are 0: /proc/kallsyms shows them to root, "
			       "if kernel.kptr_restrict allows",
			       t->file->name);
	return 0;
}

int systemmap_read(struct symtab *t, const struct io_file *f, struct err *e)
{
	auto_bytes struct io_bytes text = { NULL, 0 };
	int err;

	*t = (struct symtab){ 0 };
	if (f->size == 0 || f->size > SYSTEMMAP_MAX)
		return err_set(e, EINVAL,
			       "%s: a System.map of %" PRIu64 " bytes: 1 to %" PRIu64
			       " are possible",
			       f->name, f->size, (uint64_t)SYSTEMMAP_MAX);
	err = io_load(f, 0, f->size, &text, e);
	if (err)
		return err;
	*t = (struct symtab){ .file = f, .names_len = (uint32_t)f->size };
	err = read_all(t, &text, e);
	if (err)
		symtab_free(t);
	return err;
}
