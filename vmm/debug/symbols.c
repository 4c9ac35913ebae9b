/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/debug/symbols.h"

#include "vmm/base/checked.h"
#include "vmm/base/io.h"
#include "vmm/base/scope.h"
#include "vmm/debug/symbols_file.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A kernel's physical and virtual addresses agree modulo this: booting.rst, section 4. */
#define KIMAGE_ALIGN (2 * MiB)
#define UPPER_HALF   (1ULL << 63)

/* How far the kernel reaches around its vectors, when nothing better is known. */
#define REACH_DOWN (64 * MiB)
#define REACH_UP   (KALLSYMS_MAX_EXTENT - REACH_DOWN)

/* Each look for a kernel's tables reads all of it. A guest cannot have us do that for ever. */
#define MAX_SEARCHES 16

struct symbols {
	struct guest_reader mem; /* read NULL: none */
	struct symbols_file *file[SYMBOLS_MAX_FILES];
	size_t nr_files;

	bool image_known; /* symbols_image() */
	uint64_t image, image_size;
	bool mapped; /* symbols_locate() */
	uint64_t mapped_pa, voffset;

	struct kallsyms *kallsyms; /* owned; NULL: none, or not looked for yet */
	bool searched;		   /* with what is known of image and mapping */
	unsigned searches;
	uint64_t landmark[NR_LANDMARKS]; /* physical; 0: not known */
};

struct symbols *symbols_create(const struct guest_reader *mem)
{
	struct symbols *s = calloc(1, sizeof(*s));

	if (s && mem)
		s->mem = *mem;
	return s;
}

void symbols_destroy(struct symbols *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->nr_files; i++)
		symbols_file_close(s->file[i]);
	kallsyms_free(s->kallsyms);
	free(s);
}

int symbols_add(struct symbols *s, const char *path, const uint64_t *address, struct err *e)
{
	int err;

	if (s->nr_files == SYMBOLS_MAX_FILES)
		return err_set(e, ENOSPC, "%s: more than %d files with symbols", path,
			       SYMBOLS_MAX_FILES);
	err = symbols_file_open(&s->file[s->nr_files], path, address, e);
	if (!err)
		s->nr_files++;
	return err;
}

/* --- where the kernel is ---------------------------------------------------------------------- */

static void forget(struct symbols *s)
{
	kallsyms_free(s->kallsyms);
	s->kallsyms = NULL;
	s->searched = false;
	memset(s->landmark, 0, sizeof(s->landmark));
	s->landmark[LANDMARK_TEXT] = s->image; /* 0: not known */
}

void symbols_image(struct symbols *s, uint64_t pa, uint64_t size)
{
	s->image_known = true;
	s->image = pa;
	s->image_size = size;
	s->mapped = false;
	s->searches = 0;
	forget(s);
}

void symbols_locate(struct symbols *s, uint64_t va, uint64_t pa)
{
	if (va < UPPER_HALF || (va - pa) % KIMAGE_ALIGN)
		return;
	if (s->image_known && !range_inside(pa, 1, s->image, s->image_size))
		return;
	if (s->mapped && s->voffset == va - pa)
		return;
	s->mapped = true;
	s->mapped_pa = pa;
	s->voffset = va - pa;
	if (!s->image_known || !s->kallsyms)
		forget(s);
}

static void find_landmarks(struct symbols *s)
{
	for (size_t i = 0; i < NR_LANDMARKS; i++) {
		struct kallsyms_symbol sym;
		unsigned matches;

		if (kallsyms_named(s->kallsyms, landmark_names[i], &sym, &matches) && matches == 1)
			s->landmark[i] = sym.pa;
	}
}

/* The kernel's own tables; NULL when there are none. */
static struct kallsyms *tables(struct symbols *s)
{
	struct kallsyms_where where = { .mapped = s->mapped, .voffset = s->voffset };

	if (s->searched || !s->mem.read || s->searches >= MAX_SEARCHES)
		return s->kallsyms;
	if (s->image_known) {
		where.image = true;
		where.base = s->image;
		where.size = s->image_size;
	} else if (s->mapped) {
		where.base = s->mapped_pa > REACH_DOWN ? s->mapped_pa - REACH_DOWN : 0;
		where.base = align_down(where.base, KIMAGE_ALIGN);
		where.size = REACH_DOWN + REACH_UP;
	} else {
		return NULL;
	}
	s->searched = true;
	s->searches++;
	s->kallsyms = kallsyms_find(&s->mem, &where);
	if (s->kallsyms)
		find_landmarks(s);
	return s->kallsyms;
}

/* Virtual minus physical address of the kernel. */
static bool find_voffset(struct symbols *s, uint64_t *voffset)
{
	struct kallsyms *k = tables(s);

	if (k && kallsyms_voffset(k, voffset))
		return true;
	*voffset = s->voffset;
	return s->mapped;
}

/* --- lookups in one place --------------------------------------------------------------------- */

static void printable(char *dst, size_t size, const char *src)
{
	size_t len = strlen(src), n = len < size ? len : size - 1;

	for (size_t i = 0; i < n; i++)
		dst[i] = src[i] > ' ' && src[i] < 0x7f ? src[i] : '?';
	dst[n] = '\0';
	if (n < len)
		memcpy(dst + n - 3, "...", 3);
}

