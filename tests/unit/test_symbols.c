/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/fake_elf.h"
#include "tests/lib/fake_kernel.h"
#include "tests/lib/test.h"
#include "vmm/debug/symbols.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BASE	UINT64_C(0x40200000)
#define TEXT_VA UINT64_C(0xffffaa8262800000) /* where the kernel runs */
#define LINK_VA UINT64_C(0xffff800080000000) /* where it is linked */

static struct fake_elf elf;

static struct guest_reader reader(struct fake_kernel *k)
{
	return (struct guest_reader){ .read = fake_kernel_read, .ctx = k };
}

static struct symbols *with_file(const char *path, const uint64_t *address)
{
	struct symbols *s = symbols_create(NULL);
	struct err e;

	EXPECT(s != NULL);
	EXPECT_EQ(symbols_add(s, path, address, &e), 0);
	return s;
}

static struct symbols *with_text(const char *text)
{
	return with_file(fake_file(text, strlen(text)), NULL);
}

/* "name+0x1/0x2", or "-". Good until the next call. */
static const char *name(struct symbols *s, uint64_t va)
{
	static char buf[600];
	struct symbol_text t;

	if (!symbols_name(s, va, &t))
		return "-";
	symbol_format(&t, buf, sizeof(buf));
	return buf;
}

static const char *name_physical(struct symbols *s, uint64_t pa)
{
	static char buf[600];
	struct symbol_text t;

	if (!symbols_name_physical(s, pa, &t))
		return "-";
	symbol_format(&t, buf, sizeof(buf));
	return buf;
}

static void expect_problem(struct symbols *s, const char *says)
{
	struct err e;

	EXPECT(symbols_problem(s, &e));
	EXPECT_HAS(e.text, says);
	EXPECT(!strchr(e.text, '\n'));
	EXPECT(!symbols_problem(s, &e)); /* once */
}

/* --- ELF -------------------------------------------------------------------------------------- */

static void add(const char *symbol, uint64_t value, uint64_t size, unsigned section, unsigned type,
		unsigned bind)
{
	fake_elf_symbol(&elf, symbol, value, size, section, type, bind);
}

/* A program at 0x8000, with much in its symbol table that is not to be shown. */
static void make_program(bool is32)
{
	unsigned text, data, tls, note;

	fake_elf_init(&elf, is32, ET_EXEC);
	text = fake_elf_section(&elf, ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, 0x8000,
				NULL, 0x400);
	data = fake_elf_section(&elf, ".data", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, 0x9000, NULL,
				0x100);
	tls = fake_elf_section(&elf, ".tbss", SHT_NOBITS, SHF_ALLOC | SHF_TLS, 0x8050, NULL, 0x10);
	note = fake_elf_section(&elf, ".comment", SHT_PROGBITS, 0, 0, NULL, 0x100);
	add("", 0, 0, 0, STT_NOTYPE, STB_LOCAL);
	add("program.c", 0, 0, SHN_ABS, STT_FILE, STB_LOCAL);
	add("$x", 0x8000, 0, text, STT_NOTYPE, STB_LOCAL);
	add(".Lhere", 0x8040, 0, text, STT_NOTYPE, STB_LOCAL);
	add("", 0x8000, 0, text, STT_SECTION, STB_LOCAL);
	add("elsewhere", 0, 0, SHN_UNDEF, STT_FUNC, STB_GLOBAL);
	add("absolute", 0x8010, 0, SHN_ABS, STT_NOTYPE, STB_GLOBAL);
	add("threads_own", 0x10, 8, tls, STT_TLS, STB_GLOBAL);
	add("commented", 0x20, 8, note, STT_OBJECT, STB_GLOBAL);
	add("__start", 0x8000, 0x100, text, STT_FUNC, STB_GLOBAL);
	add("weak_start", 0x8000, 0x100, text, STT_FUNC, STB_WEAK);
	add("start", 0x8000, 0x100, text, STT_FUNC, STB_GLOBAL);
	add("local_start", 0x8000, 0x100, text, STT_FUNC, STB_LOCAL);
	add("label", 0x8000, 0, text, STT_NOTYPE, STB_GLOBAL);
	add("helper", 0x8100, 0x80, text, STT_FUNC, STB_LOCAL);
	add("twice", 0x8180, 0x20, text, STT_FUNC, STB_LOCAL);
	add("twice", 0x81a0, 0x20, text, STT_FUNC, STB_GLOBAL);
	add("asm_entry", 0x8200, 0, text, STT_NOTYPE, STB_GLOBAL);
	add("counter", 0x9010, 8, data, STT_OBJECT, STB_GLOBAL);
}

