/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/debug/dwarf_program.h"

#include "vmm/base/le.h"

#include <stdio.h>

/* DWARF 5, table 7.25: standard opcodes. */
enum {
	LNS_COPY = 1,
	LNS_ADVANCE_PC = 2,
	LNS_ADVANCE_LINE = 3,
	LNS_SET_FILE = 4,
	LNS_CONST_ADD_PC = 8,
	LNS_FIXED_ADVANCE_PC = 9,
};

/* Table 7.26: extended opcodes. */
enum { LNE_END_SEQUENCE = 1, LNE_SET_ADDRESS = 2 };

/* Table 7.27: what a table of directories or files says of each. */
enum { LNCT_PATH = 1, LNCT_DIRECTORY_INDEX = 2 };

/* Table 7.6: forms that those tables may have. */
enum {
	FORM_DATA2 = 0x05,
	FORM_DATA4 = 0x06,
	FORM_DATA8 = 0x07,
	FORM_STRING = 0x08,
	FORM_BLOCK = 0x09,
	FORM_DATA1 = 0x0b,
	FORM_STRP = 0x0e,
	FORM_UDATA = 0x0f,
	FORM_DATA16 = 0x1e,
	FORM_LINE_STRP = 0x1f,
};

/* --- bytes ------------------------------------------------------------------------------------ */

static const uint8_t *take(struct dwarf_cursor *c, uint64_t len)
{
	const uint8_t *p = c->p;

	if (c->bad || len > (uint64_t)(c->end - c->p)) {
		c->bad = true;
		return NULL;
	}
	c->p += len;
	return p;
}

/* A word of 1, 2, 4 or 8 bytes. */
static uint64_t word(struct dwarf_cursor *c, size_t size)
{
	const uint8_t *p = take(c, size);

	if (!p)
		return 0;
	return size == 8 ? le64_at(p) : size == 4 ? le32_at(p) : size == 2 ? le16_at(p) : *p;
}

/* LEB128: 7 bits a byte, the lowest first. Bits beyond 64 are dropped. */
static uint64_t leb(struct dwarf_cursor *c, bool is_signed)
{
	uint64_t v = 0;
	unsigned shift = 0;
	uint8_t b;

	do {
		b = (uint8_t)word(c, 1);
		if (shift < 64)
			v |= (uint64_t)(b & 0x7f) << shift;
		shift = shift < 64 ? shift + 7 : shift;
	} while (b & 0x80);
	if (is_signed && b & 0x40 && shift < 64)
		v |= UINT64_MAX << shift;
	return v;
}

static uint64_t uleb(struct dwarf_cursor *c)
{
	return leb(c, false);
}

/* A string that ends in here; NULL when it does not. */
static const char *string(struct dwarf_cursor *c)
{
	const uint8_t *p = c->p, *end = c->bad ? NULL : memchr(p, 0, (size_t)(c->end - p));

	if (!end) {
		c->bad = true;
		return NULL;
	}
	c->p = end + 1;
	return (const char *)p;
}

/* --- header ----------------------------------------------------------------------------------- */

bool dwarf_unit_init(struct dwarf_unit *u, const uint8_t *bytes, size_t len, unsigned offset_size)
{
	struct dwarf_cursor c = { .p = bytes, .end = bytes + len };
	uint64_t header;

	*u = (struct dwarf_unit){ .bytes = bytes, .len = len, .offset_size = offset_size };
	u->version = (unsigned)word(&c, 2);
	if (u->version < 2 || u->version > 5)
		return false;
	if (u->version >= 5)
		(void)take(&c, 2); /* sizes of addresses and segment selectors */
	header = word(&c, offset_size);
	if (c.bad || header > (uint64_t)(c.end - c.p))
		return false;
	u->program = (size_t)(c.p - bytes) + (size_t)header;
	c.end = bytes + u->program;
	u->min_inst = (unsigned)word(&c, 1);
	if (u->version >= 4 && word(&c, 1) != 1)
		return false; /* a VLIW machine */
	(void)take(&c, 1);    /* default_is_stmt */
	u->line_base = (int8_t)word(&c, 1);
	u->line_range = (unsigned)word(&c, 1);
	u->opcode_base = (unsigned)word(&c, 1);
	if (u->line_range == 0 || u->opcode_base == 0)
		return false;
	u->opcode_lengths = take(&c, u->opcode_base - 1);
	u->tables = (size_t)(c.p - bytes);
	return !c.bad;
}

