/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/fake_disk.h"
#include "tests/lib/fake_modules.h"
#include "tests/lib/test.h"
#include "vmm/base/io.h"
#include "vmm/base/scope.h"
#include "vmm/initramfs/cmdline.h"
#include "vmm/initramfs/cpio.h"
#include "vmm/initramfs/initramfs.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

/* --- the archive ----------------------------------------------------------------------------- */

static uint8_t archive[1024 * 1024];

/* The whole file @fd in archive[]; its length. */
static size_t slurp(int fd)
{
	ssize_t n = io_pread(fd, archive, sizeof(archive), 0);

	EXPECT(n > 0 && n < (ssize_t)sizeof(archive));
	return (size_t)n;
}

TEST(cpio_holds_what_was_put_in)
{
	static char bytes[1000];
	struct fake_entry n;
	struct cpio c;
	struct err e;
	size_t len;
	int fd = -1;

	EXPECT_EQ(cpio_create(&c, &e), 0);
	EXPECT_EQ(cpio_dir(&c, "a", 0755, &e), 0);
	for (unsigned i = 0; i < 9; i++) { /* each alignment of names and data */
		char name[16] = "a/fffffffff";

		name[2 + i] = '\0';
		memset(bytes, 'x', sizeof(bytes));
		EXPECT_EQ(cpio_file(&c, i ? name : "a/0", 0600, bytes, i * 7, &e), 0);
	}
	EXPECT_EQ(cpio_link(&c, "l", "a/0", &e), 0);
	EXPECT_EQ(cpio_node(&c, "n", 0620, 5, 1, &e), 0);
	memset(bytes, 'n', sizeof(bytes));
	bytes[256] = '\0';
	EXPECT_EQ(cpio_file(&c, bytes, 0600, "", 0, &e), -ENAMETOOLONG);
	bytes[255] = '\0';
	EXPECT_EQ(cpio_file(&c, bytes, 0600, "end", 3, &e), 0);
	EXPECT_EQ(cpio_finish(&c, &fd, &e), 0);
	cpio_destroy(&c);
	len = slurp(fd);
	EXPECT(fake_find(archive, len, "a", &n));
	EXPECT_EQ(n.mode, S_IFDIR | 0755);
	EXPECT(fake_find(archive, len, "a/0", &n));
	EXPECT_EQ(n.len, 0);
	EXPECT(fake_find(archive, len, "a/fff", &n));
	EXPECT_EQ(n.mode, S_IFREG | 0600);
	EXPECT_EQ(n.len, 21);
	EXPECT_EQ(memcmp(n.data, "xxxxxxxxxxxxxxxxxxxxx", 21), 0);
	EXPECT(fake_find(archive, len, "l", &n));
	EXPECT_EQ(n.mode, S_IFLNK | 0777);
	EXPECT(n.len == 3 && memcmp(n.data, "a/0", 3) == 0);
	EXPECT(fake_find(archive, len, "n", &n));
	EXPECT_EQ(n.mode, S_IFCHR | 0620);
	EXPECT(n.rdev_major == 5 && n.rdev_minor == 1);
	EXPECT(fake_find(archive, len, bytes, &n));
	EXPECT(n.len == 3 && memcmp(n.data, "end", 3) == 0);
	EXPECT(!fake_find(archive, len, "fff", &n));
	close_quietly(fd);
}

/* --- the command line ------------------------------------------------------------------------ */