TEST(symbols_of_an_elf_file_are_those_that_name_addresses)
{
	static const struct {
		uint64_t va;
		const char *name;
	} cases[] = {
		{ 0x7fff, "-" },
		{ 0x8000, "start+0x0/0x100" }, /* of five names */
		{ 0x8044, "start+0x44/0x100" },
		{ 0x8070, "start+0x70/0x100" }, /* a thread's own .tbss ends in it */
		{ 0x817f, "helper+0x7f/0x80" },
		{ 0x81c4, "twice+0x24/0x60" },	   /* padding: up to the next */
		{ 0x8200, "asm_entry+0x0/0x200" }, /* without a size: up to the section's end */
		{ 0x83ff, "asm_entry+0x1ff/0x200" },
		{ 0x8400, "-" },
		{ 0x9000, "-" },
		{ 0x9017, "counter+0x7/0x8" },
		{ 0x90ff, "counter+0xef/0xf0" },
		{ 0x9100, "-" },
		{ UINT64_MAX, "-" },
		{ 0, "-" },
	};

	for (unsigned is32 = 0; is32 < 2; is32++) {
		struct symbols *s;

		make_program(is32);
		fake_elf_finish(&elf);
		s = with_file(fake_file(elf.b, elf.len), NULL);
		for (unsigned i = 0; i < ARRAY_SIZE(cases); i++)
			EXPECT_STR(name(s, cases[i].va), cases[i].name);
		symbols_destroy(s);
	}
}

TEST(symbols_are_found_by_name_the_global_one_first)
{
	static const char *const absent[] = { "",	  "star",     "startx",	     "$x",
					      ".Lhere",	  "absolute", "threads_own", "program.c",
					      "commented" };
	struct symbol_place p;
	struct symbols *s;

	make_program(false);
	fake_elf_finish(&elf);
	s = with_file(fake_file(elf.b, elf.len), NULL);
	EXPECT(symbols_find(s, "counter", &p));
	EXPECT(p.va_known && !p.pa_known);
	EXPECT_EQ(p.va, 0x9010);
	EXPECT_EQ(p.size, 8);
	EXPECT_EQ(p.matches, 1);
	EXPECT(symbols_find(s, "twice", &p));
	EXPECT_EQ(p.va, 0x81a0);
	EXPECT_EQ(p.matches, 2);
	for (unsigned i = 0; i < ARRAY_SIZE(absent); i++)
		EXPECT(!symbols_find(s, absent[i], &p));
	symbols_destroy(s);
}

TEST(symbols_of_thumb_code_begin_at_its_even_address)
{
	struct symbols *s;

	fake_elf_init(&elf, true, ET_EXEC);
	add("thumb", 0x8001, 0x10,
	    fake_elf_section(&elf, ".text", SHT_PROGBITS, SHF_ALLOC, 0x8000, NULL, 0x100), STT_FUNC,
	    STB_GLOBAL);
	fake_elf_finish(&elf);
	s = with_file(fake_file(elf.b, elf.len), NULL);
	EXPECT_STR(name(s, 0x8002), "thumb+0x2/0x10");
	symbols_destroy(s);
}

TEST(symbols_of_a_stripped_file_are_the_dynamic_ones_or_a_problem)
{
	struct symbols *s;

	make_program(false);
	elf.symtab_type = SHT_DYNSYM;
	fake_elf_finish(&elf);
	s = with_file(fake_file(elf.b, elf.len), NULL);
	EXPECT_STR(name(s, 0x8004), "start+0x4/0x100");
	symbols_destroy(s);

	make_program(false);
	elf.symtab_type = 0;
	fake_elf_finish(&elf);
	s = with_file(fake_file(elf.b, elf.len), NULL);
	EXPECT_STR(name(s, 0x8004), "-");
	expect_problem(s, "has no symbols (is it stripped?)");
	symbols_destroy(s);
}

