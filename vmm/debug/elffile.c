/* SPDX-License-Identifier: Apache-2.0 */
#define ZLIB_CONST
#include "vmm/debug/elffile.h"

#include "vmm/base/checked.h"
#include "vmm/base/le.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <zlib.h>
#include <zstd.h>

#define MAX_SEGMENTS 4096

/* Reads a field of a structure that differs between the two classes. */
#define FIELD(is64, p, T, f)                                                                       \
	((is64) ? word((p) + offsetof(Elf64_##T, f), sizeof(((Elf64_##T *)0)->f))                  \
		: word((p) + offsetof(Elf32_##T, f), sizeof(((Elf32_##T *)0)->f)))

static uint64_t word(const uint8_t *p, size_t size)
{
	return size == 8 ? le64_at(p) : size == 4 ? le32_at(p) : le16_at(p);
}

static int corrupt(const struct io_file *f, const char *what, struct err *e)
{
	return err_set(e, EINVAL, "%s: corrupt or truncated ELF file: %s", f->name, what);
}

bool elf_file_sniff(const uint8_t *head, size_t len)
{
	return len >= SELFMAG && memcmp(head, ELFMAG, SELFMAG) == 0;
}

/* --- header ----------------------------------------------------------------------------------- */

static int check_ident(const uint8_t *h, const struct io_file *f, struct err *e)
{
	unsigned machine = le16_at(h + offsetof(Elf64_Ehdr, e_machine));

	if (!elf_file_sniff(h, EI_NIDENT))
		return err_set(e, EINVAL, "%s: is no ELF file", f->name);
	if (h[EI_DATA] != ELFDATA2LSB)
		return err_set(e, EINVAL, "%s: is not a little-endian ELF file", f->name);
	if (!(h[EI_CLASS] == ELFCLASS64 && machine == EM_AARCH64) &&
	    !(h[EI_CLASS] == ELFCLASS32 && machine == EM_ARM))
		return err_set(e, EINVAL,
			       "%s: is an ELF file neither for arm64 nor for 32-bit ARM "
			       "(e_machine %u)",
			       f->name, machine);
	return 0;
}

static void read_section(bool is64, const uint8_t *p, struct elf_section *s)
{
	*s = (struct elf_section){
		.name = (uint32_t)FIELD(is64, p, Shdr, sh_name),
		.type = (uint32_t)FIELD(is64, p, Shdr, sh_type),
		.link = (uint32_t)FIELD(is64, p, Shdr, sh_link),
		.info = (uint32_t)FIELD(is64, p, Shdr, sh_info),
		.flags = FIELD(is64, p, Shdr, sh_flags),
		.addr = FIELD(is64, p, Shdr, sh_addr),
		.offset = FIELD(is64, p, Shdr, sh_offset),
		.size = FIELD(is64, p, Shdr, sh_size),
		.entsize = FIELD(is64, p, Shdr, sh_entsize),
	};
}

/* @h is the file's header. With many sections, their number is in the first one. */
static int read_sections(struct elf_file *ef, const uint8_t *h, struct err *e)
{
	size_t size = ef->is64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
	uint64_t at = FIELD(ef->is64, h, Ehdr, e_shoff), n = FIELD(ef->is64, h, Ehdr, e_shnum);
	uint64_t names = FIELD(ef->is64, h, Ehdr, e_shstrndx);
	auto_bytes struct io_bytes table = { NULL, 0 };
	const struct io_file *f = ef->file;
	uint8_t first[sizeof(Elf64_Shdr)];
	int err;

	if (at == 0)
		return 0;
	if (FIELD(ef->is64, h, Ehdr, e_shentsize) != size)
		return corrupt(f, "section headers of a strange size", e);
	if (!range_inside(at, size, 0, f->size))
		return corrupt(f, "its section table lies beyond its end", e);
	if (n == 0 || names == SHN_XINDEX) {
		struct elf_section s;

		err = io_read_at(f, at, first, size, e);
		if (err)
			return err;
		read_section(ef->is64, first, &s);
		n = n ? n : s.size;
		names = names == SHN_XINDEX ? s.link : names;
	}
	if (n > ELFFILE_MAX_SECTIONS)
		return err_set(e, EINVAL, "%s: %" PRIu64 " sections are more than vmm reads (%d)",
			       f->name, n, ELFFILE_MAX_SECTIONS);
	if (n == 0 || !range_inside(at, n * size, 0, f->size))
		return corrupt(f, "its section table lies beyond its end", e);
	err = io_load(f, at, n * size, &table, e);
	if (err)
		return err;
	ef->section = calloc(n, sizeof(*ef->section));
	if (!ef->section)
		return err_set(e, ENOMEM, "%s: no memory for its sections", f->name);
	ef->nr_sections = (unsigned)n;
	for (uint64_t i = 0; i < n; i++) {
		struct elf_section *s = &ef->section[i];

		read_section(ef->is64, (const uint8_t *)table.data + i * size, s);
		if (s->type != SHT_NOBITS && !range_inside(s->offset, s->size, 0, f->size))
			return corrupt(f, "a section reaches beyond its end", e);
	}
	if (names >= n || ef->section[names].type != SHT_STRTAB || !ef->section[names].size)
		return 0; /* sections without names */
	if (ef->section[names].size > ELFFILE_MAX_DATA)
		return corrupt(f, "too many names of sections", e);
	err = io_load(f, ef->section[names].offset, ef->section[names].size, &ef->names, e);
	if (!err)
		((char *)ef->names.data)[ef->names.len - 1] = '\0';
	return err;
}

static int read_segments(struct elf_file *ef, const uint8_t *h, struct err *e)
{
	size_t size = ef->is64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	uint64_t at = FIELD(ef->is64, h, Ehdr, e_phoff), n = FIELD(ef->is64, h, Ehdr, e_phnum);
	uint8_t p[sizeof(Elf64_Phdr)];
	bool any = false;

	if (at == 0 || n == 0)
		return 0;
	if (FIELD(ef->is64, h, Ehdr, e_phentsize) != size || n > MAX_SEGMENTS ||
	    !range_inside(at, n * size, 0, ef->file->size))
		return corrupt(ef->file, "strange program headers", e);
	for (uint64_t i = 0; i < n; i++) {
		uint64_t va;
		int err = io_read_at(ef->file, at + i * size, p, size, e);

		if (err)
			return err;
		va = FIELD(ef->is64, p, Phdr, p_vaddr);
		if (le32_at(p) == PT_LOAD && (!any || va < ef->lowest)) {
			ef->lowest = va;
			any = true;
		}
	}
	return 0;
}

int elf_file_open(struct elf_file *ef, const struct io_file *f, struct err *e)
{
	uint8_t h[sizeof(Elf64_Ehdr)] = { 0 };
	int err;

	*ef = (struct elf_file){ .file = f };
	if (f->size < sizeof(Elf32_Ehdr))
		return corrupt(f, "it has no header", e);
	err = io_read_at(f, 0, h, f->size < sizeof(h) ? sizeof(Elf32_Ehdr) : sizeof(h), e);
	if (err)
		return err;
	err = check_ident(h, f, e);
	if (err)
		return err;
	ef->is64 = h[EI_CLASS] == ELFCLASS64;
	ef->type = le16_at(h + offsetof(Elf64_Ehdr, e_type));
	err = read_sections(ef, h, e);
	if (!err)
		err = read_segments(ef, h, e);
	if (err)
		elf_file_close(ef);
	return err;
}

void elf_file_close(struct elf_file *ef)
{
	free(ef->section);
	io_unload(&ef->names);
	*ef = (struct elf_file){ 0 };
}

const struct elf_section *elf_file_section(const struct elf_file *ef, const char *name)
{
	for (unsigned i = 0; i < ef->nr_sections; i++) {
		const struct elf_section *s = &ef->section[i];

		if (s->name < ef->names.len &&
		    strcmp((const char *)ef->names.data + s->name, name) == 0)
			return s;
	}
	return NULL;
}

/* --- contents --------------------------------------------------------------------------------- */

static bool unpack_zlib(const struct io_bytes *in, size_t head, struct io_bytes *out)
{
	uLongf len = out->len;

	return uncompress(out->data, &len, (const Bytef *)in->data + head, in->len - head) ==
		       Z_OK &&
	       len == out->len;
}

static bool unpack_zstd(const struct io_bytes *in, size_t head, struct io_bytes *out)
{
	return ZSTD_decompress(out->data, out->len, (const char *)in->data + head,
			       in->len - head) == out->len;
}

/* ch_size says beforehand how much it becomes; that is what there is room for, and no more. */
static int unpack(struct elf_data *d, bool is64, const struct elf_section *s, struct err *e)
{
	size_t head = is64 ? sizeof(Elf64_Chdr) : sizeof(Elf32_Chdr);
	auto_bytes struct io_bytes in = { NULL, 0 };
	const struct io_file *f = d->file;
	uint64_t type, size;
	void *p;
	int err;

	if (s->size <= head || s->size > ELFFILE_MAX_DATA)
		return corrupt(f, "a compressed section of a strange size", e);
	err = io_load(f, s->offset, s->size, &in, e);
	if (err)
		return err;
	type = FIELD(is64, (const uint8_t *)in.data, Chdr, ch_type);
	size = FIELD(is64, (const uint8_t *)in.data, Chdr, ch_size);
	d->len = size;
	if (size == 0)
		return 0;
	if (size > ELFFILE_MAX_DATA)
		return err_set(e, EFBIG, "%s: a compressed section of %" PRIu64 " bytes", f->name,
			       size);
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return err_sys(e, "%s: no memory to unpack %" PRIu64 " bytes", f->name, size);
	d->unpacked = (struct io_bytes){ .data = p, .len = size };
	if (type == ELFCOMPRESS_ZLIB ? unpack_zlib(&in, head, &d->unpacked)
				     : type == 2 && unpack_zstd(&in, head, &d->unpacked))
		return 0;
	elf_data_close(d);
	return corrupt(f, "a compressed section does not unpack", e);
}

int elf_data_open(struct elf_data *d, const struct elf_file *ef, const struct elf_section *s,
		  struct err *e)
{
	*d = (struct elf_data){ .file = ef->file, .at = s->offset, .len = s->size };
	if (s->type == SHT_NOBITS)
		return corrupt(ef->file, "a section without the bytes it should have", e);
	return s->flags & SHF_COMPRESSED ? unpack(d, ef->is64, s, e) : 0;
}

int elf_data_read(const struct elf_data *d, uint64_t at, void *dst, size_t len, struct err *e)
{
	if (!range_inside(at, len, 0, d->len))
		return err_set(e, EINVAL, "%s: points beyond the end of a section",
			       d->file ? d->file->name : "nothing");
	if (!d->unpacked.data)
		return io_read_at(d->file, d->at + at, dst, len, e);
	memcpy(dst, (const char *)d->unpacked.data + at, len);
	return 0;
}

void elf_data_close(struct elf_data *d)
{
	io_unload(&d->unpacked);
	*d = (struct elf_data){ 0 };
}
