/* SPDX-License-Identifier: Apache-2.0 */
/* Line number programs are written here, in every version and both formats of DWARF. */
#include "tests/lib/fake_elf.h"
#include "tests/lib/test.h"
#include "vmm/debug/dwarf_line.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define TEXT UINT64_C(0xffff800080010000)

enum { OPCODE_BASE = 14, LINE_RANGE = 14, LINE_BASE = -5, MIN_INST = 4 };

static struct fake_elf elf;

/* Bytes that grow. */
struct bytes {
	uint8_t b[16384];
	size_t len;
};

static struct bytes programs, strings;

static void put(struct bytes *o, uint64_t v, size_t size)
{
	EXPECT(size <= sizeof(o->b) - o->len);
	for (size_t i = 0; i < size; i++)
		o->b[o->len++] = (uint8_t)(v >> 8 * i);
}

static void put_text(struct bytes *o, const char *s)
{
	for (; *s; s++)
		put(o, (uint8_t)*s, 1);
	put(o, 0, 1);
}

static void patch(struct bytes *o, size_t at, uint64_t v, size_t size)
{
	for (size_t i = 0; i < size; i++)
		o->b[at + i] = (uint8_t)(v >> 8 * i);
}

/* --- making a unit ---------------------------------------------------------------------------- */

struct unit {
	unsigned version;
	size_t offset_size; /* 4 or 8 */
	size_t length_at, header_at;
};

/* Files: 1 is kernel/panic.c, 2 is main.c, 3 is include/linux/list.h. */
static const char *const dirs[] = { "/build", "kernel", "include/linux" };
static const struct {
	const char *name;
	unsigned dir;
} files[] = { { "main.c", 0 }, { "panic.c", 1 }, { "main.c", 0 }, { "list.h", 2 } };

static void put_line_str(const struct unit *u, const char *s)
{
	put(&programs, strings.len, u->offset_size);
	put_text(&strings, s);
}

static void put_tables_v5(const struct unit *u)
{
	put(&programs, 0x1f0101, 3); /* one format: a path, as line_strp */
	put(&programs, ARRAY_SIZE(dirs), 1);
	for (unsigned i = 0; i < ARRAY_SIZE(dirs); i++)
		put_line_str(u, dirs[i]);
	put(&programs, 3, 1); /* path, directory, MD5 */
	put(&programs, 0x0801, 2);
	put(&programs, 0x0b02, 2);
	put(&programs, 0x1e05, 2);
	put(&programs, ARRAY_SIZE(files), 1);
	for (unsigned i = 0; i < ARRAY_SIZE(files); i++) {
		put_text(&programs, files[i].name);
		put(&programs, files[i].dir, 1);
		put(&programs, 0x1122334455667788, 8);
		put(&programs, 0, 8);
	}
}

static void put_tables(const struct unit *u)
{
	if (u->version >= 5) {
		put_tables_v5(u);
		return;
	}
	for (unsigned i = 1; i < ARRAY_SIZE(dirs); i++)
		put_text(&programs, dirs[i]);
	put(&programs, 0, 1);
	for (unsigned i = 1; i < ARRAY_SIZE(files); i++) {
		put_text(&programs, files[i].name);
		put(&programs, files[i].dir, 1);
		put(&programs, 0x80, 1); /* time 0x80, in two bytes, and size */
		put(&programs, 1, 1);
		put(&programs, 7, 1);
	}
	put(&programs, 0, 1);
}

static struct unit begin(unsigned version, size_t offset_size)
{
	static const uint8_t lengths[OPCODE_BASE - 1] = { 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1, 2 };
	struct unit u = { .version = version, .offset_size = offset_size };