TEST(symbols_of_a_program_move_with_the_address_it_was_given)
{
	uint64_t at = 0xaaaac0de0000;
	struct symbol_place p;
	struct symbol_text t;
	struct symbols *s;

	make_program(false);
	fake_elf_finish(&elf);
	s = with_file(fake_file(elf.b, elf.len), &at);
	EXPECT(symbols_name(s, at + 0x104, &t));
	EXPECT_STR(t.name, "helper");
	EXPECT_EQ(t.offset, 4);
	EXPECT(t.module[0]); /* the file's name */
	EXPECT(!symbols_name(s, 0x8104, &t));
	EXPECT(symbols_find(s, "helper", &p));
	EXPECT_EQ(p.va, at + 0x100);
	symbols_destroy(s);
}

TEST(symbols_of_a_module_count_from_its_text_and_need_its_address)
{
	uint64_t at = 0xffff800078000000;
	struct symbols *s = symbols_create(NULL);
	const char *path;
	unsigned text, init;
	struct err e;

	fake_elf_init(&elf, false, ET_REL);
	text = fake_elf_section(&elf, ".text", SHT_PROGBITS, SHF_ALLOC, 0, NULL, 0x200);
	init = fake_elf_section(&elf, ".init.text", SHT_PROGBITS, SHF_ALLOC, 0, NULL, 0x100);
	add("probe", 0x40, 0x40, text, STT_FUNC, STB_LOCAL);
	add("init_module", 0x40, 0x40, init, STT_FUNC, STB_GLOBAL);
	fake_elf_finish(&elf);
	path = fake_file(elf.b, elf.len);
	EXPECT_EQ(symbols_add(s, path, NULL, &e), -EINVAL);
	EXPECT_HAS(e.text, "say where its text lies");
	EXPECT_EQ(symbols_add(s, path, &at, &e), 0);
	EXPECT_HAS(name(s, at + 0x48), "probe+0x8/0x40 [");
	EXPECT_STR(name(s, at + 0x200), "-");
	EXPECT_STR(name(s, at), "-");
	symbols_destroy(s);
}

/* --- System.map ------------------------------------------------------------------------------- */

TEST(symbols_of_a_map_are_its_lines)
{
	struct symbols *s = with_text("0000000000000000 A absolute\n"
				      "                 U undefined\n"
				      "0000000000001000 T first\n"
				      "0000000000001040 t $x\n"
				      "0000000000001080 t second\r\n"
				      "00000000000010c0 W weak\n"
				      "00000000000010c0 t third\n"
				      "00000000000010c0 T _the_global\n"
				      "0000000000001100 t in_module\t[virtio_net]\n"
				      "\n"
				      "0000000000002000 T _etext\n"
				      "0000000000003000 D data\n"
				      "0000000000004000 B last");

	EXPECT_STR(name(s, 0xfff), "-");
	EXPECT_STR(name(s, 0x1044), "first+0x44/0x80");
	EXPECT_STR(name(s, 0x1080), "second+0x0/0x40");
	EXPECT_STR(name(s, 0x10c4), "_the_global+0x4/0x40");
	EXPECT_STR(name(s, 0x1104), "in_module+0x4/0xf00 [virtio_net]");
	EXPECT_STR(name(s, 0x2004), "-"); /* behind _etext */
	EXPECT_STR(name(s, 0x3004), "data+0x4/0x1000");
	EXPECT_STR(name(s, 0x4004), "last+0x4");
	EXPECT_STR(name(s, 0x40000), "-");
	symbols_destroy(s);
}

TEST(symbols_of_a_map_count_from_the_address_it_was_given)
{
	static const char text[] = "ffff800080000000 T _text\nffff800080010000 T panic\n";
	uint64_t at = 0xffff900000000000;
	struct symbols *s = with_file(fake_file(text, sizeof(text) - 1), &at);
	struct symbol_place p;

	EXPECT(symbols_find(s, "panic", &p));
	EXPECT_EQ(p.va, at + 0x10000);
	symbols_destroy(s);
}

