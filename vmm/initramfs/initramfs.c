/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/initramfs/initramfs.h"

#include "vmm/base/io.h"
#include "vmm/base/scope.h"
#include "vmm/base/text.h"
#include "vmm/initramfs/cmdline.h"
#include "vmm/initramfs/cpio.h"
#include "vmm/initramfs/modlocate.h"
#include "vmm/initramfs/modsig.h"
#include "vmm/initramfs/modules.h"
#include "vmm/initramfs/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define RDINIT "rdinit=/vmm/init"

/* What is being made. */
struct work {
	const struct initramfs_config *c;
	struct modules *modules; /* NULL: the kernel has none that we know of */
	char *dir;		 /* theirs */
	char *spec;		 /* the root that was asked for, without a mode; NULL: none */
	enum root_mode mode;
	bool overlay;	  /* what is written goes to memory */
	struct root root; /* with a spec */
	bool has_hasher;  /* or has found that there is none */
	struct cpio archive;
};

static int out_of_memory(struct err *e)
{
	return err_set(e, ENOMEM, "initramfs: out of memory");
}

/* --- the root -------------------------------------------------------------------------------- */

struct open_disk {
	int fd;
};

static int read_disk(void *ctx, uint64_t at, void *dst, size_t len)
{
	const struct open_disk *d = ctx;
	ssize_t n = io_pread(d->fd, dst, len, at);

	return n < 0 ? (int)n : (size_t)n < len ? -EIO : 0;
}

static bool same_file(const char *a, const char *b)
{
	struct stat sa, sb;

	return strcmp(a, b) == 0 || (stat(a, &sa) == 0 && stat(b, &sb) == 0 &&
				     sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino);
}

static int open_disk(const struct work *w, size_t i, struct open_disk *o, struct root_disk *d,
		     struct err *e)
{
	const char *path = w->c->disks[i];
	off_t size;

	o->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (o->fd < 0)
		return err_sys(e, "open %s", path);
	size = lseek(o->fd, 0, SEEK_END); /* of block devices too */
	if (size < 0)
		return err_sys(e, "%s", path);
	*d = (struct root_disk){
		.path = path,
		.meant = root_spec_kind(w->spec) == ROOT_FILE && same_file(path, w->spec),
		.bytes = { .size = (uint64_t)size, .read = read_disk, .ctx = o },
	};
	return 0;
}

static int find_root(struct work *w, struct err *e)
{
	const size_t nr = w->c->nr_disks;
	auto_free struct root_disk *disks = calloc(nr + 1, sizeof(*disks));
	auto_free struct open_disk *open_ = calloc(nr + 1, sizeof(*open_));
	size_t opened = 0;
	int code = disks && open_ ? 0 : out_of_memory(e);

	while (code == 0 && opened < nr) {
		code = open_disk(w, opened, &open_[opened], &disks[opened], e);
		opened++;
	}
	if (code == 0)
		code = root_find(&w->root, w->spec, disks, nr, e);
	for (size_t i = 0; i < opened; i++)
		close_quietly(open_[i].fd);
	return code ? err_ctx(e, "%s", w->c->root ? "--root" : "--cmdline: root=") : 0;
}

/* What the user wants as root, from --root or the command line. */
static int read_spec(struct work *w, struct err *e)
{
	const struct initramfs_config *c = w->c;
	size_t len = 0;

	if (c->root)
		w->mode = root_spec_mode(c->root, &len);
	if (c->root && !c->share) {
		w->spec = strndup(c->root, len);
		if (!w->spec)
			return out_of_memory(e);
	} else if (!c->has_initrd && c->nr_disks) {
		w->spec = cmdline_value(c->cmdline, "root");
		/* What is no disk of ours (NFS, a RAM disk) is the kernel's affair. */
		if (w->spec && root_spec_kind(w->spec) != ROOT_ON_DISKS) {
			free(w->spec);
			w->spec = NULL;
		}
	}
	if (w->mode == ROOT_AS_USUAL) {
		const int asked = cmdline_last_of(c->cmdline, "ro", "rw");

		w->overlay = asked < 0 && (c->share || (c->command && w->spec));
		w->mode = asked == 1 ? ROOT_RW : ROOT_RO;
	}
	return 0;
}

/* --- modules --------------------------------------------------------------------------------- */

static const struct {
	enum initramfs_device device;
	const char *module, *what;
} drivers[] = {
	{ INITRAMFS_BLK, "virtio_blk", "disks" },
	{ INITRAMFS_CONSOLE, "virtio_console", "the virtio console" },
	{ INITRAMFS_RNG, "virtio_rng", "the entropy device" },
	{ INITRAMFS_NET, "virtio_net", "the network" },
	{ INITRAMFS_BALLOON, "virtio_balloon", "the balloon" },
	{ INITRAMFS_VSOCK, "vmw_vsock_virtio_transport", "vsock" },
	{ INITRAMFS_FS, "virtiofs", "shared folders" },
};