	if (offset_size == 8)
		put(&programs, UINT32_MAX, 4);
	u.length_at = programs.len;
	put(&programs, 0, offset_size);
	put(&programs, version, 2);
	if (version >= 5)
		put(&programs, 8, 2); /* bytes of an address, and of a segment selector */
	u.header_at = programs.len;
	put(&programs, 0, offset_size);
	put(&programs, MIN_INST, 1);
	if (version >= 4)
		put(&programs, 1, 1);
	put(&programs, 1, 1);
	put(&programs, (uint8_t)LINE_BASE, 1);
	put(&programs, LINE_RANGE, 1);
	put(&programs, OPCODE_BASE, 1);
	for (unsigned i = 0; i < sizeof(lengths); i++)
		put(&programs, lengths[i], 1);
	put_tables(&u);
	patch(&programs, u.header_at, programs.len - u.header_at - offset_size, offset_size);
	return u;
}

static void end(const struct unit *u)
{
	patch(&programs, u->length_at, programs.len - u->length_at - u->offset_size,
	      u->offset_size);
}

static void set_address(uint64_t address)
{
	put(&programs, 0x020900, 3);
	put(&programs, address, 8);
}

static void end_sequence(void)
{
	put(&programs, 0x010100, 3);
}

static void special(unsigned insns, int lines)
{
	put(&programs, (unsigned)(lines - LINE_BASE) + LINE_RANGE * insns + OPCODE_BASE, 1);
}

/*
 * 0x00 panic.c:1, 0x08 panic.c:4, 0x0c panic.c:2, 0x10 list.h:102, 0x54 list.h:99, 0x5c main.c:99,
 * 0x105c no line, 0x1060 the end.
 */
static void sequence(uint64_t address)
{
	set_address(address);
	put(&programs, 1, 1); /* copy */
	special(2, 3);
	put(&programs, 0x0d, 1); /* an opcode of the future, with two operands */
	put(&programs, 0x0181, 2);
	put(&programs, 0x01, 1);
	put(&programs, 0x05, 1); /* set_column, which is of no interest */
	put(&programs, 9, 1);
	put(&programs, 0x55800300, 4); /* extended, of the future: 3 bytes */
	put(&programs, 0, 1);
	special(1, -2);
	put(&programs, 0x0304, 2);   /* file 3 */
	put(&programs, 0x00e403, 3); /* 100 lines on, in two bytes */
	special(1, 0);
	put(&programs, 0x08, 1); /* const_add_pc: with these numbers, 17 instructions on */
	special(0, -3);
	put(&programs, 0x0204, 2); /* file 2 */
	put(&programs, 0x0202, 2); /* two instructions on */
	put(&programs, 1, 1);
	put(&programs, 0x100009, 3); /* fixed_advance_pc: 0x1000 bytes */
	put(&programs, 0x7f9d03, 3); /* 99 lines back */
	put(&programs, 1, 1);
	put(&programs, 0x0102, 2);
	end_sequence();
}

static void reset(void)
{
	programs.len = 0;
	strings.len = 0;
}

/* --- using it --------------------------------------------------------------------------------- */

enum packing { PLAIN, ZLIB, ZSTD };

/* A section, maybe compressed. */
static void add_section(const char *name, const struct bytes *o, enum packing how)
{
	static struct bytes packed;
	uLongf room = 8192;

	if (how == PLAIN) {
		(void)fake_elf_section(&elf, name, SHT_PROGBITS, 0, 0, o->b, o->len);
		return;
	}
	packed.len = 0;
	put(&packed, how == ZLIB ? ELFCOMPRESS_ZLIB : 2, 8);
	put(&packed, o->len, 8);
	put(&packed, 1, 8);
	if (how == ZLIB)
		EXPECT_EQ(compress(packed.b + packed.len, &room, o->b, o->len), Z_OK);
	else
		room = ZSTD_compress(packed.b + packed.len, room, o->b, o->len, 3);
	(void)fake_elf_section(&elf, name, SHT_PROGBITS, SHF_COMPRESSED, 0, packed.b,
			       packed.len + room);
}

static void make_elf(enum packing how)
{
	fake_elf_init(&elf, false, ET_EXEC);
	(void)fake_elf_section(&elf, ".text", SHT_PROGBITS, SHF_ALLOC, TEXT, NULL, 16);
	add_section(".debug_line", &programs, how);
	add_section(".debug_line_str", &strings, how);
	fake_elf_finish(&elf);
}