TEST(symbols_of_a_strange_map_are_refused_by_the_line)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "1000 T one\n1000 T\n", "line 2 is not" },
		{ "1000 T one\n2000 T two\n\n12345678901234567 T x\n", "line 4 is not" },
		{ "1000 T one\nxyz T x\n", "line 2 is not" },
		{ "1000 T one\n1000 7 x\n", "line 2 is not" },
		{ "1000 T one\n1000 TT x\n", "line 2 is not" },
		{ "1000 T one\n1000", "line 2 is not" },
		{ "0000 T one\n0000 T two\n", "all its addresses are 0" },
		{ "0000 A one\n", "has no symbols" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct symbols *s = with_text(cases[i].text);

		EXPECT_STR(name(s, 0x1000), "-");
		expect_problem(s, cases[i].says);
		symbols_destroy(s);
	}
}

TEST(symbols_files_of_other_kinds_are_refused_at_once)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *says;
	} cases[] = {
		{ "", 0, "is empty" },
		{ "hello world", 11, "is neither an ELF file nor a System.map" },
		{ "\x1f\x8b\x08\0\0\0", 6, "is to be unpacked first" },
	};
	struct symbols *s = symbols_create(NULL);
	struct err e;

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		EXPECT_EQ(symbols_add(s, fake_file(cases[i].bytes, cases[i].len), NULL, &e),
			  -EINVAL);
		EXPECT_HAS(e.text, cases[i].says);
	}
	EXPECT_EQ(symbols_add(s, "/nonexistent/vmlinux", NULL, &e), -ENOENT);
	EXPECT_STR(e.text, "open /nonexistent/vmlinux: No such file or directory");
	symbols_destroy(s);
}

