/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/debug/elfsyms.h"

#include "vmm/base/checked.h"
#include "vmm/base/le.h"
#include "vmm/base/scope.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>

/* A symbol, whatever the class of the file. */
struct symbol {
	uint32_t name;
	uint64_t value, size;
	unsigned type, bind, section;
};

static void read_symbol(bool is64, const uint8_t *p, struct symbol *s)
{
	unsigned info = p[is64 ? offsetof(Elf64_Sym, st_info) : offsetof(Elf32_Sym, st_info)];

	if (is64)
		*s = (struct symbol){
			.name = le32_at(p + offsetof(Elf64_Sym, st_name)),
			.value = le64_at(p + offsetof(Elf64_Sym, st_value)),
			.size = le64_at(p + offsetof(Elf64_Sym, st_size)),
			.section = le16_at(p + offsetof(Elf64_Sym, st_shndx)),
		};
	else
		*s = (struct symbol){
			.name = le32_at(p + offsetof(Elf32_Sym, st_name)),
			.value = le32_at(p + offsetof(Elf32_Sym, st_value)),
			.size = le32_at(p + offsetof(Elf32_Sym, st_size)),
			.section = le16_at(p + offsetof(Elf32_Sym, st_shndx)),
		};
	s->type = ELF64_ST_TYPE(info); /* the same in both classes */
	s->bind = ELF64_ST_BIND(info);
	if (!is64 && s->type == STT_FUNC)
		s->value &= ~1ULL; /* Thumb code: AAELF32 5.5.3 */
}

/* Which sections have addresses that the guest uses. */
static void find_loaded(const struct elf_file *ef, bool *loaded)
{
	const struct elf_section *text = elf_file_section(ef, ".text");

	for (unsigned i = 0; i < ef->nr_sections; i++) {
		const struct elf_section *s = &ef->section[i];

		loaded[i] = s->flags & SHF_ALLOC && !(s->flags & SHF_TLS) &&
			    (ef->type != ET_REL || s == text);
	}
}

static bool is_wanted(const struct elf_file *ef, const bool *loaded, const struct symbol *s)
{
	return s->section != SHN_UNDEF && s->section < SHN_LORESERVE &&
	       s->section < ef->nr_sections && loaded[s->section] &&
	       (s->type == STT_NOTYPE || s->type == STT_OBJECT || s->type == STT_FUNC ||
		s->type == STT_GNU_IFUNC) &&
	       (s->bind == STB_LOCAL || s->bind == STB_GLOBAL || s->bind == STB_WEAK ||
		s->bind == STB_GNU_UNIQUE);
}

static uint8_t rank(const struct symbol *s, const char *name, size_t len)
{
	unsigned r = symtab_rank(name, len);

	if (s->type == STT_NOTYPE)
		r |= RANK_UNTYPED;
	if (s->bind == STB_WEAK)
		r |= RANK_WEAK;
	if (s->bind == STB_LOCAL)
		r |= RANK_LOCAL;
	return (uint8_t)r;
}

static int add_symbols(struct symtab *t, const struct elf_file *ef, const bool *loaded,
		       const struct io_bytes *table, const struct io_bytes *names, struct err *e)
{
	size_t size = ef->is64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);

	for (size_t at = 0; table->len - at >= size; at += size) {
		struct symbol s;
		const char *name;
		size_t len;
		int err;

		read_symbol(ef->is64, (const uint8_t *)table->data + at, &s);
		if (!is_wanted(ef, loaded, &s) || s.name >= names->len)
			continue;
		name = (const char *)names->data + s.name;
		len = strnlen(name, names->len - s.name);
		if (!symtab_wants(name, len))
			continue;
		err = symtab_add(t,
				 &(struct symtab_row){ .addr = s.value,
						       .size = s.size,
						       .name = s.name,
						       .rank = rank(&s, name, len) },
				 e);
		if (err)
			return err;
	}
	return 0;
}

static int add_ends(struct symtab *t, const struct elf_file *ef, const bool *loaded, struct err *e)
{
	for (unsigned i = 0; i < ef->nr_sections; i++) {
		struct symtab_row end = { .name = SYMTAB_NO_NAME, .rank = UINT8_MAX };
		int err;

		if (!loaded[i] || !add_ok(ef->section[i].addr, ef->section[i].size, &end.addr))
			continue;
		err = symtab_add(t, &end, e);
		if (err)
			return err;
	}
	return 0;
}

static const struct elf_section *find_table(const struct elf_file *ef)
{
	for (unsigned type = SHT_SYMTAB;; type = SHT_DYNSYM) {
		for (unsigned i = 0; i < ef->nr_sections; i++)
			if (ef->section[i].type == type && ef->section[i].link < ef->nr_sections)
				return &ef->section[i];
		if (type == SHT_DYNSYM)
			return NULL;
	}
}

static int load(const struct io_file *f, const struct elf_section *s, struct io_bytes *out,
		struct err *e)
{
	if (s->type == SHT_NOBITS || s->size == 0 || s->size > ELFFILE_MAX_DATA)
		return err_set(e, EINVAL, "%s: corrupt: a symbol table of %" PRIu64 " bytes",
			       f->name, s->size);
	return io_load(f, s->offset, s->size, out, e);
}

static int read_all(struct symtab *t, const struct elf_file *ef, struct err *e)
{
	auto_bytes struct io_bytes table = { NULL, 0 }, names = { NULL, 0 };
	auto_free bool *loaded = calloc(ef->nr_sections + 1U, sizeof(*loaded));
	const struct elf_section *s = find_table(ef), *strings;
	int err;

	if (!loaded)
		return err_set(e, ENOMEM, "%s: no memory for its symbols", ef->file->name);
	if (!s)
		return err_set(e, EINVAL, "%s: has no symbols (is it stripped?)", ef->file->name);
	find_loaded(ef, loaded);
	strings = &ef->section[s->link];
	if ((err = load(ef->file, s, &table, e)) || (err = load(ef->file, strings, &names, e)))
		return err;
	t->file = ef->file;
	t->names_at = strings->offset;
	t->names_len = (uint32_t)names.len;
	if ((err = add_symbols(t, ef, loaded, &table, &names, e)))
		return err;
	if (t->nr == 0)
		return err_set(e, EINVAL, "%s: has no symbols that name an address",
			       ef->file->name);
	if ((err = add_ends(t, ef, loaded, e)))
		return err;
	symtab_sort(t);
	return 0;
}

int elfsyms_read(struct symtab *t, const struct elf_file *ef, struct err *e)
{
	int err;

	*t = (struct symtab){ .file = ef->file };
	err = read_all(t, ef, e);
	if (err)
		symtab_free(t);
	return err;
}