/* What holds the file while lines are looked up. */
struct opened {
	struct io_file io;
	struct elf_file ef;
	struct dwarf_lines *lines;
};

static int open_lines(struct opened *o, size_t len, struct err *e)
{
	int err;

	*o = (struct opened){ .lines = NULL };
	EXPECT_EQ(io_open(&o->io, fake_file(elf.b, len), e), 0);
	err = elf_file_open(&o->ef, &o->io, e);
	return err ? err : dwarf_lines_open(&o->lines, &o->ef, e);
}

/* Also closes what fake_file() left open. */
static void close_lines(struct opened *o)
{
	dwarf_lines_free(o->lines);
	elf_file_close(&o->ef);
	io_close(&o->io);
	for (int fd = 3; fd < 64; fd++)
		(void)close(fd);
}

/* "dir/file:line", or "-". Good until the next call. */
static const char *line(const struct opened *o, uint64_t addr)
{
	static char buf[256];
	struct dwarf_place p;

	if (!o->lines || !dwarf_lines_at(o->lines, addr, &p))
		return "-";
	(void)snprintf(buf, sizeof(buf), "%s:%llu", p.file, (unsigned long long)p.line);
	return buf;
}

static void expect_sequence(const struct opened *o, uint64_t at)
{
	static const struct {
		uint64_t offset;
		const char *line;
	} cases[] = {
		{ 0x00, "kernel/panic.c:1" },
		{ 0x07, "kernel/panic.c:1" },
		{ 0x08, "kernel/panic.c:4" },
		{ 0x0c, "kernel/panic.c:2" },
		{ 0x10, "include/linux/list.h:102" },
		{ 0x53, "include/linux/list.h:102" },
		{ 0x58, "include/linux/list.h:99" },
		{ 0x5c, "main.c:99" },
		{ 0x105b, "main.c:99" },
		{ 0x105c, "-" },
		{ 0x1060, "-" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++)
		EXPECT_STR(line(o, at + cases[i].offset), cases[i].line);
	EXPECT_STR(line(o, at - 1), "-");
}

TEST(dwarf_lines_of_every_version_format_and_packing_are_found)
{
	for (unsigned i = 0; i < 4 * 2 * 3; i++) {
		struct opened o;
		struct unit u;
		struct err e;

		reset();
		u = begin(2 + i % 4, i / 4 % 2 ? 8 : 4);
		sequence(TEXT);
		end(&u);
		make_elf(i / 8);
		EXPECT_EQ(open_lines(&o, elf.len, &e), 0);
		expect_sequence(&o, TEXT);
		close_lines(&o);
	}
}

/* Two units with two sequences each, none in order; and one that the linker dropped. */
TEST(dwarf_lines_of_several_sequences_and_units_are_kept_apart)
{
	struct opened o;
	struct err e;
	struct unit u;

	reset();
	u = begin(5, 4);
	sequence(TEXT + 0x20000);
	sequence(0);
	sequence(TEXT);
	end(&u);
	u = begin(3, 4);
	sequence(TEXT + 0x30000);
	sequence(TEXT + 0x10000);
	end(&u);
	make_elf(PLAIN);
	EXPECT_EQ(open_lines(&o, elf.len, &e), 0);
	for (unsigned i = 0; i < 4; i++)
		expect_sequence(&o, TEXT + 0x10000 * i);
	close_lines(&o);
}

/* What linkers drop stays at 0, one upon the other. */
TEST(dwarf_lines_of_a_longer_sequence_go_on_behind_a_shorter_one_in_it)
{
	struct opened o;
	struct err e;
	struct unit u;

	reset();
	u = begin(5, 4);
	sequence(TEXT);
	end(&u);
	u = begin(5, 4);
	set_address(TEXT + 0x20);
	special(0, 4);
	special(1, 0);
	end_sequence();
	end(&u);
	make_elf(PLAIN);
	EXPECT_EQ(open_lines(&o, elf.len, &e), 0);
	EXPECT_STR(line(&o, TEXT + 0x20), "kernel/panic.c:5");
	EXPECT_STR(line(&o, TEXT + 0x30), "include/linux/list.h:102");
	close_lines(&o);
}

TEST(dwarf_lines_of_a_unit_that_is_not_understood_are_missing_alone)
{
	static const struct {
		unsigned version;
		int at; /* from the header's length field */
		uint8_t byte;
	} cases[] = {
		{ 5, -4, 6 },		     /* version */
		{ 5, -4, 1 },	{ 5, 5, 4 }, /* operations in an instruction */
		{ 4, 8, 0 },		     /* line_range */
		{ 3, 8, 0 },		     /* opcode_base */
		{ 5, 3, 0xff },		     /* header_length */
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct opened o;
		struct err e;
		struct unit u;

		reset();
		u = begin(cases[i].version, 4);
		sequence(TEXT);
		end(&u);
		programs.b[u.header_at + (size_t)cases[i].at] = cases[i].byte;
		u = begin(5, 4);
		sequence(TEXT + 0x10000);
		end(&u);
		make_elf(PLAIN);
		EXPECT_EQ(open_lines(&o, elf.len, &e), 0);
		EXPECT_STR(line(&o, TEXT), "-");
		expect_sequence(&o, TEXT + 0x10000);
		close_lines(&o);
	}
}

TEST(dwarf_lines_are_none_without_programs_and_in_object_files)
{
	struct opened o;
	struct err e;
	struct unit u;

	fake_elf_init(&elf, false, ET_EXEC);
	fake_elf_finish(&elf);
	EXPECT_EQ(open_lines(&o, elf.len, &e), 0);
	EXPECT(o.lines == NULL);
	close_lines(&o);

	reset();
	u = begin(5, 4);
	sequence(0);
	end(&u);
	make_elf(PLAIN);
	elf.b[16] = ET_REL;
	EXPECT_EQ(open_lines(&o, elf.len, &e), 0);
	EXPECT(o.lines == NULL);
	close_lines(&o);
}

TEST(dwarf_lines_long_path_keeps_its_end)
{
	char name[300];
	struct dwarf_place p;
	struct opened o;
	struct err e;
	struct unit u;

	memset(name, 'd', sizeof(name));
	memcpy(name + sizeof(name) - 8, "/file.c", 8);
	reset();
	u = begin(5, 4);
	/* Its tables again, with one file; the sequence uses file 1, so there are two. */
	programs.len = u.header_at + 4 + 6 + OPCODE_BASE - 1;
	put(&programs, 0, 2);
	put(&programs, 0x080101, 3);
	put(&programs, 2, 1);
	put_text(&programs, "x");
	put_text(&programs, name);
	patch(&programs, u.header_at, programs.len - u.header_at - 4, 4);
	set_address(TEXT);
	put(&programs, 1, 1);
	special(1, 0);
	end_sequence();
	end(&u);
	make_elf(PLAIN);
	EXPECT_EQ(open_lines(&o, elf.len, &e), 0);
	EXPECT(dwarf_lines_at(o.lines, TEXT, &p));
	EXPECT_EQ(strlen(p.file), sizeof(p.file) - 1);
	EXPECT_EQ(strncmp(p.file, "...ddd", 6), 0);
	EXPECT_HAS(p.file, "d/file.c");
	close_lines(&o);
}

TEST(elf_data_is_read_inside_its_section_only)
{
	for (unsigned how = PLAIN; how <= ZSTD; how++) {
		struct elf_data d;
		struct opened o;
		char buf[8];
		struct err e;

		reset();
		for (unsigned i = 0; i < 100; i++)
			put(&programs, i, 1);
		make_elf(how);
		EXPECT_EQ(open_lines(&o, elf.len, &e), 0);
		EXPECT_EQ(elf_data_open(&d, &o.ef, elf_file_section(&o.ef, ".debug_line"), &e), 0);
		EXPECT_EQ(d.len, 100);
		EXPECT_EQ(elf_data_read(&d, 96, buf, 4, &e), 0);
		EXPECT_EQ(buf[3], 99);
		EXPECT_EQ(elf_data_read(&d, 97, buf, 4, &e), -EINVAL);
		EXPECT_EQ(elf_data_read(&d, UINT64_MAX, buf, 4, &e), -EINVAL);
		EXPECT_HAS(e.text, "points beyond the end of a section");
		elf_data_close(&d);
		close_lines(&o);
	}
}

/* --- damage ----------------------------------------------------------------------------------- */

static void look_around(size_t len)
{
	struct opened o;
	struct err e;

	if (open_lines(&o, len, &e) < 0)
		EXPECT(e.text[0] && !strchr(e.text, '\n'));
	else
		for (uint64_t at = TEXT - 4; at < TEXT + 0x1060; at += at < TEXT + 0x60 ? 4 : 0x333)
			(void)line(&o, at);
	close_lines(&o);
}

TEST(dwarf_lines_damaged_or_cut_anywhere_are_harmless)
{
	static const uint8_t values[] = { 0, 0xff, 0x80, 0x7f, 1 };

	for (unsigned version = 2; version <= 5; version++) {
		struct unit u;

		reset();
		u = begin(version, version % 2 ? 4 : 8);
		sequence(TEXT);
		end(&u);
		for (size_t at = 0; at < programs.len; at++) {
			uint8_t was = programs.b[at];

			for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
				programs.b[at] = values[i];
				make_elf(PLAIN);
				look_around(elf.len);
			}
			programs.b[at] = was;
		}
		for (; programs.len > 0; programs.len--) { /* a section that ends early */
			make_elf(PLAIN);
			look_around(elf.len);
		}
	}
}