TEST(symbols_of_other_machines_are_problems_later)
{
	static const struct {
		size_t at;
		uint8_t byte;
		const char *says;
	} cases[] = {
		{ EI_DATA, ELFDATA2MSB, "not a little-endian" },
		{ 18, EM_X86_64, "neither for arm64 nor for 32-bit ARM" },
		{ EI_CLASS, ELFCLASS32, "neither for arm64 nor for 32-bit ARM" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct symbols *s;

		make_program(false);
		fake_elf_finish(&elf);
		elf.b[cases[i].at] = cases[i].byte;
		s = with_file(fake_file(elf.b, elf.len), NULL);
		EXPECT_STR(name(s, 0x8000), "-");
		expect_problem(s, cases[i].says);
		symbols_destroy(s);
	}
}

TEST(symbols_of_a_file_with_a_section_beyond_its_end_are_a_problem)
{
	struct symbols *s;
	size_t at;

	make_program(false);
	fake_elf_finish(&elf);
	memcpy(&at, elf.b + offsetof(Elf64_Ehdr, e_shoff), sizeof(at));
	elf.b[at + sizeof(Elf64_Shdr) + offsetof(Elf64_Shdr, sh_size) + 7] = 0x7f;
	s = with_file(fake_file(elf.b, elf.len), NULL);
	EXPECT_STR(name(s, 0x8000), "-");
	expect_problem(s, "a section reaches beyond its end");
	symbols_destroy(s);
}

/* --- a kernel --------------------------------------------------------------------------------- */

/* What a vmlinux or System.map of the fake kernel says; its names begin with "file_". */
static const char *map_of(const struct fake_kernel *k, int64_t wrong)
{
	static char text[65536];
	size_t n = 0;

	for (size_t i = 0; i < k->nr; i++) {
		const struct fake_symbol *s = &k->symbol[i];
		bool own = strncmp(s->name, "do_", 3) == 0;
		int64_t by = strcmp(s->name, "panic") == 0 ? wrong : 0;

		n += (size_t)snprintf(text + n, sizeof(text) - n, "%016llx %c %s%s\n",
				      (unsigned long long)(LINK_VA + s->offset + (uint64_t)by),
				      s->type, own ? "file_" : "", s->name);
		EXPECT(n < sizeof(text));
	}
	return fake_file(text, n);
}

TEST(symbols_without_files_come_from_the_running_kernel)
{
	for (unsigned i = 0; i < NR_LAYOUTS; i++) {
		struct fake_config c = { .layout = i, .all = true, .text_va = TEXT_VA };
		struct fake_kernel *k = fake_kernel_make(&c);
		struct guest_reader r = reader(k);
		struct symbols *s = symbols_create(&r);
		struct symbol_place p;

		EXPECT_STR(name(s, TEXT_VA + FAKE_PANIC), "-"); /* nobody said where */
		symbols_image(s, BASE, FAKE_SIZE);
		EXPECT_STR(name(s, TEXT_VA + FAKE_PANIC + 4), "panic+0x4/0x100");
		EXPECT_STR(name(s, LINK_VA + FAKE_PANIC + 4), "-");
		EXPECT_STR(name(s, TEXT_VA + FAKE_SIZE), "-");
		EXPECT_STR(name(s, TEXT_VA - 1), "-");
		EXPECT_STR(name_physical(s, BASE + FAKE_JIFFIES), "jiffies+0x0/0x40");
		EXPECT(symbols_find(s, "vectors", &p));
		EXPECT(p.va_known && p.pa_known);
		EXPECT_EQ(p.va, TEXT_VA + FAKE_VECTORS);
		EXPECT_EQ(p.pa, BASE + FAKE_VECTORS);
		EXPECT(!symbols_find(s, "no_such_thing", &p));
		symbols_destroy(s);
		free(k);
	}
}

TEST(symbols_of_a_kernel_that_has_not_relocated_itself_are_physical)
{
	struct fake_config c = { .layout = LAYOUT_6_2 };
	struct fake_kernel *k = fake_kernel_make(&c);
	struct guest_reader r = reader(k);
	struct symbols *s = symbols_create(&r);
	struct symbol_place p;

	symbols_image(s, BASE, FAKE_SIZE);
	EXPECT_STR(name_physical(s, BASE + FAKE_PRIMARY_ENTRY + 8), "primary_entry+0x8/0xc0");
	EXPECT(symbols_find(s, "panic", &p));
	EXPECT(!p.va_known && p.pa_known);
	EXPECT_EQ(p.pa, BASE + FAKE_PANIC);
	/* Then it turns its MMU on, and somebody looks at VBAR_EL1. */
	symbols_locate(s, TEXT_VA + FAKE_VECTORS, BASE + FAKE_VECTORS);
	EXPECT_STR(name(s, TEXT_VA + FAKE_PANIC), "panic+0x0/0x100");
	symbols_destroy(s);
	free(k);
}

TEST(symbols_of_a_kernel_that_nobody_announced_are_found_around_its_vectors)
{
	struct fake_config c = { .layout = LAYOUT_6_2, .no_header = true, .text_va = TEXT_VA };
	struct fake_kernel *k = fake_kernel_make(&c);
	struct guest_reader r = reader(k);
	struct symbols *s = symbols_create(&r);

	k->from = 0;
	k->to = UINT64_MAX;
	symbols_locate(s, TEXT_VA + FAKE_VECTORS, BASE + FAKE_VECTORS);
	EXPECT_STR(name(s, TEXT_VA + FAKE_PANIC), "panic+0x0/0x100");
	EXPECT_STR(name_physical(s, BASE + FAKE_PANIC), "panic+0x0/0x100");
	symbols_destroy(s);
	free(k);
}

TEST(symbols_believe_no_location_that_is_not_a_kernels)
{
	static const uint64_t cases[][2] = {
		{ 0x40210800, 0x40210800 },		      /* lower half: the MMU is off */
		{ TEXT_VA + 0x1800, BASE + 0x800 },	      /* the trampoline of KPTI */
		{ TEXT_VA + 0x800, BASE - 0x200000 + 0x800 }, /* not in the image */
		{ TEXT_VA + 0x800, BASE + 0x200000 + 0x800 },
	};
	struct fake_config c = { .layout = LAYOUT_7_0 };
	struct fake_kernel *k = fake_kernel_make(&c);
	struct guest_reader r = reader(k);
	struct symbols *s = symbols_create(&r);

	symbols_image(s, BASE, FAKE_SIZE);
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		symbols_locate(s, cases[i][0], cases[i][1]);
		EXPECT_STR(name(s, cases[i][0] - cases[i][1] + BASE + FAKE_PANIC), "-");
	}
	symbols_locate(s, TEXT_VA + FAKE_VECTORS, BASE + FAKE_VECTORS);
	EXPECT_STR(name(s, TEXT_VA + FAKE_PANIC), "panic+0x0/0x100");
	symbols_destroy(s);
	free(k);
}

