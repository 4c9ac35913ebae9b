/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/initramfs/rootfs.h"

#include "vmm/base/scope.h"
#include "vmm/base/text.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The partition type of a root file system for arm64 (Discoverable Partitions Specification). */
#define ROOT_ARM64 "b921b045-1df0-41c3-af44-4c6f280d3fae"

enum root_mode root_spec_mode(const char *spec, size_t *len)
{
	*len = strlen(spec);
	if (*len < 3 || spec[*len - 3] != ',')
		return ROOT_AS_USUAL;
	if (strcmp(spec + *len - 2, "rw") == 0) {
		*len -= 3;
		return ROOT_RW;
	}
	if (strcmp(spec + *len - 2, "ro") == 0) {
		*len -= 3;
		return ROOT_RO;
	}
	return ROOT_AS_USUAL;
}

/* --- names ----------------------------------------------------------------------------------- */

void root_device_name(char *dst, size_t size, size_t disk, unsigned partition)
{
	char letters[16], *p = letters + sizeof(letters) - 1;

	*p = '\0';
	for (size_t n = disk + 1; n && p > letters; n = (n - 1) / 26)
		*--p = (char)('a' + (n - 1) % 26);
	if (partition)
		(void)snprintf(dst, size, "vd%s%u", p, partition);
	else
		(void)snprintf(dst, size, "vd%s", p);
}

/* "vda1": 0 and 1. */
static bool parse_device(const char *s, size_t *disk, unsigned *partition)
{
	size_t n = 0;

	*partition = 0;
	if (s[0] != 'v' || s[1] != 'd' || s[2] < 'a' || s[2] > 'z')
		return false;
	for (s += 2; *s >= 'a' && *s <= 'z' && n < 100000; s++)
		n = n * 26 + (size_t)(*s - 'a') + 1;
	*disk = n - 1;
	if (*s == '0')
		return false;
	for (; *s >= '0' && *s <= '9' && *partition < 100000; s++)
		*partition = *partition * 10 + (unsigned)(*s - '0');
	return *s == '\0';
}

static const struct tag {
	const char *name;
	size_t len;
} tags[] = { { "LABEL=", 6 }, { "UUID=", 5 }, { "PARTUUID=", 9 }, { "PARTLABEL=", 10 } };

enum { TAG_LABEL, TAG_UUID, TAG_PARTUUID, TAG_PARTLABEL, TAG_NONE };

static size_t tag_of(const char *spec)
{
	for (size_t i = 0; i < ARRAY_SIZE(tags); i++)
		if (strncmp(spec, tags[i].name, tags[i].len) == 0)
			return i;
	return TAG_NONE;
}

enum root_kind root_spec_kind(const char *spec)
{
	bool in_dev = strncmp(spec, "/dev/", 5) == 0;
	size_t disk;
	unsigned partition;

	if (tag_of(spec) != TAG_NONE || parse_device(spec + (in_dev ? 5 : 0), &disk, &partition))
		return ROOT_ON_DISKS;
	return in_dev ? ROOT_ELSEWHERE : ROOT_FILE;
}

/* --- what is on the disks -------------------------------------------------------------------- */

/* A file system, or a place where one could be. */
struct place {
	size_t disk;
	const struct partition *part; /* NULL: the whole disk */
	struct fs fs;
};

struct places {
	struct partitions *parts; /* owned: one for each disk */
	struct place *at;	  /* owned */
	size_t nr;
};

static void places_free(struct places *p)
{
	free(p->parts);
	free(p->at);
}

#define auto_places __attribute__((cleanup(places_free)))

static int look_at(struct places *p, size_t disk, const struct partition *part,
		   const struct root_disk *d, struct err *e)
{
	struct place *one = &p->at[p->nr++];
	int code = fs_probe(&d->bytes, part ? part->at : 0, part ? part->size : d->bytes.size,
			    &one->fs);

	one->disk = disk;
	one->part = part;
	return code ? err_code(e, -code, "read %s", d->path) : 0;
}