TEST(cmdline_words_are_taken_apart_as_the_kernel_does)
{
	static const struct {
		const char *line, *value;
	} cases[] = {
		{ "root=/dev/vda1", "/dev/vda1" },
		{ "a root=x\troot=y rootfstype=z", "y" },
		{ "xroot=1 rooty=2 root", "none" },
		{ "init=\"root=no\" a", "none" },
		{ "root=\"PARTLABEL=a b\" c", "PARTLABEL=a b" },
		{ "\"root=PARTLABEL=a b\" c", "PARTLABEL=a b" },
		{ "-- root=init", "none" },
		{ "root= a", "" },
		{ "", "none" },
		{ "root=\"open", "open" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_free char *v = cmdline_value(cases[i].line, "root");

		EXPECT_STR(v ? v : "none", cases[i].value);
	}
	for (unsigned i = 0; i < 2; i++) {
		auto_free char *p = cmdline_parameters(
			"a_b.x=1 b.y a-b.z=\"2 3\" a_b. aa_b.no c -- a_b.no=1", i ? "a_b" : "c");

		EXPECT_STR(p ? p : "none", i ? "x=1 z=\"2 3\"" : "none");
	}
	EXPECT_EQ(cmdline_last_of("ro x rw", "ro", "rw"), 1);
	EXPECT_EQ(cmdline_last_of("rw ro -- rw", "ro", "rw"), 0);
	EXPECT_EQ(cmdline_last_of("row \"rw x\"", "ro", "rw"), -1);
}

/* --- all of it ------------------------------------------------------------------------------- */

struct rig {
	struct fake_modules dir;
	struct initramfs_config c;
	struct initramfs out;
	const char *disks[2];
	char warned[512];
	size_t len; /* of archive[] */
	struct err e;
};

static void on_warn(void *ctx, const char *sentence)
{
	struct rig *r = ctx;

	(void)snprintf(r->warned, sizeof(r->warned), "%s", sentence);
}

static void rig_create(struct rig *r)
{
	static char kernel[64], disk[64];
	struct fake_disk d;

	*r = (struct rig){ .len = 0 };
	fake_modules_create(&r->dir);
	put_text(&r->dir, "pkg/boot/vmlinuz-6.1", "");
	put_text(&r->dir, "pkg/lib/modules/6.1/modules.builtin", "kernel/fs/btrfs/btrfs.ko\n");
	fake_module(&r->dir, "pkg/lib/modules/6.1/kernel/virtio.ko", "depends=");
	fake_module(&r->dir, "pkg/lib/modules/6.1/kernel/virtio_mmio.ko", "depends=virtio");
	fake_module(&r->dir, "pkg/lib/modules/6.1/kernel/virtio_blk.ko.xz", "depends=virtio");
	fake_module(&r->dir, "pkg/lib/modules/6.1/kernel/ext4.ko", "depends=");
	put_text(&r->dir, "alone/Image", "");
	fake_disk_create(&d);
	fake_gpt(&d, 512);
	fake_fs(&d, FAKE_PART_A, "ext4", "plain");
	put_file(&r->dir, "a.img", d.data, FAKE_DISK_SIZE);
	fake_disk_destroy(&d);
	(void)snprintf(kernel, sizeof(kernel), "%s/pkg/boot/vmlinuz-6.1", r->dir.root);
	(void)snprintf(disk, sizeof(disk), "%s/a.img", r->dir.root);
	r->disks[0] = disk;
	r->c = (struct initramfs_config){
		.kernel = kernel,
		.cmdline = "console=ttyAMA0",
		.disks = r->disks,
		.nr_disks = 1,
		.init = "the program",
		.init_len = 11,
		.warn = on_warn,
		.ctx = r,
	};
}

static void rig_destroy(struct rig *r)
{
	initramfs_free(&r->out);
	fake_modules_destroy(&r->dir);
}

static int make(struct rig *r)
{
	int code;

	initramfs_free(&r->out);
	r->warned[0] = '\0';
	code = initramfs_make(&r->c, &r->out, &r->e);
	r->len = code == 0 && r->out.fd >= 0 ? slurp(r->out.fd) : 0;
	return code;
}

/* The file vmm/plan of the archive. */
static const char *plan(const struct rig *r)
{
	static char text[1024];
	struct fake_entry n;

	if (!r->len)
		return "no archive";
	EXPECT(fake_find(archive, r->len, "vmm/plan", &n));
	EXPECT(n.len < sizeof(text));
	memcpy(text, n.data, n.len);
	text[n.len] = '\0';
	return text;
}

TEST(initramfs_loads_what_the_root_needs_and_mounts_it)
{
	struct fake_entry n;
	struct rig r;

	rig_create(&r);
	r.c.root = "LABEL=plain";
	r.c.cmdline = "virtio-blk.queue_depth=8 virtio_blk.poll_queues=1";
	EXPECT_EQ(make(&r), 0);
	EXPECT_STR(plan(&r), "module virtio\nmodule virtio_mmio\n"
			     "module virtio_blk queue_depth=8 poll_queues=1\nmodule ext4\n"
			     "root vda1\nfstype ext4\n");
	EXPECT_STR(r.out.words, "");
	EXPECT(fake_find(archive, r.len, "init", &n));
	EXPECT(n.len == 8 && memcmp(n.data, "vmm/init", 8) == 0);
	EXPECT(fake_find(archive, r.len, "vmm/init", &n));
	EXPECT_EQ(n.mode, S_IFREG | 0700);
	EXPECT(n.len == 11 && memcmp(n.data, "the program", 11) == 0);
	EXPECT(fake_find(archive, r.len, "vmm/modules/virtio_blk.ko", &n));
	EXPECT_EQ(memcmp(n.data,
			 "\x7f"
			 "ELF",
			 4),
		  0);
	EXPECT(fake_find(archive, r.len, "dev/console", &n));
	rig_destroy(&r);
}

TEST(initramfs_plan_follows_the_command_line)
{
	static const struct {
		const char *root, *cmdline, *plan;
	} cases[] = {
		{ "vda1", "rw", "root vda1\nfstype ext4\nrw\n" },
		{ "vda1,ro", "rw", "root vda1\nfstype ext4\n" },
		{ "vda1,rw", "ro", "root vda1\nfstype ext4\nrw\n" },
		{ "vda1", "init=/bin/sh rootdelay=3 rootflags=noatime,x=\"a\nb\" rootfstype=ext2",
		  "root vda1\nfstype ext4\nfstype ext2\nflags noatime,x=a?b\ninit /bin/sh\nwait "
		  "3\n" },
		{ NULL, "root=PARTUUID=" FAKE_PART_UUID, "root vda1\nfstype ext4\n" },
		{ NULL, "root=/dev/vda15", "root vda15\n" },
		{ "/dev/sdb1", "", "root sdb1\n" },
	};
	struct rig r;

	rig_create(&r);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		r.c.root = cases[i].root;
		r.c.cmdline = cases[i].cmdline;
		EXPECT_EQ(make(&r), 0);
		EXPECT_HAS(plan(&r), "module virtio_blk\n");
		EXPECT_STR(strstr(plan(&r), "root "), cases[i].plan);
	}
	rig_destroy(&r);
}