TEST(symbols_of_a_kernels_file_move_with_it)
{
	for (unsigned all = 0; all < 2; all++) {
		struct fake_config c = { .layout = LAYOUT_6_4, .all = all, .text_va = TEXT_VA };
		struct fake_kernel *k = fake_kernel_make(&c);
		struct guest_reader r = reader(k);
		struct symbols *s = symbols_create(&r);
		struct symbol_place p;
		struct err e;

		EXPECT_EQ(symbols_add(s, map_of(k, 0), NULL, &e), 0);
		symbols_image(s, BASE, FAKE_SIZE);
		EXPECT_STR(name(s, TEXT_VA + 0x11004), "file_do_write_probe_0+0x4/0x60");
		EXPECT_STR(name(s, LINK_VA + 0x11004), "-");
		EXPECT_STR(name_physical(s, BASE + 0x11004), "file_do_write_probe_0+0x4/0x60");
		EXPECT(symbols_find(s, "file_do_write_probe_0", &p));
		EXPECT(p.va_known && p.pa_known);
		EXPECT_EQ(p.va, TEXT_VA + 0x11000);
		EXPECT_EQ(p.pa, BASE + 0x11000);
		EXPECT(!symbols_problem(s, &e));
		symbols_destroy(s);
		free(k);
	}
}

TEST(symbols_of_another_kernels_file_are_set_aside)
{
	struct fake_config c = { .layout = LAYOUT_7_0, .all = true, .text_va = TEXT_VA };
	struct fake_kernel *k = fake_kernel_make(&c);
	struct guest_reader r = reader(k);
	struct symbols *s = symbols_create(&r);
	struct err e;

	EXPECT_EQ(symbols_add(s, map_of(k, 8), NULL, &e), 0);
	symbols_image(s, BASE, FAKE_SIZE);
	EXPECT_STR(name(s, TEXT_VA + 0x11004), "do_write_probe_0+0x4/0x60");
	EXPECT_STR(name_physical(s, BASE + 0x11004), "do_write_probe_0+0x4/0x60");
	EXPECT_STR(name(s, LINK_VA + 0x11004), "-");
	expect_problem(s, "is not of the kernel that runs: 'panic' is elsewhere there");
	symbols_destroy(s);
	free(k);
}

TEST(symbols_of_a_kernel_without_tables_come_from_its_file)
{
	struct fake_config c = { .layout = LAYOUT_6_4, .all = true };
	struct fake_kernel *k = fake_kernel_make(&c);
	struct symbols *s = symbols_create(NULL);
	struct err e;

	EXPECT_EQ(symbols_add(s, map_of(k, 0), NULL, &e), 0);
	/* As long as nobody says where it is, it is where it was linked. */
	EXPECT_STR(name(s, LINK_VA + FAKE_PANIC), "panic+0x0/0x100");
	EXPECT_STR(name_physical(s, BASE + FAKE_PANIC), "-");
	symbols_image(s, BASE, FAKE_SIZE);
	EXPECT_STR(name(s, LINK_VA + FAKE_PANIC), "panic+0x0/0x100");
	EXPECT_STR(name_physical(s, BASE + FAKE_PANIC), "panic+0x0/0x100");
	symbols_locate(s, TEXT_VA + FAKE_VECTORS, BASE + FAKE_VECTORS);
	EXPECT_STR(name(s, TEXT_VA + FAKE_PANIC), "panic+0x0/0x100");
	EXPECT_STR(name(s, LINK_VA + FAKE_PANIC), "-");
	symbols_image(s, BASE, FAKE_SIZE); /* after a reset it will be elsewhere */
	EXPECT_STR(name(s, TEXT_VA + FAKE_PANIC), "-");
	symbols_destroy(s);
	free(k);
}