static int put_module(void *ctx, const char *name, const void *data, size_t len, struct err *e);

/*
 * The kernel hashes each module twice to check its signature, by what it has built in: in C. Where
 * large ones follow it pays to load what is faster, before all of them.
 */
static int add_hasher(struct work *w, const void *module, size_t len, struct err *e)
{
	const bool large_follow = w->c->share || w->overlay;
	const char *hasher = modsig_hasher(module, len);
	int code;

	if (!hasher || !large_follow || w->has_hasher)
		return 0;
	w->has_hasher = true;
	code = modules_need(w->modules, hasher, put_module, w, e);
	return code == -ENOENT ? 0 : code;
}

static int put_module(void *ctx, const char *name, const void *data, size_t len, struct err *e)
{
	struct work *w = ctx;
	auto_free char *path = NULL;
	int code;

	if (asprintf(&path, "vmm/modules/%s.ko", name) < 0) {
		path = NULL;
		return out_of_memory(e);
	}
	code = cpio_file(&w->archive, path, 0600, data, len, e);
	return code ? code : add_hasher(w, data, len, e);
}

/* @needed: the guest cannot start without; else a missing one is only said. */
static int add_driver(struct work *w, const char *module, const char *what, bool needed,
		      struct err *e)
{
	int code = modules_need(w->modules, module, put_module, w, e);

	if (code == -ENOENT && !needed) {
		(void)err_ctx(e, "the guest will have no driver for %s", what);
		if (w->c->warn)
			w->c->warn(w->c->ctx, e->text);
		return 0;
	}
	return code ? err_ctx(e, "driver for %s", what) : 0;
}

static int add_modules(struct work *w, struct err *e)
{
	const struct initramfs_config *c = w->c;
	/* Without these the guest would not come to what is asked of it. */
	const unsigned needed = (w->spec ? (unsigned)INITRAMFS_BLK : 0) |
				(c->command ? (unsigned)INITRAMFS_CONSOLE : 0) |
				(c->share ? (unsigned)INITRAMFS_FS : 0);
	const unsigned devices = c->devices | needed;
	const char *fs = w->root.module ? w->root.module : w->root.type;
	int code = 0;

	if (!w->modules)
		return 0;
	if (devices)
		code = add_driver(w, "virtio_mmio", "virtio devices", true, e);
	for (size_t i = 0; code == 0 && i < ARRAY_SIZE(drivers); i++)
		if (devices & drivers[i].device)
			code = add_driver(w, drivers[i].module, drivers[i].what,
					  needed & drivers[i].device, e);
	if (code == 0 && w->spec && fs)
		code = add_driver(w, fs, "the root file system", true, e);
	if (code == 0 && w->overlay)
		code = add_driver(w, "overlay",
				  "a root that can be written without a trace; with ,ro or ,rw "
				  "behind --root it is not needed",
				  true, e);
	return code;
}

static int open_modules(struct work *w, struct err *e)
{
	const struct initramfs_config *c = w->c;
	int code = c->modules ? modlocate(c->modules, c->kernel, &w->dir, e)
			      : modlocate_beside(c->kernel, &w->dir, e);

	if (code == 0 && w->dir) {
		w->modules = modules_open(w->dir, e);
		code = w->modules ? 0 : -e->code;
	}
	return code && c->modules ? err_ctx(e, "--modules") : code;
}

/* --- the plan, as arch/arm64/guest/init.c reads it ------------------------------------------- */

/* A line, unless @value is NULL; a value is one line whatever is in it. */
static void put_line(FILE *f, const char *word, const char *value)
{
	if (!value)
		return;
	(void)fprintf(f, "%s ", word);
	for (; *value; value++)
		(void)fputc((unsigned char)*value < ' ' ? '?' : *value, f);
	(void)fputc('\n', f);
}

static void put_option(FILE *f, const char *word, const char *cmdline, const char *key)
{
	auto_free char *value = cmdline_value(cmdline, key);

	put_line(f, word, value);
}

static void put_module_line(FILE *f, const char *name, const char *cmdline)
{
	auto_free char *parameters = cmdline_parameters(cmdline, name);
	auto_free char *line = NULL;

	if (!parameters)
		put_line(f, "module", name);
	else if (asprintf(&line, "%s %s", name, parameters) >= 0)
		put_line(f, "module", line);
	else
		line = NULL;
}

