/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes and small macros that every file may use. */
#ifndef VMM_BASE_DEFS_H
#define VMM_BASE_DEFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UNUSED		__attribute__((unused))
#define NOINLINE	__attribute__((noinline)) /* keeps a rare path out of a frequent one */
#define ALWAYS_INLINE	__attribute__((always_inline))
#define MUST_CHECK	__attribute__((warn_unused_result))
#define PRINTF(fmt, va) __attribute__((format(printf, fmt, va)))

/* Tables of function pointers are filled by name only; clang knows no such attribute. */
#if defined(__GNUC__) && !defined(__clang__)
#define OPS __attribute__((designated_init))
#else
#define OPS
#endif

/*
 * A function whose arguments a guest chooses; on a field of a table, each function that is put
 * there. gcc's analysis follows them to where they index, divide or count (`make lint`).
 */
#ifdef __has_attribute
#if __has_attribute(tainted_args)
#define GUEST_FACING __attribute__((tainted_args))
#endif
#endif
#ifndef GUEST_FACING
#define GUEST_FACING
#endif

/*
 * Types that sparse alone tells apart, and a cast between them that is meant: words of another byte
 * order (vmm/base/le.h); the guest's memory, which is touched only where it may fail
 * (vmm/core/poison.h).
 */
#ifdef __CHECKER__
#define BITWISE	  __attribute__((bitwise))
#define FORCE	  __attribute__((force))
#define GUEST_MEM __attribute__((noderef, address_space(guest)))
#else
#define BITWISE
#define FORCE
#define GUEST_MEM
#endif

/* That a pointer, an iovec's say, is one into the guest's memory; and one that goes to the host. */
#define TO_GUEST(p)   ((FORCE void GUEST_MEM *)(p))
#define FROM_GUEST(p) ((FORCE void *)(p))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* The struct of type @type whose field @member @ptr points to; keeps const. */
#define container_of(ptr, type, member)                                                            \
	__extension__({                                                                            \
		const __typeof__(((type *)0)->member) *member_ptr_ = (ptr);                        \
		(type *)((uintptr_t)member_ptr_ - offsetof(type, member));                         \
	})

#define KiB UINT64_C(1024)
#define MiB (1024 * KiB)
#define GiB (1024 * MiB)

#endif
