/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an initramfs is made of: an archive of any names and bytes, read back; words of a kernel's
 * command line; lists of modules; and modules, packed or not (by the first byte).
 */
#include "tests/fuzz/fuzz.h"
#include "tests/lib/fake_modules.h"
#include "vmm/base/io.h"
#include "vmm/base/unpack.h"
#include "vmm/initramfs/cmdline.h"
#include "vmm/initramfs/cpio.h"
#include "vmm/initramfs/modindex.h"
#include "vmm/initramfs/modinfo.h"
#include "vmm/initramfs/modules.h"
#include "vmm/initramfs/rootfs.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char *take_text(struct program *p)
{
	const uint8_t *from;
	size_t n = program_take(p, &from, program_u8(p));
	char *text = n ? strndup((const char *)from, n) : strdup("");

	EXPECT(text);
	return text;
}

static int add(struct cpio *c, struct program *p, uint8_t how, char *last)
{
	char *name = take_text(p), *target = NULL;
	const uint8_t *data;
	struct err e = { .text = "" };
	size_t len;
	int code;

	if (name[0] == '/' || strcmp(name, "TRAILER!!!") == 0) /* as cpio.h wants it; the end */
		name[0] = 'x';
	switch (how & 3) {
	case 0:
		code = cpio_dir(c, name, how, &e);
		break;
	case 1:
		len = program_take(p, &data, program_u8(p));
		code = cpio_file(c, name, how, data, len, &e);
		break;
	case 2:
		target = take_text(p);
		code = cpio_link(c, name, target, &e);
		break;
	default:
		len = program_u8(p);
		code = cpio_node(c, name, how, (unsigned)len, program_u8(p), &e);
		break;
	}
	EXPECT(code == 0 || (e.text[0] && !strchr(e.text, '\n')));
	if (code == 0)
		(void)snprintf(last, 256, "%s", name);
	free(name);
	free(target);
	return code;
}

static void archive(struct program *p)
{
	static uint8_t bytes[1 << 18];
	char last[256] = "";
	struct fake_entry n;
	struct cpio c;
	struct err e;
	bool any = false;
	ssize_t len;
	int fd = -1;

	EXPECT_EQ(cpio_create(&c, &e), 0);
	while (program_more(p) && c.size < sizeof(bytes) / 2)
		any |= add(&c, p, program_u8(p), last) == 0;
	EXPECT_EQ(cpio_finish(&c, &fd, &e), 0);
	cpio_destroy(&c);
	len = io_pread(fd, bytes, sizeof(bytes), 0);
	EXPECT(len > 0 && len % 4 == 0);
	/* Each entry is where it should be, or this fails. */
	EXPECT(!any || fake_find(bytes, (size_t)len, last, &n));
	(void)close(fd);
}

static void words(struct program *p)
{
	char *key = take_text(p), *other = take_text(p), *line = take_text(p), *v;
	size_t len;

	v = cmdline_value(line, key);
	EXPECT(!v || strlen(v) < strlen(line) + 1);
	free(v);
	v = cmdline_parameters(line, key);
	EXPECT(!v || strlen(v) <= strlen(line));
	free(v);
	EXPECT(cmdline_last_of(line, key, other) <= 1);
	(void)root_spec_mode(line, &len);
	EXPECT(len <= strlen(line));
	(void)root_spec_kind(line);
	(void)modindex_same(key, other);
	free(key);
	free(other);
	free(line);
}

static int file_of(const struct program *p, char name[16])
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	EXPECT(fd >= 0 && (p->left == 0 || io_write(fd, p->at, p->left) == 0));
	(void)snprintf(name, 16, "%d", fd);
	return fd;
}

static void lists(struct program *p)
{
	char *name = take_text(p), file[16];
	struct modindex x = { 0 };
	struct err e = { .text = "" };
	bool found;
	int fd = file_of(p, file);

	if (modindex_read(&x, "/proc/self/fd", file, &found, &e))
		EXPECT(e.text[0] && !strchr(e.text, '\n'));
	(void)modindex_find(&x, name);
	modindex_free(&x);
	(void)close(fd);
	free(name);
}

void fuzz_one(const uint8_t *data, size_t len)
{
	struct program p = { data, len };

	switch (program_u8(&p) % 3) {
	case 0:
		archive(&p);
		break;
	case 1:
		words(&p);
		break;
	default:
		lists(&p);
		break;
	}
}
