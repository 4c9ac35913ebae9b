/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/fake_elf.h"

#include "tests/lib/test.h"
#include "vmm/base/io.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

/* Sizes of the headers that differ between the classes. */
#define SIZE(f, T) ((f)->is32 ? sizeof(Elf32_##T) : sizeof(Elf64_##T))

void fake_elf_init(struct fake_elf *f, bool is32, unsigned type)
{
	*f = (struct fake_elf){ .is32 = is32, .type = type, .symtab_type = SHT_SYMTAB };
	f->len = SIZE(f, Ehdr) + SIZE(f, Phdr);
	f->nr_sections = 1;
	f->section[0].name = "";
}

static size_t append(struct fake_elf *f, const void *data, size_t size)
{
	size_t at = f->len = (f->len + 7) & ~(size_t)7;

	EXPECT(size <= sizeof(f->b) - at);
	if (data)
		memcpy(f->b + at, data, size);
	f->len += size;
	return at;
}

unsigned fake_elf_section(struct fake_elf *f, const char *name, uint32_t type, uint64_t flags,
			  uint64_t addr, const void *data, size_t size)
{
	unsigned n = f->nr_sections++;

	EXPECT(n < FAKE_ELF_SECTIONS);
	f->section[n].name = name;
	f->section[n].type = type;
	f->section[n].flags = flags;
	f->section[n].addr = addr;
	f->section[n].size = size;
	f->section[n].at = type == SHT_NOBITS ? f->len : append(f, data, size);
	return n;
}

void fake_elf_symbol(struct fake_elf *f, const char *name, uint64_t value, uint64_t size,
		     unsigned section, unsigned type, unsigned bind)
{
	unsigned n = f->nr_symbols++;

	EXPECT(n < FAKE_ELF_SYMBOLS);
	f->symbol[n].name = name;
	f->symbol[n].value = value;
	f->symbol[n].size = size;
	f->symbol[n].section = section;
	f->symbol[n].type = type;
	f->symbol[n].bind = bind;
}

static void put(uint8_t **p, uint64_t v, size_t size)
{
	for (size_t i = 0; i < size; i++)
		*(*p)++ = (uint8_t)(v >> 8 * i);
}

/* One for the first section, which is at the lowest address. */
static void put_segment(struct fake_elf *f)
{
	uint8_t *p = f->b + SIZE(f, Ehdr);
	size_t word = f->is32 ? 4 : 8;

	put(&p, PT_LOAD, 4);
	if (!f->is32)
		put(&p, PF_R | PF_X, 4);
	put(&p, f->section[1].at, word);
	put(&p, f->section[1].addr, word);
	put(&p, f->section[1].addr, word);
	put(&p, f->section[1].size, word);
	put(&p, f->section[1].size, word);
	if (f->is32)
		put(&p, PF_R | PF_X, 4);
	put(&p, 4096, word);
}

static void put_symbols(struct fake_elf *f)
{
	static uint8_t table[FAKE_ELF_SYMBOLS * sizeof(Elf64_Sym)];
	uint8_t *p = table;
	static char names[8192];
	size_t used = 1;
	unsigned n;

	for (unsigned i = 0; i < f->nr_symbols; i++) {
		size_t len = strlen(f->symbol[i].name) + 1;
		unsigned info = f->symbol[i].bind << 4 | f->symbol[i].type;

		EXPECT(len <= sizeof(names) - used);
		memcpy(names + used, f->symbol[i].name, len);
		put(&p, used, 4);
		used += len;
		if (f->is32) {
			put(&p, f->symbol[i].value, 4);
			put(&p, f->symbol[i].size, 4);
		}
		put(&p, info, 2);
		put(&p, f->symbol[i].section, 2);
		if (!f->is32) {
			put(&p, f->symbol[i].value, 8);
			put(&p, f->symbol[i].size, 8);
		}
	}
	n = fake_elf_section(f, ".symtab", f->symtab_type, 0, 0, table, (size_t)(p - table));
	f->section[n].link = fake_elf_section(f, ".strtab", SHT_STRTAB, 0, 0, names, used);
}

static void put_section(struct fake_elf *f, uint8_t **p, unsigned i, uint32_t name)
{
	size_t word = f->is32 ? 4 : 8;

	put(p, name, 4);
	put(p, f->section[i].type, 4);
	put(p, f->section[i].flags, word);
	put(p, f->section[i].addr, word);
	put(p, f->section[i].at, word);
	put(p, f->section[i].size, word);
	put(p, f->section[i].link, 4);
	put(p, 0, 4);
	put(p, 1, word);
	put(p, 0, word);
}

void fake_elf_finish(struct fake_elf *f)
{
	static uint8_t table[FAKE_ELF_SECTIONS * sizeof(Elf64_Shdr)];
	uint8_t *p = table;
	size_t word = f->is32 ? 4 : 8, used = 1, at;
	uint32_t name[FAKE_ELF_SECTIONS] = { 0 };
	char names[512] = "";

	put_segment(f);
	if (f->symtab_type)
		put_symbols(f);
	(void)fake_elf_section(f, ".shstrtab", SHT_STRTAB, 0, 0, names, sizeof(names));
	for (unsigned i = 1; i < f->nr_sections; i++) {
		name[i] = (uint32_t)used;
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s",
					 f->section[i].name) +
			1;
		EXPECT(used <= sizeof(names));
	}
	memcpy(f->b + f->section[f->nr_sections - 1].at, names, sizeof(names));
	for (unsigned i = 0; i < f->nr_sections; i++)
		put_section(f, &p, i, name[i]);
	at = append(f, table, (size_t)(p - table));

	p = f->b;
	memcpy(p, ELFMAG, SELFMAG);
	p[EI_CLASS] = f->is32 ? ELFCLASS32 : ELFCLASS64;
	p[EI_DATA] = ELFDATA2LSB;
	p[EI_VERSION] = EV_CURRENT;
	p += EI_NIDENT;
	put(&p, f->type, 2);
	put(&p, f->is32 ? EM_ARM : EM_AARCH64, 2);
	put(&p, EV_CURRENT, 4);
	put(&p, f->section[1].addr, word);
	put(&p, SIZE(f, Ehdr), word);
	put(&p, at, word);
	put(&p, 0, 4);
	put(&p, SIZE(f, Ehdr), 2);
	put(&p, SIZE(f, Phdr), 2);
	put(&p, f->type == ET_REL ? 0 : 1, 2);
	put(&p, SIZE(f, Shdr), 2);
	put(&p, f->nr_sections, 2);
	put(&p, f->nr_sections - 1, 2);
}

const char *fake_file(const void *bytes, size_t len)
{
	static char path[16][32];
	static unsigned next;
	char *p = path[next++ % ARRAY_SIZE(path)];
	int fd = memfd_create("input", MFD_CLOEXEC);

	EXPECT(fd >= 0);
	EXPECT_EQ(io_write(fd, bytes, len), 0);
	(void)snprintf(p, sizeof(path[0]), "/proc/self/fd/%d", fd);
	return p;
}
