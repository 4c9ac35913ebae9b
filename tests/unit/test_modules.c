/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/fake_modules.h"
#include "tests/lib/test.h"
#include "vmm/base/scope.h"
#include "vmm/initramfs/modinfo.h"
#include "vmm/initramfs/modlocate.h"
#include "vmm/initramfs/modules.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* --- modinfo --------------------------------------------------------------------------------- */

TEST(modinfo_gives_the_values_of_a_key_in_order)
{
	static uint8_t b[4096];
	size_t len = fake_module_bytes(
		b, sizeof(b), "depends=x,y|softdep=pre: a||softdep=post: b|depend=no|softdep");
	struct modinfo m;
	const char *v;

	EXPECT(modinfo_find(&m, b, len));
	EXPECT_STR(modinfo_next(&m, "depends", NULL), "x,y");
	v = modinfo_next(&m, "softdep", NULL);
	EXPECT_STR(v, "pre: a");
	v = modinfo_next(&m, "softdep", v);
	EXPECT_STR(v, "post: b");
	EXPECT(modinfo_next(&m, "softdep", v) == NULL);
	EXPECT(modinfo_next(&m, "none", NULL) == NULL);
}

/* The copy ends where its memory does, so that the sanitizer sees each byte beyond. */
TEST(modinfo_of_damaged_files_reads_nothing_outside)
{
	static uint8_t b[4096];
	size_t len = fake_module_bytes(b, sizeof(b), "depends=x");
	static const uint8_t values[] = { 0, 1, 0x7f, 0x80, 0xff };

	for (size_t cut = 0; cut <= len; cut++)
		for (size_t at = 0; at < len; at += cut == len ? 1 : len)
			for (size_t k = 0; k < ARRAY_SIZE(values); k++) {
				auto_free uint8_t *copy = malloc(cut + 1);
				struct modinfo m;
				const char *v = NULL;

				EXPECT(copy != NULL);
				memcpy(copy + 1, b, cut);
				if (cut == len)
					copy[1 + at] = values[k];
				if (!modinfo_find(&m, copy + 1, cut))
					continue;
				while ((v = modinfo_next(&m, "depends", v)))
					EXPECT(strlen(v) <= len);
			}
}

/* --- which are loaded, and in which order ----------------------------------------------------- */

static int count(void *ctx, const char *name, const void *data, size_t len, struct err *e UNUSED)
{
	EXPECT(len > 4 && memcmp(data,
				 "\x7f"
				 "ELF",
				 4) == 0);
	EXPECT(!strchr(name, '-'));
	++*(unsigned *)ctx;
	return 0;
}

/* What is loaded for @names, with blanks between. */
static const char *order(const char *dir, const char *names, struct err *e)
{
	static char text[512];
	char list[128], *save, *w;
	struct modules *m = modules_open(dir, e);
	const char *const *done;
	unsigned handed = 0;
	size_t nr;
	int code = 0;

	EXPECT(m != NULL);
	(void)snprintf(list, sizeof(list), "%s", names);
	for (w = strtok_r(list, " ", &save); w && code == 0; w = strtok_r(NULL, " ", &save))
		code = modules_need(m, w, count, &handed, e);
	done = modules_order(m, &nr);
	text[0] = '\0';
	for (size_t i = 0; i < nr; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
			       i ? " " : "", done[i]);
	if (code == 0)
		EXPECT_EQ(handed, nr);
	else
		(void)snprintf(text, sizeof(text), "error %d", -code);
	modules_close(m);
	return text;
}

/* As a package has them: no modules.dep. */
static void tree(struct fake_modules *f)
{
	fake_modules_create(f);
	fake_module(f, "kernel/drivers/virtio/virtio.ko", "name=virtio");
	fake_module(f, "kernel/drivers/virtio/virtio_ring.ko.xz", "depends=virtio");
	fake_module(f, "kernel/drivers/virtio/virtio_mmio.ko.zst", "depends=virtio,virtio_ring");
	fake_module(f, "kernel/drivers/block/virtio_blk.ko.gz", "depends=virtio_ring,virtio");
	fake_module(f, "kernel/drivers/char/hw_random/virtio-rng.ko", "depends=virtio,virtio-ring");
	fake_module(f, "kernel/fs/ext4/ext4.ko",
		    "softdep=pre: crypto-crc32c nobody|depends=jbd2,mbcache");
	fake_module(f, "kernel/fs/jbd2/jbd2.ko", "depends=");
	fake_module(f, "kernel/fs/mbcache.ko", "depends=built-in");
	fake_module(f, "kernel/crypto/crc32c_generic.ko", "depends=");
	fake_module(f, "kernel/a/circle_a.ko", "depends=circle_b");
	fake_module(f, "kernel/a/circle_b.ko", "depends=circle_a");
	fake_module(f, "kernel/a/torn.ko", "depends=gone");
	put_text(f, "kernel/a/notes.txt", "no module");
	put_text(f, "modules.builtin", "kernel/lib/built-in.ko\nkernel/fs/xfs/xfs.ko\n");
}