TEST(symbols_of_the_kernel_before_a_reset_are_forgotten)
{
	struct fake_config c = { .layout = LAYOUT_6_4, .all = true, .text_va = TEXT_VA };
	struct fake_kernel *k = fake_kernel_make(&c), *next;
	struct guest_reader r = reader(k);
	struct symbols *s = symbols_create(&r);
	const uint64_t va = TEXT_VA + 0x1234000000;

	symbols_image(s, BASE, FAKE_SIZE);
	EXPECT_STR(name(s, TEXT_VA + FAKE_PANIC), "panic+0x0/0x100");
	c = (struct fake_config){ .layout = LAYOUT_7_0, .all = true, .text_va = va };
	next = fake_kernel_make(&c);
	memcpy(k->mem, next->mem, FAKE_SIZE);
	symbols_image(s, BASE, FAKE_SIZE);
	EXPECT_STR(name(s, TEXT_VA + FAKE_PANIC), "-");
	EXPECT_STR(name(s, va + FAKE_PANIC), "panic+0x0/0x100");
	symbols_destroy(s);
	free(next);
	free(k);
}

/* --- what comes out --------------------------------------------------------------------------- */

TEST(symbols_of_a_return_address_are_those_of_the_call)
{
	struct symbols *s = with_text("1000 T caller\n1040 T next\n1080 T _end\n");
	struct symbol_text t;

	EXPECT(symbols_name_return(s, 0x1040, &t)); /* the call never returns */
	EXPECT_STR(t.name, "caller");
	EXPECT_EQ(t.offset, 0x40);
	EXPECT(!symbols_name_return(s, 0x1000, &t));
	EXPECT(!symbols_name_return(s, 0, &t));
	symbols_destroy(s);
}

TEST(symbols_with_hostile_names_are_printable_and_cut)
{
	char text[2048], expect[256];
	struct symbol_text t;
	struct symbols *s;
	int n = snprintf(text, sizeof(text), "1000 T a\x7f[2Jb\xff%%s\n2000 T ");

	memset(text + n, 'x', 600);
	memcpy(text + n + 600, "\n3000 T z\n", 11);
	s = with_text(text);
	EXPECT(symbols_name(s, 0x1000, &t));
	EXPECT_STR(t.name, "a?[2Jb?%s");
	EXPECT(symbols_name(s, 0x2000, &t));
	memset(expect, 'x', sizeof(expect));
	memcpy(expect + sizeof(expect) - 4, "...", 4);
	EXPECT_STR(t.name, expect);
	EXPECT_STR(name(s, 0x3000), "z+0x0");
	symbols_destroy(s);
}

TEST(symbol_format_says_what_is_known_and_cuts)
{
	struct symbol_text t = { .name = "do_one", .offset = 0x5c };
	char buf[80];

	symbol_format(&t, buf, sizeof(buf));
	EXPECT_STR(buf, "do_one+0x5c");
	t.size = 0x2d8;
	memcpy(t.line, "init/main.c:1234", 17);
	symbol_format(&t, buf, sizeof(buf));
	EXPECT_STR(buf, "do_one+0x5c/0x2d8 (init/main.c:1234)");
	memcpy(t.module, "virtio", 7);
	symbol_format(&t, buf, sizeof(buf));
	EXPECT_STR(buf, "do_one+0x5c/0x2d8 [virtio] (init/main.c:1234)");
	symbol_format(&t, buf, 8);
	EXPECT_STR(buf, "do_one+");
	symbol_format(&t, buf, 1);
	EXPECT_STR(buf, "");
}

TEST(symbols_files_are_asked_in_their_order)
{
	struct symbols *s = with_text("1000 T one\n2000 T _end\n");
	struct err e;

	EXPECT_EQ(symbols_add(s, fake_file("1800 T two\n3000 T _end\n", 23), NULL, &e), 0);
	EXPECT_STR(name(s, 0x1900), "one+0x900/0x1000");
	EXPECT_STR(name(s, 0x2900), "two+0x1100/0x1800");
	symbols_destroy(s);
}

/* --- damage ----------------------------------------------------------------------------------- */

static void look_around(const uint8_t *bytes, size_t len)
{
	struct symbols *s = symbols_create(NULL);
	struct symbol_place p;
	struct err e;

	if (symbols_add(s, fake_file(bytes, len), NULL, &e) == 0) {
		for (uint64_t va = 0x7f00; va < 0x9400; va += 0x93)
			EXPECT(strlen(name(s, va)) < 600);
		(void)symbols_find(s, "counter", &p);
		while (symbols_problem(s, &e))
			EXPECT(e.text[0] && !strchr(e.text, '\n'));
	} else {
		EXPECT(e.text[0] && !strchr(e.text, '\n'));
	}
	symbols_destroy(s);
}