static void put_root(FILE *f, const struct work *w)
{
	const char *cmdline = w->c->cmdline;

	if (w->c->share) {
		put_line(f, "share", w->c->share);
	} else {
		put_line(f, "root", w->root.device);
		put_line(f, "fstype", w->root.type);
	}
	if (w->overlay)
		(void)fputs("overlay\n", f);
	put_option(f, "fstype", cmdline, "rootfstype"); /* the last one counts */
	put_option(f, "flags", cmdline, "rootflags");
	put_option(f, "init", cmdline, "init");
	put_option(f, "wait", cmdline, "rootdelay");
	if (w->mode == ROOT_RW)
		(void)fputs("rw\n", f);
	if (!w->modules)
		put_line(f, "hint",
			 "vmm found no modules for this kernel; if it has its virtio drivers as "
			 "modules, --modules names their folder");
}

static int add_plan(struct work *w, struct err *e)
{
	auto_free char *text = NULL;
	const char *const *names = NULL;
	size_t len = 0, nr = 0;
	FILE *f = open_memstream(&text, &len);
	bool bad;

	if (!f)
		return out_of_memory(e);
	if (w->modules)
		names = modules_order(w->modules, &nr);
	for (size_t i = 0; i < nr; i++)
		put_module_line(f, names[i], w->c->cmdline);
	if ((w->spec || w->c->share) && !w->c->has_initrd)
		put_root(f, w);
	if (w->c->command)
		(void)fputs("command\n", f);
	bad = ferror(f);
	if (fclose(f) != 0 || bad)
		return out_of_memory(e);
	return cpio_file(&w->archive, "vmm/plan", 0600, text, len, e);
}

/* --- all of it ------------------------------------------------------------------------------- */

static int make_archive(struct work *w, int *fd, struct err *e)
{
	struct cpio *a = &w->archive;
	int code = cpio_create(a, e);

	if (code == 0)
		code = cpio_dir(a, "dev", 0755, e);
	/* The kernel opens it before there is a devtmpfs. */
	if (code == 0)
		code = cpio_node(a, "dev/console", 0600, 5, 1, e);
	if (code == 0)
		code = cpio_dir(a, "vmm", 0700, e);
	if (code == 0)
		code = cpio_file(a, "vmm/init", 0700, w->c->init, w->c->init_len, e);
	/* With an initrd behind it, /init is that one's, and ours is asked for by name. */
	if (code == 0 && !w->c->has_initrd)
		code = cpio_link(a, "init", "vmm/init", e);
	if (code == 0)
		code = cpio_dir(a, "vmm/modules", 0700, e);
	if (code == 0)
		code = add_modules(w, e);
	if (code == 0)
		code = add_plan(w, e);
	if (code == 0 && w->c->command)
		code = cpio_file(a, "vmm/command", 0600, w->c->command, w->c->command_len, e);
	return code ? code : cpio_finish(a, fd, e);
}

/* Adds a word to the command line's, with a blank between. */
static void add_word(struct initramfs *out, const char *word, const char *more)
{
	size_t len = strlen(out->words);

	(void)snprintf(out->words + len, sizeof(out->words) - len, "%s%s%s", len ? " " : "", word,
		       more);
}

static void add_root_words(const struct work *w, struct initramfs *out)
{
	auto_free char *own = cmdline_value(w->c->cmdline, "root");

	if (own) /* the user's own words are for the user to keep */
		return;
	add_word(out, "root=/dev/", w->root.device);
	add_word(out, w->mode == ROOT_RW ? "rw" : "ro", "");
}

static int make(struct work *w, struct initramfs *out, struct err *e)
{
	const struct initramfs_config *c = w->c;
	int code = read_spec(w, e);

	if (code == 0 && w->spec)
		code = find_root(w, e);
	if (code)
		return code;
	if (w->spec && c->has_initrd)
		add_root_words(w, out);
	if (c->has_initrd && !c->modules && !c->command)
		return 0;
	if (!c->has_initrd && !w->spec && !c->share)
		return c->modules ? err_set(e, EINVAL,
					    "--modules: nothing would use them; add --root or "
					    "--initrd")
				  : 0;
	code = open_modules(w, e);
	/* A root= without --root, and a kernel that seems to have no modules: as ever. */
	if (code || (!w->modules && !c->root && !c->command))
		return code;
	if (c->has_initrd)
		add_word(out, RDINIT, "");
	return make_archive(w, &out->fd, e);
}

int initramfs_make(const struct initramfs_config *c, struct initramfs *out, struct err *e)
{
	struct work w = { .c = c, .archive = { .fd = -1 } };
	int code;

	*out = (struct initramfs){ .fd = -1 };
	code = make(&w, out, e);
	cpio_destroy(&w.archive);
	modules_close(w.modules);
	free(w.dir);
	free(w.spec);
	return code;
}

void initramfs_free(struct initramfs *i)
{
	close_quietly(i->fd);
	*i = (struct initramfs){ .fd = -1 };
}