TEST(modules_come_after_what_they_need)
{
	struct fake_modules f;
	struct err e;

	tree(&f);
	EXPECT_STR(order(f.root, "virtio_mmio virtio_blk virtio_rng", &e),
		   "virtio virtio_ring virtio_mmio virtio_blk virtio_rng");
	EXPECT_STR(order(f.root, "ext4", &e), "crc32c_generic jbd2 mbcache ext4");
	EXPECT_STR(order(f.root, "xfs built_in", &e), "");
	EXPECT_STR(order(f.root, "circle_a", &e), "circle_b circle_a");
	fake_modules_destroy(&f);
}

TEST(modules_that_are_missing_are_a_sentence)
{
	struct fake_modules f;
	struct err e;

	tree(&f);
	EXPECT_STR(order(f.root, "virtio_net", &e), "error 2");
	EXPECT_HAS(e.text, "there is no module virtio_net in /tmp/fake_modules.");
	EXPECT_STR(order(f.root, "torn", &e), "error 2");
	EXPECT_HAS(e.text, "no module gone");
	/* Without the list of what is built in, it may be. */
	EXPECT_EQ(unlink(fake_path(&f, "modules.builtin")), 0);
	EXPECT_STR(order(f.root, "virtio_net torn", &e), "torn");
	fake_modules_destroy(&f);
}

TEST(modules_dep_says_where_they_are)
{
	struct fake_modules f;
	struct err e;

	tree(&f);
	put_text(&f, "modules.dep",
		 "kernel/drivers/virtio/virtio.ko:\n"
		 "kernel/drivers/virtio/virtio_ring.ko.xz: kernel/drivers/virtio/virtio.ko\n"
		 "kernel/gone.ko:");
	EXPECT_STR(order(f.root, "virtio_ring", &e), "virtio virtio_ring");
	EXPECT_STR(order(f.root, "virtio_blk", &e), "error 2");
	EXPECT_STR(order(f.root, "gone", &e), "error 2");
	EXPECT_HAS(e.text, "kernel/gone.ko: No such file");
	put_text(&f, "modules.dep", "");
	EXPECT_STR(order(f.root, "virtio_blk", &e), "virtio virtio_ring virtio_blk");
	fake_modules_destroy(&f);
}

TEST(modules_in_updates_come_before_others)
{
	struct fake_modules f;
	struct err e;

	tree(&f);
	fake_module(&f, "updates/dkms/virtio_blk.ko", "depends=circle-b");
	EXPECT_STR(order(f.root, "virtio_blk", &e), "circle_a circle_b virtio_blk");
	fake_modules_destroy(&f);
}