/*
 * What to add to an address that the file is linked for. A kernel's file moves with the kernel: to
 * its physical addresses, or to its virtual ones. False when that is not known.
 */
static bool find_slide(struct symbols *s, struct symbols_file *f, bool physical, uint64_t *slide)
{
	uint64_t voffset;

	*slide = f->slide;
	if (!f->kernel)
		return true;
	(void)tables(s);
	if (!symbols_file_slide(f, s->landmark, slide)) {
		*slide = 0; /* as long as nobody knows better, it runs where it is linked */
		return !physical && !f->foreign;
	}
	if (physical)
		return true;
	*slide = find_voffset(s, &voffset) ? *slide + voffset : 0;
	return true;
}

static bool name_by_file(struct symbols *s, struct symbols_file *f, uint64_t addr, bool physical,
			 struct symbol_text *out)
{
	struct symtab_symbol sym;
	struct dwarf_place place;
	uint64_t slide;

	if (!symbols_file_load(f) || !find_slide(s, f, physical, &slide) ||
	    !symtab_at(&f->symtab, addr - slide, &sym))
		return false;
	printable(out->name, sizeof(out->name), sym.name);
	printable(out->module, sizeof(out->module), sym.module[0] ? sym.module : f->module);
	out->offset = addr - slide - sym.addr;
	out->size = sym.size;
	if (symbols_file_line(f, addr - slide, &place)) {
		char line[sizeof(place.file) + 24];

		(void)snprintf(line, sizeof(line), "%s:%" PRIu64, place.file, place.line);
		printable(out->line, sizeof(out->line), line);
	}
	return true;
}

static bool name_by_tables(struct symbols *s, uint64_t pa, struct symbol_text *out)
{
	struct kallsyms *k = tables(s);
	struct kallsyms_symbol sym;

	if (!k || !kallsyms_at(k, pa, &sym))
		return false;
	printable(out->name, sizeof(out->name), sym.name);
	out->offset = pa - sym.pa;
	out->size = sym.size;
	return true;
}

/* --- lookups ---------------------------------------------------------------------------------- */

bool symbols_name(struct symbols *s, uint64_t va, struct symbol_text *out)
{
	uint64_t voffset;

	*out = (struct symbol_text){ .offset = 0 };
	for (size_t i = 0; i < s->nr_files; i++)
		if (name_by_file(s, s->file[i], va, false, out))
			return true;
	/* The kernel lies in the upper half: others are spared the search for its tables. */
	return va >= UPPER_HALF && find_voffset(s, &voffset) &&
	       name_by_tables(s, va - voffset, out);
}

bool symbols_name_return(struct symbols *s, uint64_t va, struct symbol_text *out)
{
	if (!symbols_name(s, va - 1, out))
		return false;
	out->offset++;
	return true;
}

bool symbols_name_physical(struct symbols *s, uint64_t pa, struct symbol_text *out)
{
	*out = (struct symbol_text){ .offset = 0 };
	for (size_t i = 0; i < s->nr_files; i++)
		if (name_by_file(s, s->file[i], pa, true, out))
			return true;
	return name_by_tables(s, pa, out);
}

static bool find_in_file(struct symbols *s, struct symbols_file *f, const char *name,
			 struct symbol_place *out)
{
	struct symtab_symbol sym;
	uint64_t slide;

	if (!symbols_file_load(f) || !symtab_named(&f->symtab, name, &sym, &out->matches))
		return false;
	out->size = sym.size;
	out->va_known = find_slide(s, f, false, &slide);
	if (out->va_known)
		out->va = sym.addr + slide;
	out->pa_known = f->kernel && find_slide(s, f, true, &slide);
	if (out->pa_known)
		out->pa = sym.addr + slide;
	return out->va_known || out->pa_known;
}

bool symbols_find(struct symbols *s, const char *name, struct symbol_place *out)
{
	struct kallsyms_symbol sym;
	struct kallsyms *k;
	uint64_t voffset;

	*out = (struct symbol_place){ .va = 0 };
	if (!*name)
		return false;
	for (size_t i = 0; i < s->nr_files; i++)
		if (find_in_file(s, s->file[i], name, out))
			return true;
	k = tables(s);
	if (!k || !kallsyms_named(k, name, &sym, &out->matches))
		return false;
	out->size = sym.size;
	out->pa_known = true;
	out->pa = sym.pa;
	out->va_known = find_voffset(s, &voffset);
	if (out->va_known)
		out->va = sym.pa + voffset;
	return true;
}

bool symbols_problem(struct symbols *s, struct err *e)
{
	for (size_t i = 0; i < s->nr_files; i++) {
		struct symbols_file *f = s->file[i];

		if (f->problem.code) {
			*e = f->problem;
			f->problem.code = 0;
			return true;
		}
	}
	return false;
}

void symbol_format(const struct symbol_text *t, char *buf, size_t size)
{
	char of[24] = "";

	assert(size > 0);
	if (t->size)
		(void)snprintf(of, sizeof(of), "/0x%" PRIx64, t->size);
	(void)snprintf(buf, size, "%s+0x%" PRIx64 "%s%s%s%s%s%s%s", t->name, t->offset, of,
		       t->module[0] ? " [" : "", t->module, t->module[0] ? "]" : "",
		       t->line[0] ? " (" : "", t->line, t->line[0] ? ")" : "");
}
