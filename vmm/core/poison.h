/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poison: memory of the host that failed. The kernel tells of it with SIGBUS: to a thread that
 * touched such a page, or whose vCPU did in KVM_RUN (there si_code is BUS_MCEERR_AR and si_addr the
 * host address of the page). Guest RAM may be lost so at any time, and vmm must live.
 *
 * What vmm reads and writes of guest memory goes through poison_read(), poison_write() or
 * poison_run(), which fail then; what a vCPU touches is noted for its thread to take. Any other
 * SIGBUS is a crash, as it was before.
 */
#ifndef VMM_CORE_POISON_H
#define VMM_CORE_POISON_H

#include "vmm/base/defs.h"
#include "vmm/base/err.h"

/* Installs the handler; what was there before serves other SIGBUS. Once, before other threads. */
int poison_handle(struct err *e) MUST_CHECK;

/* From now on the thread has a vCPU: what KVM_RUN meets is noted, not a crash. */
void poison_expect(void);

/* Takes what was noted: the host address, or 0. */
uintptr_t poison_take(void);

/* memcpy() between memory that may fail; false when it did, with @dst undefined. */
bool poison_copy(void *dst, const void *src, size_t len) MUST_CHECK;

/* The same where it is known which of the two is the guest's. */
static inline MUST_CHECK bool poison_read(void *dst, const void GUEST_MEM *src, size_t len)
{
	return poison_copy(dst, (FORCE const void *)src, len);
}
static inline MUST_CHECK bool poison_write(void GUEST_MEM *dst, const void *src, size_t len)
{
	return poison_copy((FORCE void *)dst, src, len);
}

/*
 * Calls @fn, which may touch memory that may fail; false when it did: @fn was left in the middle,
 * so it takes nothing that it would have to give back, and leaves what it finds in *@ctx. For who
 * touches many words: it costs as much as one copy. Not from within @fn.
 */
bool poison_run(void (*fn)(void *ctx), void *ctx) MUST_CHECK;

/* Touches every page there, so that what failed of it is known, whoever touched it before. */
void poison_probe(const void GUEST_MEM *at, size_t len);

/*
 * Replaces what failed of that memory, as far as it is known, by zeroes: nobody uses it meanwhile,
 * and what it had is lost or not wanted any more. No more than POISON_KEPT places are known.
 */
#define POISON_KEPT 64
void poison_replace(void GUEST_MEM *host, size_t len);

/*
 * The same as one access: @size is 1, 2, 4, 8 or 16. Single-copy atomic as far as the host's
 * CPU makes an instruction of that size so: where the guest's memory is aligned, of 16 bytes as a
 * pair.
 */
bool poison_load(void *dst, const void GUEST_MEM *from, unsigned size) MUST_CHECK;
bool poison_store(void GUEST_MEM *to, const void *src, unsigned size) MUST_CHECK;

#endif
