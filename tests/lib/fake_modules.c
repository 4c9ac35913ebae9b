/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/fake_modules.h"

#include "tests/lib/fake_disk.h"
#include "tests/lib/test.h"
#include "vmm/base/io.h"
#include "vmm/base/scope.h"

#include <elf.h>
#include <fcntl.h>
#include <ftw.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <zlib.h>
#include <zstd.h>

enum { BUF = 65536 };

void fake_modules_create(struct fake_modules *f)
{
	(void)snprintf(f->root, sizeof(f->root), "/tmp/fake_modules.XXXXXX");
	EXPECT(mkdtemp(f->root) != NULL);
}

static int remove_one(const char *path, const struct stat *st UNUSED, int flag UNUSED,
		      struct FTW *w UNUSED)
{
	return remove(path);
}

void fake_modules_destroy(struct fake_modules *f)
{
	EXPECT_EQ(nftw(f->root, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

const char *fake_path(const struct fake_modules *f, const char *path)
{
	static char paths[8][256];
	static unsigned next;
	char *p = paths[next++ % 8];

	(void)snprintf(p, sizeof(paths[0]), "%s%s%s", f->root, *path ? "/" : "", path);
	return p;
}

void put_file(const struct fake_modules *f, const char *path, const void *data, size_t len)
{
	char whole[256];
	auto_fd int fd = -1;

	(void)snprintf(whole, sizeof(whole), "%s/%s", f->root, path);
	for (char *p = strchr(whole + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		(void)mkdir(whole, 0755);
		*p = '/';
	}
	fd = open(whole, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	EXPECT(fd >= 0);
	EXPECT_EQ(io_write(fd, data, len), 0);
}

void put_text(const struct fake_modules *f, const char *path, const char *text)
{
	put_file(f, path, text, strlen(text));
}

/* Header, .modinfo, names, then the table of sections: none, .modinfo, names. */
size_t fake_module_bytes(uint8_t *out, size_t room, const char *info)
{
	static const char names[] = "\0.modinfo\0.shstrtab";
	const size_t info_at = 64, info_len = strlen(info) + 1, names_at = info_at + info_len,
		     table = (names_at + sizeof(names) + 7) & ~(size_t)7,
		     len = table + 3 * (size_t)64;

	EXPECT(len <= room);
	memset(out, 0, len);
	memcpy(out, ELFMAG "\x02\x01\x01", 7);
	fake_put16(out + offsetof(Elf64_Ehdr, e_type), ET_REL);
	fake_put16(out + offsetof(Elf64_Ehdr, e_machine), EM_AARCH64);
	fake_put64(out + offsetof(Elf64_Ehdr, e_shoff), table);
	fake_put16(out + offsetof(Elf64_Ehdr, e_shentsize), 64);
	fake_put16(out + offsetof(Elf64_Ehdr, e_shnum), 3);
	fake_put16(out + offsetof(Elf64_Ehdr, e_shstrndx), 2);
	memcpy(out + info_at, info, info_len);
	for (size_t i = 0; i < info_len; i++)
		if (out[info_at + i] == '|')
			out[info_at + i] = '\0';
	memcpy(out + names_at, names, sizeof(names));
	fake_put32(out + table + 64, 1);
	fake_put32(out + table + 64 + 4, SHT_PROGBITS);
	fake_put64(out + table + 64 + 24, info_at);
	fake_put64(out + table + 64 + 32, info_len);
	fake_put32(out + table + 128, 10);
	fake_put32(out + table + 128 + 4, SHT_STRTAB);
	fake_put64(out + table + 128 + 24, names_at);
	fake_put64(out + table + 128 + 32, sizeof(names));
	return len;
}

static bool ends(const char *s, const char *end)
{
	return strlen(s) > strlen(end) && strcmp(s + strlen(s) - strlen(end), end) == 0;
}

void fake_module(const struct fake_modules *f, const char *path, const char *info)
{
	static uint8_t plain[BUF], packed[BUF];
	size_t len = fake_module_bytes(plain, BUF, info), n = 0;

	if (ends(path, ".xz")) {
		EXPECT_EQ(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC32, NULL, plain, len, packed, &n,
						  BUF),
			  LZMA_OK);
	} else if (ends(path, ".zst")) {
		n = ZSTD_compress(packed, BUF, plain, len, 3);
		EXPECT(!ZSTD_isError(n));
	} else if (ends(path, ".gz")) {
		z_stream z = { .next_in = plain, .avail_in = (uInt)len, .next_out = packed };

		z.avail_out = BUF;
		EXPECT_EQ(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
		EXPECT_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
		n = z.total_out;
		(void)deflateEnd(&z);
	} else {
		n = len;
		memcpy(packed, plain, n);
	}
	put_file(f, path, packed, n);
}

/* --- archives -------------------------------------------------------------------------------- */

static size_t field(const uint8_t *head, unsigned n)
{
	char digits[9] = "";
	char *end;
	unsigned long v;

	memcpy(digits, head + 6 + 8 * (size_t)n, 8);
	v = strtoul(digits, &end, 16);
	EXPECT(end == digits + 8);
	return v;
}

bool fake_find(const uint8_t *archive, size_t len, const char *name, struct fake_entry *out)
{
	bool found = false;
	size_t at = 0;

	EXPECT_EQ(len % 4, 0);
	for (;;) {
		const uint8_t *h = archive + at;
		const char *own = (const char *)h + 110;
		size_t name_len, size, data;

		EXPECT(len - at > 110);
		EXPECT_EQ(memcmp(h, "070701", 6), 0);
		name_len = field(h, 11);
		size = field(h, 6);
		data = (at + 110 + name_len + 3) & ~(size_t)3;
		EXPECT(name_len && data + size <= len);
		EXPECT_EQ(strlen(own) + 1, name_len);
		EXPECT(own[0] != '/');
		if (strcmp(own, name) == 0) {
			found = true;
			*out = (struct fake_entry){ .mode = (unsigned)field(h, 1),
						    .rdev_major = (unsigned)field(h, 9),
						    .rdev_minor = (unsigned)field(h, 10),
						    .data = archive + data,
						    .len = size };
		}
		at = (data + size + 3) & ~(size_t)3;
		if (strcmp(own, "TRAILER!!!") == 0)
			break;
	}
	EXPECT_EQ(at, len);
	return found;
}