/* Closes what fake_file() left open. */
static void close_files(void)
{
	for (int fd = 3; fd < 512; fd++)
		(void)close(fd);
}

TEST(symbols_of_an_elf_file_cut_anywhere_are_harmless)
{
	for (unsigned is32 = 0; is32 < 2; is32++) {
		make_program(is32);
		fake_elf_finish(&elf);
		for (size_t len = 0; len < elf.len; len += len < 256 ? 1 : 7) {
			look_around(elf.b, len);
			close_files();
		}
	}
}

TEST(symbols_of_a_damaged_elf_file_are_harmless)
{
	static const uint8_t values[] = { 0, 0xff, 0x80, 1 };

	for (unsigned is32 = 0; is32 < 2; is32++) {
		make_program(is32);
		fake_elf_finish(&elf);
		for (size_t at = 0; at < elf.len; at++) {
			uint8_t was = elf.b[at];

			if (at > 256 && at < 0x640) /* the contents of .text and .data */
				continue;
			elf.b[at] = values[at % ARRAY_SIZE(values)];
			if (elf.b[at] != was)
				look_around(elf.b, elf.len);
			elf.b[at] = was;
			close_files();
		}
	}
}

TEST(symbols_of_a_file_that_shrinks_under_us_are_harmless)
{
	struct symbols *s;
	const char *path;

	make_program(false);
	fake_elf_finish(&elf);
	path = fake_file(elf.b, elf.len);
	s = with_file(path, NULL);
	EXPECT_EQ(truncate(path, 100), 0); /* before anything was read */
	EXPECT_STR(name(s, 0x8000), "-");
	expect_problem(s, "ends after");
	symbols_destroy(s);

	path = fake_file(elf.b, elf.len);
	s = with_file(path, NULL);
	EXPECT_STR(name(s, 0x8000), "start+0x0/0x100");
	EXPECT_EQ(truncate(path, 100), 0); /* and after its symbols were */
	EXPECT_STR(name(s, 0x8000), "-");
	symbols_destroy(s);
}

TEST_MAIN(T(symbols_of_an_elf_file_are_those_that_name_addresses),
	  T(symbols_are_found_by_name_the_global_one_first),
	  T(symbols_of_thumb_code_begin_at_its_even_address),
	  T(symbols_of_a_stripped_file_are_the_dynamic_ones_or_a_problem),
	  T(symbols_of_a_program_move_with_the_address_it_was_given),
	  T(symbols_of_a_module_count_from_its_text_and_need_its_address),
	  T(symbols_of_a_map_are_its_lines),
	  T(symbols_of_a_map_count_from_the_address_it_was_given),
	  T(symbols_of_a_strange_map_are_refused_by_the_line),
	  T(symbols_files_of_other_kinds_are_refused_at_once),
	  T(symbols_of_other_machines_are_problems_later),
	  T(symbols_of_a_file_with_a_section_beyond_its_end_are_a_problem),
	  T(symbols_without_files_come_from_the_running_kernel),
	  T(symbols_of_a_kernel_that_has_not_relocated_itself_are_physical),
	  T(symbols_of_a_kernel_that_nobody_announced_are_found_around_its_vectors),
	  T(symbols_believe_no_location_that_is_not_a_kernels),
	  T(symbols_of_a_kernels_file_move_with_it),
	  T(symbols_of_another_kernels_file_are_set_aside),
	  T(symbols_of_a_kernel_without_tables_come_from_its_file),
	  T(symbols_of_the_kernel_before_a_reset_are_forgotten),
	  T(symbols_of_a_return_address_are_those_of_the_call),
	  T(symbols_with_hostile_names_are_printable_and_cut),
	  T(symbol_format_says_what_is_known_and_cuts), T(symbols_files_are_asked_in_their_order),
	  T(symbols_of_an_elf_file_cut_anywhere_are_harmless),
	  T(symbols_of_a_damaged_elf_file_are_harmless),
	  T(symbols_of_a_file_that_shrinks_under_us_are_harmless))
