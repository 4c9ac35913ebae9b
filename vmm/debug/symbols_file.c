/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/debug/symbols_file.h"

#include "vmm/base/le.h"
#include "vmm/base/scope.h"
#include "vmm/debug/elfsyms.h"
#include "vmm/debug/systemmap.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define UPPER_HALF (1ULL << 63)

enum { HEAD = 4096 };

const char *const landmark_names[NR_LANDMARKS] = {
	[LANDMARK_TEXT] = "_text",
	[LANDMARK_STEXT] = "_stext",
	[LANDMARK_PANIC] = "panic",
	[LANDMARK_VECTORS] = "vectors",
};

/* --- opening ---------------------------------------------------------------------------------- */

/* The file's name, without folders and what kernel modules end in. */
static void take_module(struct symbols_file *f)
{
	const char *slash = strrchr(f->path, '/'), *base = slash ? slash + 1 : f->path;
	size_t len = strlen(base);

	if (len > 3 && strcmp(base + len - 3, ".ko") == 0)
		len -= 3;
	if (len >= sizeof(f->module))
		len = sizeof(f->module) - 1;
	memcpy(f->module, base, len);
	f->module[len] = '\0';
}

static int sniff(struct symbols_file *f, struct err *e)
{
	size_t len = f->io.size < HEAD ? (size_t)f->io.size : HEAD;
	uint8_t head[HEAD];
	int err;

	if (len == 0)
		return err_set(e, EINVAL, "%s: is empty", f->path);
	err = io_read_at(&f->io, 0, head, len, e);
	if (err)
		return err;
	f->is_elf = elf_file_sniff(head, len);
	if (!f->is_elf && !systemmap_sniff(head, len))
		return err_set(e, EINVAL,
			       "%s: is neither an ELF file nor a System.map (a compressed one is "
			       "to be unpacked first)",
			       f->path);
	if (f->is_elf && len > EI_NIDENT + 2 && le16_at(head + EI_NIDENT) == ET_REL &&
	    !f->has_address)
		return err_set(e, EINVAL,
			       "%s: is a kernel module or object file: say where its text lies, "
			       "as FILE@ADDR (in the guest, /sys/module/NAME/sections/.text)",
			       f->path);
	if (f->has_address)
		take_module(f);
	return 0;
}

int symbols_file_open(struct symbols_file **out, const char *path, const uint64_t *address,
		      struct err *e)
{
	struct symbols_file *f = calloc(1, sizeof(*f));
	int err;

	*out = NULL;
	if (!f)
		return err_set(e, ENOMEM, "%s: no memory for its symbols", path);
	f->io.fd = -1;
	f->path = strdup(path);
	if (address) {
		f->has_address = true;
		f->address = *address;
	}
	err = f->path ? io_open(&f->io, f->path, e)
		      : err_set(e, ENOMEM, "%s: no memory for its symbols", path);
	if (!err)
		err = sniff(f, e);
	if (err) {
		symbols_file_close(f);
		return err;
	}
	*out = f;
	return 0;
}

void symbols_file_close(struct symbols_file *f)
{
	if (!f)
		return;
	dwarf_lines_free(f->lines);
	symtab_free(&f->symtab);
	elf_file_close(&f->elf);
	io_close(&f->io);
	free(f->path);
	free(f);
}

/* --- loading ---------------------------------------------------------------------------------- */

static void find_landmarks(struct symbols_file *f)
{
	for (size_t i = 0; i < NR_LANDMARKS; i++) {
		struct symtab_symbol sym;
		unsigned matches;

		if (symtab_named(&f->symtab, landmark_names[i], &sym, &matches) && matches == 1)
			f->landmark[i] = sym.addr;
	}
	f->kernel = !f->has_address && (f->landmark[LANDMARK_TEXT] >= UPPER_HALF ||
					f->landmark[LANDMARK_STEXT] >= UPPER_HALF);
}

/* Where the address that was given with the file counts from, as linked. */
static uint64_t first_address(const struct symbols_file *f)
{
	if (f->is_elf)
		return f->elf.type == ET_REL ? 0 : f->elf.lowest;
	return f->landmark[LANDMARK_TEXT] ? f->landmark[LANDMARK_TEXT] : f->symtab.row[0].addr;
}

static int load(struct symbols_file *f, struct err *e)
{
	int err;

	if (f->is_elf) {
		err = elf_file_open(&f->elf, &f->io, e);
		if (!err)
			err = elfsyms_read(&f->symtab, &f->elf, e);
	} else {
		err = systemmap_read(&f->symtab, &f->io, e);
	}
	if (err)
		return err;
	find_landmarks(f);
	if (f->has_address)
		f->slide = f->address - first_address(f);
	return 0;
}

bool symbols_file_load(struct symbols_file *f)
{
	if (!f->loaded) {
		f->loaded = true;
		f->usable = load(f, &f->problem) == 0;
	}
	return f->usable;
}

bool symbols_file_line(struct symbols_file *f, uint64_t addr, struct dwarf_place *out)
{
	if (!f->is_elf || !symbols_file_load(f))
		return false;
	if (!f->lines_loaded) {
		f->lines_loaded = true;
		if (dwarf_lines_open(&f->lines, &f->elf, &f->problem))
			f->lines = NULL;
	}
	return f->lines && dwarf_lines_at(f->lines, addr, out);
}

/* --- where it is ------------------------------------------------------------------------------ */

bool symbols_file_slide(struct symbols_file *f, const uint64_t at[NR_LANDMARKS], uint64_t *slide)
{
	bool known = false;

	for (size_t i = 0; i < NR_LANDMARKS; i++) {
		if (!at[i] || !f->landmark[i])
			continue;
		if (known && at[i] - f->landmark[i] != *slide) {
			if (!f->foreign)
				(void)err_set(&f->problem, EINVAL,
					      "%s: is not of the kernel that runs: '%s' is "
					      "elsewhere there; its names are not used",
					      f->path, landmark_names[i]);
			f->foreign = true;
			return false;
		}
		*slide = at[i] - f->landmark[i];
		known = true;
	}
	f->foreign = false;
	return known;
}
