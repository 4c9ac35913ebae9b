/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a file with symbols (when the first is even) or as the memory that a kernel is in
 * (odd), then names for addresses and addresses for names.
 *
 * Good seeds: small ELF files with DWARF, a System.map, the tables of a kernel.
 */
#include "vmm/base/checked.h"
#include "vmm/base/io.h"
#include "vmm/debug/symbols.h"
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BASE 0x40000000U

struct memory {
	const uint8_t *data;
	size_t len;
};

static bool read_memory(void *ctx, uint64_t pa, void *dst, size_t len)
{
	const struct memory *m = ctx;

	assert(range_inside(pa, len, BASE, m->len));
	memcpy(dst, m->data + (pa - BASE), len);
	return true;
}

static void check(const struct symbol_text *t)
{
	char buf[600];

	symbol_format(t, buf, sizeof(buf));
	assert(buf[0]);
	for (const char *c = buf; *c; c++)
		assert(*c >= ' ' && *c <= '~');
}

static void look_up(struct symbols *s)
{
	static const uint64_t bases[] = { 0, 0x8000, BASE, 0xffff800080000000,
					  UINT64_MAX - 0x10000 };
	struct symbol_place p;
	struct symbol_text t;
	struct err e;

	for (size_t i = 0; i < 5; i++) {
		for (uint64_t at = 0; at < 0x10000; at += 0x1fff) {
			if (symbols_name(s, bases[i] + at, &t))
				check(&t);
			if (symbols_name_return(s, bases[i] + at, &t))
				check(&t);
			if (symbols_name_physical(s, bases[i] + at, &t))
				check(&t);
		}
	}
	(void)symbols_find(s, "_start", &p);
	(void)symbols_find(s, "panic", &p);
	while (symbols_problem(s, &e))
		assert(e.text[0] && !strchr(e.text, '\n'));
}

static void as_file(const uint8_t *data, size_t len)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct symbols *s = symbols_create(NULL);
	uint64_t address = 0x8000;
	char path[32];
	struct err e;

	assert(fd >= 0 && s);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (io_write(fd, data, len) == 0) {
		if (symbols_add(s, path, NULL, &e))
			assert(e.text[0] && !strchr(e.text, '\n'));
		(void)!symbols_add(s, path, &address, &e);
		look_up(s);
	}
	symbols_destroy(s);
	(void)close(fd);
}

static void as_memory(const uint8_t *data, size_t len)
{
	struct memory m = { data, len };
	struct guest_reader r = { read_memory, &m };
	struct symbols *s = symbols_create(&r);

	assert(s);
	symbols_image(s, BASE, len);
	look_up(s);
	symbols_locate(s, 0xffff800080000000, BASE);
	look_up(s);
	symbols_destroy(s);
}

void fuzz_one(const uint8_t *data, size_t len)
{
	if (len > 0 && data[0] & 1)
		as_memory(data + 1, len - 1);
	else if (len > 0)
		as_file(data + 1, len - 1);
}