TEST(initramfs_is_made_only_where_it_is_asked_for_or_needed)
{
	struct rig r;

	rig_create(&r);
	EXPECT_EQ(make(&r), 0);
	EXPECT_STR(plan(&r), "no archive");
	r.c.cmdline = "root=/dev/nfs";
	EXPECT_EQ(make(&r), 0);
	EXPECT_STR(plan(&r), "no archive"); /* no disk of ours: as ever */
	r.c.cmdline = "root=/dev/vda1";
	r.c.nr_disks = 0;
	EXPECT_EQ(make(&r), 0);
	EXPECT_STR(plan(&r), "no archive");
	r.c.nr_disks = 1;
	EXPECT_EQ(make(&r), 0);
	EXPECT_HAS(plan(&r), "root vda1\n");
	rig_destroy(&r);
}

TEST(initramfs_without_modules_still_mounts_the_root)
{
	struct rig r;

	rig_create(&r);
	r.c.kernel = fake_path(&r.dir, "alone/Image");
	r.c.cmdline = "root=/dev/vda1";
	EXPECT_EQ(make(&r), 0);
	EXPECT_STR(plan(&r), "no archive"); /* the kernel does that itself, as ever */
	r.c.root = r.c.disks[0];
	EXPECT_EQ(make(&r), 0);
	EXPECT_HAS(plan(&r), "root vda1\nfstype ext4\nhint vmm found no modules");
	rig_destroy(&r);
}

TEST(initramfs_comes_before_an_initrd_only_with_modules_given)
{
	struct fake_entry n;
	struct rig r;

	rig_create(&r);
	r.c.has_initrd = true;
	r.c.cmdline = "root=/dev/vda1";
	EXPECT_EQ(make(&r), 0);
	EXPECT_STR(plan(&r), "no archive");
	EXPECT_STR(r.out.words, "");
	r.c.root = "LABEL=plain,rw";
	EXPECT_EQ(make(&r), 0);
	EXPECT_STR(plan(&r), "no archive");
	EXPECT_STR(r.out.words, "");
	r.c.cmdline = "";
	EXPECT_EQ(make(&r), 0);
	EXPECT_STR(r.out.words, "root=/dev/vda1 rw");
	r.c.modules = fake_path(&r.dir, "pkg");
	EXPECT_EQ(make(&r), 0);
	EXPECT_STR(r.out.words, "root=/dev/vda1 rw rdinit=/vmm/init");
	EXPECT_STR(plan(&r), "module virtio\nmodule virtio_mmio\nmodule virtio_blk\nmodule ext4\n");
	EXPECT(!fake_find(archive, r.len, "init", &n));
	r.c.root = NULL;
	r.c.devices = INITRAMFS_BLK;
	EXPECT_EQ(make(&r), 0);
	EXPECT_STR(r.out.words, "rdinit=/vmm/init");
	EXPECT_STR(plan(&r), "module virtio\nmodule virtio_mmio\nmodule virtio_blk\n");
	rig_destroy(&r);
}

