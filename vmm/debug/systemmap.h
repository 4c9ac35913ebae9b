/* SPDX-License-Identifier: Apache-2.0 */
/*
 * systemmap: symbols from text as nm(1) writes it: "ffff800080010000 T _stext". That is what a
 * kernel's System.map holds, and /proc/kallsyms, which puts "[module]" behind some names.
 *
 * Lines for undefined symbols (blanks for the address), for absolute ones and for debugging are
 * skipped. Any other line that does not look so makes the whole file refused, by its number: half a
 * file gives wrong names for the addresses of the other half.
 */
#ifndef VMM_DEBUG_SYSTEMMAP_H
#define VMM_DEBUG_SYSTEMMAP_H

#include "vmm/debug/symtab.h"

#define SYSTEMMAP_MAX (256 * MiB)

/* Whether @head, the first bytes of a file, begins such text. */
bool systemmap_sniff(const uint8_t *head, size_t len);

/* Fills @t, which is of zero bits. @f outlives it. On failure it holds nothing. */
int systemmap_read(struct symtab *t, const struct io_file *f, struct err *e) MUST_CHECK;

#endif