/* --- rows ------------------------------------------------------------------------------------- */

static void start_sequence(struct dwarf_machine *m)
{
	m->address = 0;
	m->file = 1;
	m->line = 1;
}

void dwarf_machine_init(struct dwarf_machine *m, const struct dwarf_unit *u)
{
	*m = (struct dwarf_machine){
		.unit = u, .at = { .p = u->bytes + u->program, .end = u->bytes + u->len }
	};
	start_sequence(m);
}

/* An address and line advance in one byte. */
static void advance(struct dwarf_machine *m, unsigned opcode, bool line)
{
	unsigned by = opcode - m->unit->opcode_base;

	m->address += (uint64_t)(by / m->unit->line_range) * m->unit->min_inst;
	if (line)
		m->line +=
			(uint64_t)(int64_t)(m->unit->line_base + (int)(by % m->unit->line_range));
}

/* Returns whether it makes a row, which then ends the sequence. */
static bool extended(struct dwarf_machine *m)
{
	uint64_t len = uleb(&m->at);
	struct dwarf_cursor c = { .p = take(&m->at, len) };
	unsigned opcode;

	if (!c.p)
		return false;
	c.end = c.p + len;
	opcode = (unsigned)word(&c, 1);
	if (opcode == LNE_END_SEQUENCE)
		return !c.bad;
	if (opcode == LNE_SET_ADDRESS && (len == 5 || len == 9))
		m->address = word(&c, (size_t)len - 1);
	return false;
}

/* Returns whether it makes a row. */
static bool standard(struct dwarf_machine *m, unsigned opcode)
{
	switch (opcode) {
	case LNS_COPY:
		return true;
	case LNS_ADVANCE_PC:
		m->address += uleb(&m->at) * m->unit->min_inst;
		return false;
	case LNS_ADVANCE_LINE:
		m->line += leb(&m->at, true);
		return false;
	case LNS_SET_FILE:
		m->file = uleb(&m->at);
		return false;
	case LNS_CONST_ADD_PC:
		advance(m, 255, false);
		return false;
	case LNS_FIXED_ADVANCE_PC:
		m->address += word(&m->at, 2);
		return false;
	default: /* of no interest, or newer than this: skip its operands */
		for (unsigned n = m->unit->opcode_lengths[opcode - 1]; n; n--)
			(void)uleb(&m->at);
		return false;
	}
}

bool dwarf_machine_next(struct dwarf_machine *m, struct dwarf_row *out)
{
	if (m->ended) {
		start_sequence(m);
		m->ended = false;
	}
	while (!m->at.bad && m->at.p < m->at.end) {
		unsigned opcode = (unsigned)word(&m->at, 1);
		bool row;

		if (opcode >= m->unit->opcode_base) {
			advance(m, opcode, true);
			row = true;
		} else if (opcode == 0) {
			row = m->ended = extended(m);
		} else {
			row = standard(m, opcode);
		}
		if (row && !m->at.bad) {
			*out = (struct dwarf_row){ m->address, m->file, m->line, m->ended };
			return true;
		}
	}
	return false;
}

/* --- names ------------------------------------------------------------------------------------ */

/* What a table says of a directory or file. */
struct named {
	char name[DWARF_PATH];
	uint64_t dir;
};

static void copy(char dst[DWARF_PATH], const char *src)
{
	(void)snprintf(dst, DWARF_PATH, "%s", src ? src : "");
}

/* A value of one form; a string goes to @name, unless NULL. The cursor is bad after unknown ones.
 */