TEST(dwarf_lines_damaged_when_packed_are_a_problem_or_harmless)
{
	for (unsigned how = ZLIB; how <= ZSTD; how++) {
		struct unit u;

		reset();
		u = begin(5, 4);
		sequence(TEXT);
		end(&u);
		make_elf(how);
		for (size_t at = 64; at < elf.len; at++) {
			elf.b[at] ^= 0x55;
			look_around(elf.len);
			elf.b[at] ^= 0x55;
		}
	}
}

/* Numbers that say there is no end to something. */
TEST(dwarf_lines_that_claim_to_be_endless_end)
{
	struct opened o;
	struct err e;
	struct unit u;

	reset();
	u = begin(5, 4);
	programs.len = u.header_at + 4 + 6 + OPCODE_BASE - 1;
	put(&programs, 0, 1); /* directories that are described by nothing: 2^63 of them */
	put(&programs, UINT64_MAX, 8);
	put(&programs, 0x7f, 2);
	patch(&programs, u.header_at, programs.len - u.header_at - 4, 4);
	set_address(TEXT);
	put(&programs, 1, 1);
	special(1, 0);
	end_sequence();
	set_address(TEXT + 0x100);
	put(&programs, 1, 1);
	put(&programs, 2, 1); /* advance_pc by a number that never ends */
	for (unsigned i = 0; i < 1000; i++)
		put(&programs, 0xff, 1);
	put(&programs, 0, 1);
	put(&programs, UINT64_MAX, 8);
	end(&u);
	put(&programs, 0xfffffff0, 4); /* and a unit of 4 GiB */
	make_elf(PLAIN);
	EXPECT_EQ(open_lines(&o, elf.len, &e), 0);
	EXPECT_STR(line(&o, TEXT), "-");
	close_lines(&o);
}

TEST_MAIN(T(dwarf_lines_of_every_version_format_and_packing_are_found),
	  T(dwarf_lines_of_several_sequences_and_units_are_kept_apart),
	  T(dwarf_lines_of_a_longer_sequence_go_on_behind_a_shorter_one_in_it),
	  T(elf_data_is_read_inside_its_section_only),
	  T(dwarf_lines_of_a_unit_that_is_not_understood_are_missing_alone),
	  T(dwarf_lines_are_none_without_programs_and_in_object_files),
	  T(dwarf_lines_long_path_keeps_its_end),
	  T(dwarf_lines_damaged_or_cut_anywhere_are_harmless),
	  T(dwarf_lines_damaged_when_packed_are_a_problem_or_harmless),
	  T(dwarf_lines_that_claim_to_be_endless_end))
