/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/debug/dwarf_line.h"

#include "vmm/base/le.h"
#include "vmm/base/scope.h"
#include "vmm/debug/dwarf_program.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_UNIT      (64 * MiB)
#define MAX_SEQUENCES (1U << 20)

/* Sequences that begin before an address and may overlap: linkers leave dropped ones at 0. */
#define MAX_OVERLAP 64

/* Addresses [low, high) come from the unit at @unit of .debug_line. */
struct sequence {
	uint64_t low, high, unit;
};

struct dwarf_lines {
	struct elf_data programs, line_str;
	struct sequence *seq; /* owned; sorted by low */
	size_t nr, room;
	uint8_t *unit; /* owned: bytes of the unit read last */
	size_t unit_room;
};

/* --- units ------------------------------------------------------------------------------------ */

/* Reads the unit at *@at, and moves *@at behind it. False at the end, and where nothing fits. */
static bool read_unit(struct dwarf_lines *d, uint64_t *at, size_t *len, unsigned *offset_size)
{
	uint8_t head[12];
	uint64_t size;

	if (elf_data_read(&d->programs, *at, head, 4, NULL))
		return false;
	*at += 4;
	*offset_size = 4;
	size = le32_at(head);
	if (size == UINT32_MAX) { /* 64-bit DWARF */
		if (elf_data_read(&d->programs, *at, head, 8, NULL))
			return false;
		*at += 8;
		*offset_size = 8;
		size = le64_at(head);
	}
	if (size > MAX_UNIT || size > d->programs.len - *at)
		return false;
	if (size > d->unit_room) {
		uint8_t *more = realloc(d->unit, (size_t)size);

		if (!more)
			return false;
		d->unit = more;
		d->unit_room = (size_t)size;
	}
	*len = (size_t)size;
	if (size && elf_data_read(&d->programs, *at, d->unit, *len, NULL))
		return false;
	*at += size;
	return true;
}

/* --- index ------------------------------------------------------------------------------------ */

static bool add_sequence(struct dwarf_lines *d, struct sequence s)
{
	if (d->nr == d->room) {
		size_t room = d->room ? 2 * d->room : 1024;
		struct sequence *more;

		if (d->nr >= MAX_SEQUENCES)
			return false;
		more = realloc(d->seq, room * sizeof(*more));
		if (!more)
			return false;
		d->seq = more;
		d->room = room;
	}
	d->seq[d->nr++] = s;
	return true;
}

static bool index_unit(struct dwarf_lines *d, uint64_t at, const struct dwarf_unit *u)
{
	struct dwarf_machine m;
	struct dwarf_row row;
	bool inside = false;
	uint64_t low = 0;

	dwarf_machine_init(&m, u);
	while (dwarf_machine_next(&m, &row)) {
		if (!inside)
			low = row.address;
		inside = !row.end;
		if (row.end && row.address > low &&
		    !add_sequence(d, (struct sequence){ low, row.address, at }))
			return false;
	}
	return true;
}

static int compare(const void *a, const void *b)
{
	const struct sequence *x = a, *y = b;

	return x->low < y->low ? -1 : x->low > y->low;
}

static void index_all(struct dwarf_lines *d)
{
	uint64_t at = 0, unit = 0;
	unsigned offset_size;
	size_t len;

	for (; read_unit(d, &at, &len, &offset_size); unit = at) {
		struct dwarf_unit u;

		if (len && dwarf_unit_init(&u, d->unit, len, offset_size) &&
		    !index_unit(d, unit, &u))
			break; /* no more room: what there is can be used */
	}
	if (d->nr)
		qsort(d->seq, d->nr, sizeof(*d->seq), compare);
}

int dwarf_lines_open(struct dwarf_lines **out, const struct elf_file *ef, struct err *e)
{
	const struct elf_section *programs = elf_file_section(ef, ".debug_line");
	const struct elf_section *line_str = elf_file_section(ef, ".debug_line_str");
	struct dwarf_lines *d;
	int err;

	*out = NULL;
	if (!programs || ef->type == ET_REL)
		return 0;
	d = calloc(1, sizeof(*d));
	if (!d)
		return err_set(e, ENOMEM, "%s: no memory for its lines", ef->file->name);
	err = elf_data_open(&d->programs, ef, programs, e);
	if (!err && line_str)
		err = elf_data_open(&d->line_str, ef, line_str, e);
	if (err) {
		dwarf_lines_free(d);
		return err;
	}
	index_all(d);
	*out = d;
	return 0;
}

void dwarf_lines_free(struct dwarf_lines *d)
{
	if (!d)
		return;
	elf_data_close(&d->programs);
	elf_data_close(&d->line_str);
	free(d->seq);
	free(d->unit);
	free(d);
}

/* --- looking up ------------------------------------------------------------------------------- */

static bool read_string(void *ctx, uint64_t at, char *dst, size_t size)
{
	const struct dwarf_lines *d = ctx;
	const struct elf_data *from = &d->line_str;
	size_t len = size - 1;

	if (at >= from->len)
		return false;
	if (len > from->len - at)
		len = (size_t)(from->len - at);
	if (elf_data_read(from, at, dst, len, NULL))
		return false;
	dst[len] = '\0';
	return true;
}

/* The last row at or before @addr of a sequence that has it. */
static bool find_row(const struct dwarf_unit *u, uint64_t addr, struct dwarf_row *out)
{
	bool inside = false; /* *out is a row of the sequence, at or before @addr */
	struct dwarf_machine m;
	struct dwarf_row row;

	dwarf_machine_init(&m, u);
	while (dwarf_machine_next(&m, &row)) {
		if (inside && row.address > addr)
			return true;
		if (row.end)
			inside = false;
		else if (row.address <= addr) {
			*out = row;
			inside = true;
		}
	}
	return false;
}

/* The unit whose sequence holds @addr. */
static bool find_unit(const struct dwarf_lines *d, uint64_t addr, uint64_t *unit)
{
	size_t low = 0, high = d->nr;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (d->seq[mid].low <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	for (size_t i = low; i > 0 && low - i < MAX_OVERLAP; i--) {
		if (addr < d->seq[i - 1].high) {
			*unit = d->seq[i - 1].unit;
			return true;
		}
	}
	return false;
}

bool dwarf_lines_at(struct dwarf_lines *d, uint64_t addr, struct dwarf_place *out)
{
	struct dwarf_strings strings = { .read = read_string, .ctx = d };
	char path[DWARF_PATH];
	unsigned offset_size;
	struct dwarf_unit u;
	struct dwarf_row row;
	uint64_t at;
	size_t len;

	if (!find_unit(d, addr, &at) || !read_unit(d, &at, &len, &offset_size) ||
	    !dwarf_unit_init(&u, d->unit, len, offset_size) || !find_row(&u, addr, &row) ||
	    row.line == 0 || !dwarf_unit_file(&u, row.file, &strings, path))
		return false;
	len = strlen(path);
	out->line = row.line;
	if (len < sizeof(out->file))
		memcpy(out->file, path, len + 1);
	else
		(void)snprintf(out->file, sizeof(out->file), "...%s",
			       path + len - (sizeof(out->file) - 4));
	return true;
}