TEST(initramfs_brings_a_command_with_what_it_needs)
{
	static const struct {
		const char *root, *cmdline, *plan;
	} cases[] = {
		{ "vda1", "", "root vda1\nfstype ext4\noverlay\ncommand\n" },
		{ "vda1,ro", "", "root vda1\nfstype ext4\ncommand\n" },
		{ "vda1", "ro", "root vda1\nfstype ext4\ncommand\n" },
		{ "vda1,rw", "", "root vda1\nfstype ext4\nrw\ncommand\n" },
		{ "vda1", "rw", "root vda1\nfstype ext4\nrw\ncommand\n" },
	};
	struct fake_entry n;
	struct rig r;

	rig_create(&r);
	r.c.command = "1\0/\0ls";
	r.c.command_len = 7;
	r.c.root = "vda1";
	EXPECT_EQ(make(&r), -ENOENT);
	EXPECT_HAS(r.e.text, "driver for the virtio console: there is no module virtio_console");
	fake_module(&r.dir, "pkg/lib/modules/6.1/kernel/virtio_console.ko", "depends=virtio");
	EXPECT_EQ(make(&r), -ENOENT);
	EXPECT_HAS(r.e.text, "driver for a root that can be written without a trace; with ,ro or "
			     ",rw behind --root it is not needed: there is no module overlay");
	fake_module(&r.dir, "pkg/lib/modules/6.1/kernel/overlay.ko", "depends=");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		r.c.root = cases[i].root;
		r.c.cmdline = cases[i].cmdline;
		EXPECT_EQ(make(&r), 0);
		EXPECT_HAS(plan(&r), "module virtio_console\n");
		EXPECT_EQ(!strstr(plan(&r), "module overlay\n"), !strstr(cases[i].plan, "overlay"));
		EXPECT_STR(strstr(plan(&r), "root "), cases[i].plan);
	}
	EXPECT(fake_find(archive, r.len, "vmm/command", &n));
	EXPECT(n.len == 7 && memcmp(n.data, "1\0/\0ls", 7) == 0);
	/* In front of an initrd, whether or not --modules says where they are. */
	r.c.root = NULL;
	r.c.has_initrd = true;
	r.c.cmdline = "";
	EXPECT_EQ(make(&r), 0);
	EXPECT_STR(r.out.words, "rdinit=/vmm/init");
	EXPECT_STR(plan(&r), "module virtio\nmodule virtio_mmio\nmodule virtio_console\ncommand\n");
	r.c.kernel = fake_path(&r.dir, "alone/Image");
	EXPECT_EQ(make(&r), 0);
	EXPECT_STR(plan(&r), "command\n");
	rig_destroy(&r);
}

TEST(initramfs_mounts_a_folder_of_the_host)
{
	struct rig r;

	rig_create(&r);
	fake_module(&r.dir, "pkg/lib/modules/6.1/kernel/overlay.ko", "depends=");
	fake_module(&r.dir, "pkg/lib/modules/6.1/kernel/fuse.ko", "depends=");
	fake_module(&r.dir, "pkg/lib/modules/6.1/kernel/virtiofs.ko", "depends=fuse,virtio");
	r.c.root = "/some/folder";
	r.c.share = "root";
	r.c.nr_disks = 0;
	EXPECT_EQ(make(&r), 0);
	EXPECT_STR(plan(&r), "module virtio\nmodule virtio_mmio\nmodule fuse\nmodule virtiofs\n"
			     "module overlay\nshare root\noverlay\n");
	r.c.root = "/some/folder,rw";
	EXPECT_EQ(make(&r), 0);
	EXPECT_HAS(plan(&r), "module virtiofs\nshare root\nrw\n");
	rig_destroy(&r);
}