static void read_form(struct dwarf_cursor *c, const struct dwarf_unit *u, uint64_t form,
		      const struct dwarf_strings *strings, char *name, uint64_t *v)
{
	const char *inl;
	uint64_t at;

	*v = 0;
	switch (form) {
	case FORM_STRING:
		inl = string(c);
		if (name)
			copy(name, inl);
		break;
	case FORM_STRP: /* in .debug_str, which compilers do not use for these */
		(void)take(c, u->offset_size);
		break;
	case FORM_LINE_STRP:
		at = word(c, u->offset_size);
		if (name && !strings->read(strings->ctx, at, name, DWARF_PATH))
			name[0] = '\0';
		break;
	case FORM_UDATA:
		*v = uleb(c);
		break;
	case FORM_DATA1:
		*v = word(c, 1);
		break;
	case FORM_DATA2:
		*v = word(c, 2);
		break;
	case FORM_DATA4:
		*v = word(c, 4);
		break;
	case FORM_DATA8:
		*v = word(c, 8);
		break;
	case FORM_DATA16:
		(void)take(c, 16);
		break;
	case FORM_BLOCK:
		(void)take(c, uleb(c));
		break;
	default:
		c->bad = true;
	}
}

/*
 * DWARF 5: a table whose entries are described in front of it. Reads to its end, and entry @want
 * into @out. False when it has no such entry, or the cursor is bad: the table is not understood.
 */
static bool read_table(struct dwarf_cursor *c, const struct dwarf_unit *u, uint64_t want,
		       const struct dwarf_strings *strings, struct named *out)
{
	uint64_t formats = word(c, 1), count, v;
	struct dwarf_cursor format = *c, f;
	bool found = false;

	for (uint64_t i = 0; i < formats; i++) {
		(void)uleb(c);
		(void)uleb(c);
	}
	count = uleb(c);
	if (formats == 0 && count > 0)
		c->bad = true; /* entries of no bytes: there is no end to them */
	for (uint64_t i = 0; i < count && !c->bad; i++) {
		f = format;
		for (uint64_t k = 0; k < formats; k++) {
			uint64_t what = uleb(&f), form = uleb(&f);
			bool name = what == LNCT_PATH && i == want;

			read_form(c, u, form, strings, name ? out->name : NULL, &v);
			if (what == LNCT_DIRECTORY_INDEX && i == want)
				out->dir = v;
		}
		found = found || i == want;
	}
	return found && !c->bad;
}

static bool file_v5(const struct dwarf_unit *u, uint64_t file, const struct dwarf_strings *strings,
		    struct named *name, struct named *dir)
{
	struct dwarf_cursor c = { .p = u->bytes + u->tables, .end = u->bytes + u->program };
	struct named ignored = { .dir = 0 };

	(void)read_table(&c, u, UINT64_MAX, strings, &ignored);
	if (!read_table(&c, u, file, strings, name))
		return false;
	/* Directory 0 is where the compiler ran: names are understood from there. */
	c = (struct dwarf_cursor){ .p = u->bytes + u->tables, .end = u->bytes + u->program };
	if (name->dir != 0)
		(void)read_table(&c, u, name->dir, strings, dir);
	return true;
}

/* DWARF 2 to 4: directories, then files, each list ended by an empty name; both count from 1. */
static bool file_v4(const struct dwarf_unit *u, uint64_t file, struct named *name,
		    struct named *dir)
{
	struct dwarf_cursor dirs = { .p = u->bytes + u->tables, .end = u->bytes + u->program }, c;
	const char *s;

	c = dirs;
	while ((s = string(&c)) && *s)
		;
	for (uint64_t i = 1; (s = string(&c)) && *s; i++) {
		name->dir = uleb(&c);
		(void)uleb(&c); /* time of change, size */
		(void)uleb(&c);
		if (i == file && !c.bad) {
			copy(name->name, s);
			break;
		}
	}
	if (!name->name[0])
		return false;
	for (uint64_t i = 1; i <= name->dir && (s = string(&dirs)) && *s; i++)
		if (i == name->dir)
			copy(dir->name, s);
	return true;
}

bool dwarf_unit_file(const struct dwarf_unit *u, uint64_t file, const struct dwarf_strings *s,
		     char path[DWARF_PATH])
{
	struct named name = { .dir = 0 }, dir = { .dir = 0 };
	bool known =
		u->version >= 5 ? file_v5(u, file, s, &name, &dir) : file_v4(u, file, &name, &dir);
	size_t len = strlen(dir.name);

	if (!known || !name.name[0])
		return false;
	copy(path, name.name);
	if (len == 0 || name.name[0] == '/' || len + 1 + strlen(name.name) >= DWARF_PATH)
		return true;
	memcpy(path, dir.name, len);
	path[len] = '/';
	memcpy(path + len + 1, name.name, strlen(name.name) + 1);
	return true;
}
