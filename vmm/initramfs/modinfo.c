/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/initramfs/modinfo.h"

#include "vmm/base/checked.h"
#include "vmm/base/le.h"

#include <elf.h>
#include <string.h>

#define SECTION_NAME ".modinfo"

struct section {
	uint32_t name; /* in the section of names */
	uint64_t at, len;
};

/* False when the header, or what it is about, is not in the file. */
static bool section(const uint8_t *elf, size_t len, uint64_t table, unsigned i, struct section *s)
{
	uint64_t at;
	const uint8_t *h;

	if (!add_ok(table, (uint64_t)i * sizeof(Elf64_Shdr), &at) ||
	    !range_inside(at, sizeof(Elf64_Shdr), 0, len))
		return false;
	h = elf + at;
	s->name = le32_at(h + offsetof(Elf64_Shdr, sh_name));
	s->at = le64_at(h + offsetof(Elf64_Shdr, sh_offset));
	s->len = le64_at(h + offsetof(Elf64_Shdr, sh_size));
	return le32_at(h + offsetof(Elf64_Shdr, sh_type)) != SHT_NOBITS &&
	       range_inside(s->at, s->len, 0, len);
}

bool modinfo_find(struct modinfo *m, const uint8_t *elf, size_t len)
{
	uint64_t table;
	struct section names, s;
	unsigned nr;

	if (len < sizeof(Elf64_Ehdr) || memcmp(elf, ELFMAG, SELFMAG) != 0 ||
	    elf[EI_CLASS] != ELFCLASS64 || elf[EI_DATA] != ELFDATA2LSB ||
	    le16_at(elf + offsetof(Elf64_Ehdr, e_machine)) != EM_AARCH64 ||
	    le16_at(elf + offsetof(Elf64_Ehdr, e_shentsize)) != sizeof(Elf64_Shdr))
		return false;
	table = le64_at(elf + offsetof(Elf64_Ehdr, e_shoff));
	nr = le16_at(elf + offsetof(Elf64_Ehdr, e_shnum));
	if (!section(elf, len, table, le16_at(elf + offsetof(Elf64_Ehdr, e_shstrndx)), &names))
		return false;
	for (unsigned i = 0; i < nr; i++) {
		if (!section(elf, len, table, i, &s) ||
		    !range_inside(s.name, sizeof(SECTION_NAME), 0, names.len) ||
		    memcmp(elf + names.at + s.name, SECTION_NAME, sizeof(SECTION_NAME)) != 0)
			continue;
		*m = (struct modinfo){ (const char *)elf + s.at, s.len };
		return s.len && m->at[s.len - 1] == '\0';
	}
	return false;
}

const char *modinfo_next(const struct modinfo *m, const char *key, const char *after)
{
	const char *end = m->at + m->len, *s = after ? after + strlen(after) + 1 : m->at;
	size_t len = strlen(key);

	for (; s < end; s += strlen(s) + 1)
		if (strncmp(s, key, len) == 0 && s[len] == '=')
			return s + len + 1;
	return NULL;
}