/* Partitions that are, besides, a whole disk's file system are rare, and an installer's image. */
static int look_through(struct places *p, const struct root_disk *disks, size_t nr, struct err *e)
{
	int code = 0;

	p->parts = calloc(nr ? nr : 1, sizeof(*p->parts));
	p->at = calloc(nr * (PARTITIONS_MAX + 1) + 1, sizeof(*p->at));
	if (!p->parts || !p->at)
		return err_set(e, ENOMEM, "out of memory");
	for (size_t i = 0; i < nr && code == 0; i++) {
		code = partitions_read(&disks[i].bytes, &p->parts[i]);
		if (code)
			return err_code(e, -code, "read %s", disks[i].path);
		code = look_at(p, i, NULL, &disks[i], e);
		for (size_t k = 0; k < p->parts[i].nr && code == 0; k++)
			code = look_at(p, i, &p->parts[i].at[k], &disks[i], e);
	}
	return code;
}

/* --- saying what there is -------------------------------------------------------------------- */

struct list {
	char s[320];
	size_t len;
};

static void PRINTF(2, 3) put(struct list *l, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->s + l->len, sizeof(l->s) - l->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		l->len += (size_t)n < sizeof(l->s) - l->len ? (size_t)n : sizeof(l->s) - l->len - 1;
}

static void put_place(struct list *l, const struct place *at)
{
	char name[32];

	root_device_name(name, sizeof(name), at->disk, at->part ? at->part->number : 0);
	put(l, "%s%s", l->len ? ", " : "", name);
	if (at->fs.type)
		put(l, " %s", at->fs.type);
	else
		put(l, " (%s)", at->fs.no ? at->fs.no : "nothing known");
	if (*at->fs.label)
		put(l, " %s", text_quote(at->fs.label).s);
}

/* All that could have been meant, of one disk or of all. */
static const char *what_there_is(struct list *l, const struct places *p, const size_t *disk)
{
	l->len = 0;
	l->s[0] = '\0';
	for (size_t i = 0; i < p->nr; i++) {
		const struct place *at = &p->at[i];

		if (disk && at->disk != *disk)
			continue;
		/* A disk with partitions is named by them, but for what is on it as a whole. */
		if (!at->part && p->parts[at->disk].nr && !at->fs.type)
			continue;
		put_place(l, at);
	}
	return l->len ? l->s : "nothing";
}

/* --- finding --------------------------------------------------------------------------------- */

static int take(struct root *r, const struct place *at, struct err *e)
{
	root_device_name(r->device, sizeof(r->device), at->disk, at->part ? at->part->number : 0);
	r->type = at->fs.type;
	r->module = at->fs.module;
	if (at->fs.no)
		return err_set(e, EINVAL,
			       "%s is %s: what is in it, an initrd of the distribution finds "
			       "(--initrd)",
			       r->device, at->fs.no);
	return 0;
}

static int find_device(struct root *r, const struct places *p, const struct root_disk *disks,
		       size_t nr, size_t disk, unsigned partition, struct err *e)
{
	const struct place *found = NULL;
	struct list l;

	root_device_name(r->device, sizeof(r->device), disk, partition);
	if (disk >= nr)
		return nr ? err_set(e, ENOENT, "there is no disk for %s: there %s %zu with --disk",
				    r->device, nr == 1 ? "is" : "are", nr)
			  : err_set(e, ENOENT, "there is no disk for %s: add --disk FILE",
				    r->device);
	for (size_t i = 0; i < p->nr; i++)
		if (p->at[i].disk == disk &&
		    (p->at[i].part ? p->at[i].part->number : 0) == partition)
			found = &p->at[i];
	if (!found)
		return err_set(e, ENOENT, "%s has no partition %u: there is %s", disks[disk].path,
			       partition, what_there_is(&l, p, &disk));
	if (!partition && !found->fs.type && p->parts[disk].nr)
		return err_set(e, EINVAL, "%s has partitions; name one of %s", disks[disk].path,
			       what_there_is(&l, p, &disk));
	return take(r, found, e);
}