TEST(modules_that_are_broken_are_a_sentence)
{
	static const struct {
		const char *path, *bytes;
		size_t len;
		const char *says;
	} cases[] = {
		{ "kernel/bad.ko", "", 0, "0 bytes are not those of a module" },
		{ "kernel/bad.ko",
		  "\x7f"
		  "ELF and no more",
		  16, "is not a kernel module for arm64" },
		{ "kernel/bad.ko.xz",
		  "\xfd"
		  "7zXZ\0 and no more",
		  18, "xz data" },
		{ "kernel/bad.ko.gz", "\x1f\x8b\x08\0\0\0\0\0\0\x03", 10, "gzip data" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fake_modules f;
		struct err e;

		fake_modules_create(&f);
		put_file(&f, cases[i].path, cases[i].bytes, cases[i].len);
		EXPECT_STR(order(f.root, "bad", &e), "error 22");
		EXPECT_HAS(e.text, cases[i].path);
		EXPECT_HAS(e.text, cases[i].says);
		fake_modules_destroy(&f);
	}
}

TEST(modules_may_depend_on_each_other_only_so_far)
{
	struct fake_modules f;
	struct err e;

	fake_modules_create(&f);
	for (unsigned i = 0; i < 100; i++) {
		char path[32], info[32];

		(void)snprintf(path, sizeof(path), "kernel/m%u.ko", i);
		(void)snprintf(info, sizeof(info), "depends=m%u", i + 1);
		fake_module(&f, path, info);
	}
	EXPECT_STR(order(f.root, "m0", &e), "error 22");
	EXPECT_HAS(e.text, "too many");
	fake_modules_destroy(&f);
}

/* --- where they are -------------------------------------------------------------------------- */

static const char *located(int code, char *dir, const struct fake_modules *f, struct err *e)
{
	static char text[512];

	if (code)
		(void)snprintf(text, sizeof(text), "%s", e->text);
	else
		(void)snprintf(text, sizeof(text), "%s", dir ? dir + strlen(f->root) : "none");
	free(dir);
	return text;
}

static const char *beside(const struct fake_modules *f, const char *kernel)
{
	struct err e;
	char *dir;
	int code = modlocate_beside(fake_path(f, kernel), &dir, &e);

	return located(code, dir, f, &e);
}

static const char *named(const struct fake_modules *f, const char *dir, const char *kernel)
{
	struct err e;
	char *out;
	int code = modlocate(fake_path(f, dir), kernel ? fake_path(f, kernel) : NULL, &out, &e);

	return located(code, out, f, &e);
}

TEST(modules_lie_beside_a_kernel_of_a_package)
{
	struct fake_modules f;

	fake_modules_create(&f);
	put_text(&f, "pkg/boot/vmlinuz-6.1.0-9-arm64", "");
	EXPECT_STR(beside(&f, "pkg/boot/vmlinuz-6.1.0-9-arm64"), "none");
	put_text(&f, "pkg/lib/modules/6.1.0-9-arm64/modules.order", "");
	put_text(&f, "pkg/lib/modules/6.12/modules.order", "");
	EXPECT_STR(beside(&f, "pkg/boot/vmlinuz-6.1.0-9-arm64"), "/pkg/lib/modules/6.1.0-9-arm64");
	EXPECT_EQ(symlink("boot/vmlinuz-6.1.0-9-arm64", fake_path(&f, "pkg/vmlinuz")), 0);
	EXPECT_STR(beside(&f, "pkg/vmlinuz"), "/pkg/lib/modules/6.1.0-9-arm64");
	put_text(&f, "usr/boot/vmlinuz-7", "");
	put_text(&f, "usr/usr/lib/modules/7/modules.builtin", "");
	EXPECT_STR(beside(&f, "usr/boot/vmlinuz-7"), "/usr/usr/lib/modules/7");
	put_text(&f, "usr/boot/Image", "");
	EXPECT_STR(beside(&f, "usr/boot/Image"), "/usr/usr/lib/modules/7");
	/* Fedora's is among its modules. */
	put_text(&f, "f/lib/modules/7.1.fc/vmlinuz", "");
	put_text(&f, "f/lib/modules/7.1.fc/modules.dep", "");
	EXPECT_STR(beside(&f, "f/lib/modules/7.1.fc/vmlinuz"), "/f/lib/modules/7.1.fc");
	put_text(&f, "lab/Image", "");
	put_text(&f, "lab/modules/kernel/x.ko", "");
	EXPECT_STR(beside(&f, "lab/Image"), "/lab/modules");
	EXPECT_STR(beside(&f, "nowhere/Image"), "none");
	fake_modules_destroy(&f);
}

TEST(modules_that_the_user_names_are_found_in_what_holds_them)
{
	struct fake_modules f;

	fake_modules_create(&f);
	put_text(&f, "pkg/lib/modules/6.1/modules.order", "");
	EXPECT_STR(named(&f, "pkg/lib/modules/6.1", NULL), "/pkg/lib/modules/6.1");
	EXPECT_STR(named(&f, "pkg/lib/modules", NULL), "/pkg/lib/modules/6.1");
	EXPECT_STR(named(&f, "pkg", "boot/Image"), "/pkg/lib/modules/6.1");
	put_text(&f, "pkg/lib/modules/6.2/modules.order", "");
	EXPECT_STR(named(&f, "pkg", "boot/vmlinuz-6.2"), "/pkg/lib/modules/6.2");
	EXPECT_HAS(named(&f, "pkg", "boot/vmlinuz-6.3"), "has modules of several kernels, as 6.");
	EXPECT_HAS(named(&f, "pkg", NULL), "name the folder of one");
	EXPECT_HAS(named(&f, "pkg/lib", NULL), "has no kernel modules");
	EXPECT_HAS(named(&f, "none", NULL), "No such file");
	EXPECT_HAS(named(&f, "pkg/lib/modules/6.1/modules.order", NULL), "is not a folder");
	fake_modules_destroy(&f);
}

TEST_MAIN(T(modinfo_gives_the_values_of_a_key_in_order),
	  T(modinfo_of_damaged_files_reads_nothing_outside), T(modules_come_after_what_they_need),
	  T(modules_that_are_missing_are_a_sentence), T(modules_dep_says_where_they_are),
	  T(modules_in_updates_come_before_others), T(modules_that_are_broken_are_a_sentence),
	  T(modules_may_depend_on_each_other_only_so_far),
	  T(modules_lie_beside_a_kernel_of_a_package),
	  T(modules_that_the_user_names_are_found_in_what_holds_them))
