/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/boot/elf.h"

#include "arch/arm64/boot/foreign.h"
#include "vmm/base/checked.h"
#include "vmm/base/le.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>

/* A PT_LOAD entry, as far as it matters here. */
struct segment {
	uint64_t offset, filesz; /* in the file */
	uint64_t vaddr, paddr, memsz;
};

static int check_header(const uint8_t *h, const struct io_file *f, struct err *e)
{
	unsigned machine = le16_at(h + offsetof(Elf64_Ehdr, e_machine));
	unsigned type = le16_at(h + offsetof(Elf64_Ehdr, e_type));

	if (h[EI_DATA] == ELFDATA2MSB)
		return err_set(e, EINVAL,
			       "%s: is a big-endian ELF file: a little-endian arm64 one "
			       "is needed",
			       f->name);
	if (h[EI_CLASS] != ELFCLASS64 || machine != EM_AARCH64)
		return err_set(e, EINVAL,
			       "%s: is an ELF file for %s: a 64-bit one for arm64 is "
			       "needed",
			       f->name,
			       machine == EM_AARCH64 ? "32-bit programs"
						     : foreign_elf_machine(machine));
	if (type == ET_REL)
		return err_set(e, EINVAL,
			       "%s: is an object file or kernel module, not a linked "
			       "kernel",
			       f->name);
	if (type != ET_EXEC && type != ET_DYN)
		return err_set(e, EINVAL, "%s: is an ELF file, but no program (e_type %u)", f->name,
			       type);
	return 0;
}

static int check_segment(const struct segment *s, const struct io_file *f, struct err *e)
{
	uint64_t end;

	if (!range_inside(s->offset, s->filesz, 0, f->size))
		return err_set(e, EINVAL,
			       "%s: truncated: a segment reaches beyond the %" PRIu64
			       " bytes of the file",
			       f->name, f->size);
	if (s->filesz > s->memsz || !add_ok(s->paddr, s->memsz, &end) ||
	    !add_ok(s->vaddr, s->memsz, &end))
		return err_set(e, EINVAL,
			       "%s: corrupt: a segment of %" PRIu64 " bytes at 0x%" PRIx64
			       " holds %" PRIu64 " bytes of the file",
			       f->name, s->memsz, s->paddr, s->filesz);
	return 0;
}

/* Inserts by address; piece.to is the physical address for now. */
static void add_piece(struct image *im, const struct segment *s)
{
	size_t i = im->nr_pieces++;

	for (; i > 0 && im->piece[i - 1].to > s->paddr; i--)
		im->piece[i] = im->piece[i - 1];
	im->piece[i] = (struct image_piece){
		.from = s->offset, .len = s->filesz, .to = s->paddr, .size = s->memsz
	};
}

/* From addresses to offsets from the lowest; the entry point found its segment before. */
static void make_relative(struct image *im)
{
	uint64_t base = im->piece[0].to;

	for (size_t i = 0; i < im->nr_pieces; i++) {
		struct image_piece *p = &im->piece[i];

		p->to -= base;
		if (p->to + p->size > im->size)
			im->size = p->to + p->size;
	}
	im->address = base;
	im->entry -= base;
}

int elf_sniff(struct image *im, const struct io_file *f, struct err *e)
{
	uint8_t h[sizeof(Elf64_Ehdr)], ph[sizeof(Elf64_Phdr)];
	uint64_t entry, table;
	bool entered = false;
	unsigned n;
	int err;

	if (f->size < sizeof(h))
		return err_set(e, EINVAL, "%s: truncated: an ELF file of %" PRIu64 " bytes",
			       f->name, f->size);
	err = io_read_at(f, 0, h, sizeof(h), e);
	if (err)
		return err;
	err = check_header(h, f, e);
	if (err)
		return err;
	entry = le64_at(h + offsetof(Elf64_Ehdr, e_entry));
	table = le64_at(h + offsetof(Elf64_Ehdr, e_phoff));
	n = le16_at(h + offsetof(Elf64_Ehdr, e_phnum));
	if (n && le16_at(h + offsetof(Elf64_Ehdr, e_phentsize)) != sizeof(ph))
		return err_set(e, EINVAL, "%s: corrupt: program headers of a strange size",
			       f->name);
	if (!range_inside(table, n * sizeof(ph), 0, f->size))
		return err_set(e, EINVAL,
			       "%s: truncated: its program headers lie beyond the %" PRIu64
			       " bytes of the file",
			       f->name, f->size);

	im->kind = IMAGE_FIXED;
	for (unsigned i = 0; i < n; i++) {
		struct segment s;

		err = io_read_at(f, table + i * sizeof(ph), ph, sizeof(ph), e);
		if (err)
			return err;
		s = (struct segment){
			.offset = le64_at(ph + offsetof(Elf64_Phdr, p_offset)),
			.filesz = le64_at(ph + offsetof(Elf64_Phdr, p_filesz)),
			.vaddr = le64_at(ph + offsetof(Elf64_Phdr, p_vaddr)),
			.paddr = le64_at(ph + offsetof(Elf64_Phdr, p_paddr)),
			.memsz = le64_at(ph + offsetof(Elf64_Phdr, p_memsz)),
		};
		if (le32_at(ph + offsetof(Elf64_Phdr, p_type)) != PT_LOAD || s.memsz == 0)
			continue;
		err = check_segment(&s, f, e);
		if (err)
			return err;
		if (im->nr_pieces == IMAGE_MAX_PIECES)
			return err_set(e, EINVAL, "%s: more than %d segments", f->name,
				       IMAGE_MAX_PIECES);
		if (!entered && entry >= s.vaddr && entry - s.vaddr < s.memsz) {
			im->entry = entry - s.vaddr + s.paddr;
			entered = true;
		}
		add_piece(im, &s);
	}
	if (im->nr_pieces == 0)
		return err_set(e, EINVAL, "%s: an ELF file with nothing to load", f->name);
	if (!entered)
		return err_set(e, EINVAL,
			       "%s: its entry point 0x%" PRIx64 " lies in none of its "
			       "segments",
			       f->name, entry);
	make_relative(im);
	return 0;
}
