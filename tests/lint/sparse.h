/* SPDX-License-Identifier: Apache-2.0 */
/* For sparse alone: what it does not know, as what it means for types. */
#ifndef TESTS_LINT_SPARSE_H
#define TESTS_LINT_SPARSE_H

/* The kernel's own types for sparse: the flags that they are for are given out without. */
#undef __CHECKER__
#include <linux/types.h>
#define __CHECKER__ 1

/* Of memory that is not to be touched otherwise, either. */
#define __atomic_load_n(from, order) (*(__attribute__((force)) __typeof__(*(from)) *)(from))
#define __atomic_store_n(to, v, order)                                                             \
	((void)(*(__attribute__((force)) __typeof__(*(to)) *)(to) = (v)))

#define _Atomic(type) __typeof__(type)

#endif
