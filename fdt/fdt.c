/* SPDX-License-Identifier: Apache-2.0 */
#include "fdt/fdt.h"

#include <assert.h>
#include <errno.h>
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

/* The tree of a small machine fits in twice this; each doubling is one copy. */
#define FIRST_SIZE 4096

/* Linux's bound on arm64 (Documentation/arch/arm64/booting.rst). */
#define MAX_SIZE (2 * (int)MiB)

struct fdt {
	void *blob;	/* owned */
	int size;	/* of blob, bytes */
	int error;	/* the first that happened, -FDT_ERR_...; 0 while none has */
	unsigned depth; /* nodes open */
	char path[256]; /* of the innermost open node; stays at the node of the first error */
};

/* Makes room if @ret, an error, says that there is none. False: no use repeating, it sticks. */
static bool grow(struct fdt *t, int ret)
{
	void *blob;

	t->error = ret;
	if (ret != -FDT_ERR_NOSPACE || t->size >= MAX_SIZE)
		return false;
	blob = malloc((size_t)t->size * 2);
	if (!blob)
		return false;
	t->error = fdt_resize(t->blob, blob, t->size * 2);
	if (t->error) {
		free(blob);
		return false;
	}
	free(t->blob);
	t->blob = blob;
	t->size *= 2;
	return true;
}

/* Repeats @op while it fails for want of room that can be had; does nothing after an error. */
#define WRITE(t, op)                                                                               \
	do {                                                                                       \
		int ret_ = 0;                                                                      \
		while (!(t)->error && (ret_ = (op)) < 0 && grow((t), ret_))                        \
			;                                                                          \
	} while (0)

struct fdt *fdt_start(struct err *e)
{
	struct fdt *t = calloc(1, sizeof(*t));

	if (t)
		t->blob = malloc(FIRST_SIZE);
	if (!t || !t->blob) {
		free(t);
		(void)err_set(e, ENOMEM, "device tree: out of memory");
		return NULL;
	}
	t->size = FIRST_SIZE;
	/* Looking for a name to share costs more than all the rest; a tree is written once. */
	WRITE(t, fdt_create_with_flags(t->blob, t->size, FDT_CREATE_FLAG_NO_NAME_DEDUP));
	WRITE(t, fdt_finish_reservemap(t->blob));
	WRITE(t, fdt_begin_node(t->blob, ""));
	t->depth = 1;
	return t;
}

static int report(const struct fdt *t, struct err *e)
{
	const char *node = t->path[0] ? t->path : "/";

	if (t->error != -FDT_ERR_NOSPACE)
		return err_set(e, EINVAL, "device tree: node %s: %s", node, fdt_strerror(t->error));
	if (t->size >= MAX_SIZE)
		return err_set(e, E2BIG, "device tree: node %s: tree larger than %d bytes", node,
			       MAX_SIZE);
	return err_set(e, ENOMEM, "device tree: node %s: out of memory", node);
}

int fdt_done(struct fdt *t, const void **blob, size_t *size, struct err *e)
{
	assert(t->depth == 1);
	WRITE(t, fdt_end_node(t->blob));
	WRITE(t, fdt_finish(t->blob));
	if (t->error)
		return report(t, e);
	t->depth = 0;
	*blob = t->blob;
	*size = fdt_totalsize(t->blob);
	return 0;
}

void fdt_free(struct fdt *t)
{
	if (!t)
		return;
	free(t->blob);
	free(t);
}

void fdt_node(struct fdt *t, const char *name)
{
	size_t at = strlen(t->path), len = strlen(name);

	assert(t->depth > 0);
	t->depth++;
	if (t->error)
		return;
	assert(len + 1 < sizeof(t->path) - at);
	t->path[at] = '/';
	memcpy(t->path + at + 1, name, len + 1);
	WRITE(t, fdt_begin_node(t->blob, name));
}

void fdt_node_at(struct fdt *t, const char *name, uint64_t unit)
{
	char full[64], *at = full;
	size_t len = strlen(name);
	int digit = 60;

	assert(len + sizeof("@0123456789abcdef") <= sizeof(full));
	at = mempcpy(at, name, len);
	*at++ = '@';
	while (digit && !(unit >> digit))
		digit -= 4;
	for (; digit >= 0; digit -= 4)
		*at++ = "0123456789abcdef"[unit >> digit & 0xf];
	*at = '\0';
	fdt_node(t, full);
}

void fdt_end(struct fdt *t)
{
	assert(t->depth > 1);
	t->depth--;
	WRITE(t, fdt_end_node(t->blob));
	if (!t->error)
		*strrchr(t->path, '/') = '\0';
}

/* Adds a property of @len bytes; where to put them, or NULL after an error. */
static void *property(struct fdt *t, const char *name, size_t len)
{
	void *value = NULL;

	assert(t->depth > 0 && len < MAX_SIZE);
	WRITE(t, fdt_property_placeholder(t->blob, name, (int)len, &value));
	return t->error ? NULL : value;
}

void fdt_bytes(struct fdt *t, const char *name, const void *v, size_t len)
{
	void *to = property(t, name, len);

	if (to && len)
		memcpy(to, v, len);
}

void fdt_cells(struct fdt *t, const char *name, const uint32_t *v, size_t n)
{
	/* Properties begin on a multiple of 4 in the blob, and malloc() aligned the blob. */
	fdt32_t *to = property(t, name, n * sizeof(*to));

	for (size_t i = 0; to && i < n; i++)
		to[i] = cpu_to_fdt32(v[i]);
}

void fdt_strv(struct fdt *t, const char *name, const char *const *v, size_t n)
{
	size_t len = 0;
	char *to;

	for (size_t i = 0; i < n; i++)
		len += strlen(v[i]) + 1;
	to = property(t, name, len);
	for (size_t i = 0; to && i < n; i++)
		to = stpcpy(to, v[i]) + 1;
}

void fdt_empty(struct fdt *t, const char *name)
{
	fdt_bytes(t, name, NULL, 0);
}

void fdt_u32(struct fdt *t, const char *name, uint32_t v)
{
	fdt_cells(t, name, &v, 1);
}

void fdt_u64(struct fdt *t, const char *name, uint64_t v)
{
	FDT_CELLS(t, name, (uint32_t)(v >> 32), (uint32_t)v);
}

void fdt_str(struct fdt *t, const char *name, const char *v)
{
	fdt_strv(t, name, &v, 1);
}

void fdt_reg(struct fdt *t, uint64_t base, uint64_t size)
{
	FDT_CELLS(t, "reg", (uint32_t)(base >> 32), (uint32_t)base, (uint32_t)(size >> 32),
		  (uint32_t)size);
}

/* As in the GIC's binding. */
enum { GIC_SPI = 0, EDGE_RISING = 1, LEVEL_HIGH = 4 };

void fdt_spi(struct fdt *t, uint32_t spi)
{
	FDT_CELLS(t, "interrupts", GIC_SPI, spi, LEVEL_HIGH);
}

void fdt_spi_edge(struct fdt *t, uint32_t spi)
{
	FDT_CELLS(t, "interrupts", GIC_SPI, spi, EDGE_RISING);
}
