/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fdt: writes a flattened device tree (devicetree specification v0.4) with libfdt's sequential
 * writer. The first error sticks and every later call does nothing; fdt_done() reports it once,
 * with the path of the node it happened in. The tree is built in memory of its own and copied into
 * the guest by whoever places it.
 *
 * Cells: addresses and sizes are two cells everywhere (#address-cells = #size-cells = 2), except
 * under /cpus, where the writer of the node says otherwise with plain properties.
 */
#ifndef VMM_FDT_FDT_H
#define VMM_FDT_FDT_H

#include "vmm/base/err.h"

struct fdt;

/* Phandles that several nodes name; fixed, so nobody passes them around. */
enum fdt_phandle { FDT_PHANDLE_GIC = 1, FDT_PHANDLE_MSI, FDT_PHANDLE_CLOCK, FDT_PHANDLE_GPIO };

/* Starts a tree: opens the root node. NULL and @e set when memory is short. */
struct fdt *fdt_start(struct err *e) MUST_CHECK;

/*
 * Closes the root node. On success 0, and *@blob (owned by @t, valid until fdt_free()) and *@size
 * are the finished tree; otherwise -errno, the first error and its node.
 */
int fdt_done(struct fdt *t, const void **blob, size_t *size, struct err *e) MUST_CHECK;

/* NULL is fine. */
void fdt_free(struct fdt *t);

/*
 * Opens "name" or "name@unit" (hexadecimal); closes the innermost. The format wants a node's
 * properties before its children.
 */
void fdt_node(struct fdt *t, const char *name);
void fdt_node_at(struct fdt *t, const char *name, uint64_t unit);
void fdt_end(struct fdt *t);

void fdt_empty(struct fdt *t, const char *name); /* boolean property */
void fdt_u32(struct fdt *t, const char *name, uint32_t v);
void fdt_u64(struct fdt *t, const char *name, uint64_t v); /* two cells */
void fdt_str(struct fdt *t, const char *name, const char *v);
void fdt_bytes(struct fdt *t, const char *name, const void *v, size_t len);
void fdt_cells(struct fdt *t, const char *name, const uint32_t *v, size_t n);
void fdt_strv(struct fdt *t, const char *name, const char *const *v, size_t n);

#define FDT_CELLS(t, name, ...)                                                                    \
	fdt_cells((t), (name), (const uint32_t[]){ __VA_ARGS__ },                                  \
		  sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))
#define FDT_STRS(t, name, ...)                                                                     \
	fdt_strv((t), (name), (const char *const[]){ __VA_ARGS__ },                                \
		 sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *))

/* "reg" with one address and size. */
void fdt_reg(struct fdt *t, uint64_t base, uint64_t size);

/* "interrupts" with one shared peripheral interrupt (SPI number, INTID - 32): level high, or edge.
 */
void fdt_spi(struct fdt *t, uint32_t spi);
void fdt_spi_edge(struct fdt *t, uint32_t spi);

#endif
