/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard: memory slots over the holes of the guest's address space, backed by nothing.
 *
 * KVM settles by itself, without an exit, an instruction fetch or a table walk that ends where no
 * memory slot is: nobody would hear of it, and a guest whose exception vector lies there would spin
 * inside the kernel for ever. Where there is a slot that the host cannot read, KVM_RUN fails with
 * EFAULT instead, at the instruction, with every register as it was. The slots are read-only, so
 * that a write is still an exit that says where and what.
 *
 * A read then says neither, and costs more to find out about. So a page that is hit again and again
 * can be opened: its reads are exits again, and its fetches and walks are KVM's to settle.
 *
 * Addresses far above RAM are most of the space, and a slot for each 8 TiB of them takes time at
 * start-up that a guest in good health never gets back; and so does one for each gap between two
 * devices. They can come later: guards_extend().
 */
#ifndef VMM_ARCH_ARM64_GUARD_H
#define VMM_ARCH_ARM64_GUARD_H

#include "arch/arm64/space.h"
#include "vmm/kvm.h"

struct guard {
	uint64_t base, size;
	void *host; /* of struct guards */
	uint32_t slot;
};

/* Host addresses that nobody may access; slots share them. */
struct guard_host {
	void *at; /* NULL: none yet */
	uint64_t size;
};

struct guards {
	struct kvm *kvm;	     /* borrowed; outlives us */
	struct guard_host near, far; /* for guards_create(), guards_extend() */
	uint64_t page;		     /* bytes of a page of the host */
	struct guard *at;	     /* sorted by base; owned */
	size_t nr, room;
	unsigned opened;
};

/*
 * Puts guards over the holes of @s below @end that have at least GUARD_WORTH bytes, backed by
 * mappings of at most @largest (a multiple of the page size). All memory slots of the machine are
 * there already. Fails as KVM does; what it made stays, for guards_destroy().
 */
#define GUARD_WORTH (2 * MiB)
int guards_create(struct guards *g, struct kvm *k, const struct space *s, uint64_t end,
		  uint64_t largest, struct err *e) MUST_CHECK;

/* And over all other holes up to @end, if it was not done before. vCPUs may run. */
int guards_extend(struct guards *g, const struct space *s, uint64_t end, struct err *e) MUST_CHECK;

/* Whether @ipa has a guard over it. Not while another thread changes them. */
bool guards_cover(const struct guards *g, uint64_t ipa);

/*
 * Opens the page of @ipa. Hold the vCPUs. False when it has no guard, when GUARDS_OPEN_MAX pages
 * are open, or KVM refuses.
 */
#define GUARDS_OPEN_MAX 64
bool guards_open(struct guards *g, uint64_t ipa);

/* Frees the list and the memory, after the VM: KVM would have to look through it. Fine on zeroes.
 */
void guards_destroy(struct guards *g);

#endif