/* What makes the kernel check the large modules faster comes before these, where there is such. */
TEST(initramfs_has_signed_modules_checked_fast)
{
	static const char signature[] = "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01"
					"\0\0\2\0\0\0\0\0\0\0\0\x0b"
					"~Module signature appended~\n";
	static uint8_t module[4096];
	const size_t len = fake_module_bytes(module, 2048, "depends=virtio");
	struct rig r;

	memcpy(module + len, signature, sizeof(signature) - 1);
	rig_create(&r);
	put_file(&r.dir, "pkg/lib/modules/6.1/kernel/virtio_mmio.ko", module,
		 len + sizeof(signature) - 1);
	fake_module(&r.dir, "pkg/lib/modules/6.1/kernel/overlay.ko", "depends=");
	fake_module(&r.dir, "pkg/lib/modules/6.1/kernel/virtiofs.ko", "depends=virtio");
	r.c.root = "/some/folder";
	r.c.share = "root";
	r.c.nr_disks = 0;
	EXPECT_EQ(make(&r), 0);
	EXPECT_HAS(plan(&r), "module virtio_mmio\nmodule virtiofs\n");
	EXPECT_STR(r.warned, "");
	fake_module(&r.dir, "pkg/lib/modules/6.1/kernel/sha256-arm64.ko", "depends=");
	fake_module(&r.dir, "pkg/lib/modules/6.1/kernel/sha2-ce.ko", "depends=sha256-arm64");
	EXPECT_EQ(make(&r), 0);
	EXPECT_HAS(plan(&r), "module sha256_arm64\nmodule sha2_ce\nmodule virtio\n"
			     "module virtio_mmio\nmodule virtiofs\nmodule overlay\n");
	/* Few and small ones: it would take longer. */
	r.c.root = "LABEL=plain";
	r.c.share = NULL;
	r.c.nr_disks = 1;
	EXPECT_EQ(make(&r), 0);
	EXPECT_HAS(plan(&r), "module virtio_mmio\nmodule virtio_blk\n");
	EXPECT(!strstr(plan(&r), "sha"));
	rig_destroy(&r);
}

TEST(initramfs_says_what_is_missing_and_for_what)
{
	struct rig r;

	rig_create(&r);
	r.c.root = "vda1";
	r.c.devices = INITRAMFS_RNG;
	EXPECT_EQ(make(&r), 0); /* nobody needs it to start */
	EXPECT_HAS(r.warned, "the guest will have no driver for the entropy device: there is no");
	EXPECT_EQ(unlink(fake_path(&r.dir, "pkg/lib/modules/6.1/kernel/ext4.ko")), 0);
	EXPECT_EQ(make(&r), -ENOENT);
	EXPECT_HAS(r.e.text, "driver for the root file system: there is no module ext4 in");
	EXPECT_EQ(unlink(fake_path(&r.dir, "pkg/lib/modules/6.1/kernel/virtio_blk.ko.xz")), 0);
	EXPECT_EQ(make(&r), -ENOENT);
	EXPECT_HAS(r.e.text, "driver for disks: there is no module virtio_blk in");
	r.c.modules = "/nonexistent";
	EXPECT_EQ(make(&r), -ENOENT);
	EXPECT_HAS(r.e.text, "--modules: /nonexistent: No such file");
	r.c.root = NULL;
	EXPECT_EQ(make(&r), -EINVAL);
	EXPECT_HAS(r.e.text, "--modules: nothing would use them; add --root or --initrd");
	r.c.root = "vdb";
	EXPECT_EQ(make(&r), -ENOENT);
	EXPECT_HAS(r.e.text, "--root: there is no disk for vdb");
	r.disks[0] = "/nonexistent/b.img";
	EXPECT_EQ(make(&r), -ENOENT);
	EXPECT_HAS(r.e.text, "--root: open /nonexistent/b.img: No such file");
	rig_destroy(&r);
}

TEST_MAIN(T(cpio_holds_what_was_put_in), T(cmdline_words_are_taken_apart_as_the_kernel_does),
	  T(initramfs_loads_what_the_root_needs_and_mounts_it),
	  T(initramfs_plan_follows_the_command_line),
	  T(initramfs_is_made_only_where_it_is_asked_for_or_needed),
	  T(initramfs_without_modules_still_mounts_the_root),
	  T(initramfs_comes_before_an_initrd_only_with_modules_given),
	  T(initramfs_brings_a_command_with_what_it_needs),
	  T(initramfs_mounts_a_folder_of_the_host), T(initramfs_has_signed_modules_checked_fast),
	  T(initramfs_says_what_is_missing_and_for_what))