static bool has_tag(const struct place *at, size_t tag, const char *value)
{
	switch (tag) {
	case TAG_LABEL:
		return strcmp(at->fs.label, value) == 0;
	case TAG_UUID:
		return strcasecmp(at->fs.uuid.s, value) == 0;
	case TAG_PARTUUID:
		return at->part && strcasecmp(at->part->uuid.s, value) == 0;
	default:
		return at->part && strcmp(at->part->name, value) == 0;
	}
}

static int find_tag(struct root *r, const struct places *p, const char *spec, size_t tag,
		    struct err *e)
{
	const char *value = spec + tags[tag].len;
	const struct place *found = NULL;
	struct list l = { .len = 0 };
	size_t nr = 0;

	if (!*value)
		return err_set(e, EINVAL, "%s wants something behind it", spec);
	for (size_t i = 0; i < p->nr; i++)
		if (has_tag(&p->at[i], tag, value)) {
			found = &p->at[i];
			put_place(&l, found);
			nr++;
		}
	if (!found)
		return err_set(e, ENOENT, "nothing on the disks has %s: there is %s",
			       text_quote(spec).s, what_there_is(&l, p, NULL));
	if (nr > 1)
		return err_set(e, EEXIST, "%s is on several: %s; name one of them",
			       text_quote(spec).s, l.s);
	return take(r, found, e);
}

/* Of a disk's partitions the one that says so, or the only one that could be. */
static int find_on_disk(struct root *r, const struct places *p, const struct root_disk *disks,
			size_t disk, struct err *e)
{
	const struct place *whole = NULL, *said = NULL, *could = NULL;
	size_t nr = 0;
	struct list l;

	for (size_t i = 0; i < p->nr; i++) {
		const struct place *at = &p->at[i];

		if (at->disk != disk)
			continue;
		if (!at->part)
			whole = at;
		else if (at->fs.type && strcmp(at->part->type.s, ROOT_ARM64) == 0 && !said)
			said = at;
		else if (at->fs.type && strcmp(at->fs.type, "vfat") != 0 && ++nr)
			could = at;
	}
	assert(whole); /* each disk is a place, too */
	if (whole->fs.type || !p->parts[disk].nr)
		return take(r, whole, e);
	if (said || nr == 1)
		return take(r, said ? said : could, e);
	return err_set(e, EINVAL, "%s: which of its partitions is the root? There is %s",
		       disks[disk].path, what_there_is(&l, p, &disk));
}

int root_find(struct root *r, const char *spec, const struct root_disk *disks, size_t nr,
	      struct err *e)
{
	const char *name = strncmp(spec, "/dev/", 5) == 0 ? spec + 5 : spec;
	auto_places struct places p = { .nr = 0 };
	size_t tag = tag_of(spec), disk;
	unsigned partition;
	int code;

	*r = (struct root){ .type = NULL };
	code = look_through(&p, disks, nr, e);
	if (code)
		return code;
	if (tag != TAG_NONE)
		return find_tag(r, &p, spec, tag, e);
	if (parse_device(name, &disk, &partition))
		return find_device(r, &p, disks, nr, disk, partition, e);
	for (size_t i = 0; i < nr; i++)
		if (disks[i].meant)
			return find_on_disk(r, &p, disks, i, e);
	if (name == spec)
		return err_set(e, ENOENT,
			       "%s is none of the disks: name a partition (vda1), LABEL=, UUID=, "
			       "PARTUUID=, PARTLABEL= or the file of a --disk",
			       text_quote(spec).s);
	if (strlen(name) >= sizeof(r->device) || strchr(name, '\n'))
		return err_set(e, ENAMETOOLONG, "%s is no name of a device", text_quote(spec).s);
	(void)snprintf(r->device, sizeof(r->device), "%s", name);
	return 0;
}
