/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kvm: /dev/kvm as vmm uses it: fds, capabilities, memory slots, devices, registers. Thin: each
 * function is one ioctl, with an error that says what was refused.
 *
 * What a host can do is asked of the running kernel (kvm_cap(), kvm_has_attr()), never of the
 * headers that vmm was built with; constants newer than those headers are defined here.
 */
#ifndef VMM_KVM_H
#define VMM_KVM_H

#include "vmm/base/err.h"

#include <linux/kvm.h>

#ifndef KVM_CAP_ARM_SYSTEM_SUSPEND
#define KVM_CAP_ARM_SYSTEM_SUSPEND 216
#endif
#ifndef KVM_SYSTEM_EVENT_WAKEUP
#define KVM_SYSTEM_EVENT_WAKEUP	 4
#define KVM_SYSTEM_EVENT_SUSPEND 5
#endif
#ifndef KVM_MP_STATE_SUSPENDED
#define KVM_MP_STATE_SUSPENDED 10
#endif
#ifndef KVM_CAP_DIRTY_LOG_RING_ACQ_REL
#define KVM_CAP_DIRTY_LOG_RING_ACQ_REL 223
#endif
#ifndef KVM_CAP_ARM_EL2
#define KVM_CAP_ARM_EL2 240
#endif
#ifndef KVM_CAP_ARM_SEA_TO_USER
#define KVM_CAP_ARM_SEA_TO_USER 245
#define KVM_EXIT_ARM_SEA	41
#endif

struct kvm {
	int dev;	 /* /dev/kvm */
	int vm;		 /* -1 before kvm_create_vm() */
	size_t run_size; /* bytes of a vCPU's struct kvm_run mapping */
	uint32_t slots;	 /* memory slots in use; they are numbered in order */
};

/* Opens /dev/kvm and checks its API version. The sentence says what to do about a refusal. */
int kvm_open(struct kvm *k, struct err *e) MUST_CHECK;

/* Closes what is open. Fine on one that was never opened but zeroed with fds -1. */
void kvm_close(struct kvm *k);

/* @type as for KVM_CREATE_VM; on arm64 the IPA size in bits. */
int kvm_create_vm(struct kvm *k, unsigned long type, struct err *e) MUST_CHECK;

/* The value of a capability: of the VM when there is one, else of /dev/kvm. 0 means no. */
int kvm_cap(const struct kvm *k, int cap);

/* Enables a VM capability with one argument. */
int kvm_enable_cap(struct kvm *k, uint32_t cap, uint64_t arg, const char *name,
		   struct err *e) MUST_CHECK;

/* Maps host memory at @gpa; all page-aligned. @host must outlive the VM. */
int kvm_add_slot(struct kvm *k, uint64_t gpa, uint64_t size, void *host, uint32_t flags,
		 struct err *e) MUST_CHECK;

/*
 * The same for slot @slot, which must be kvm_add_slot()'s or k->slots; @size 0 takes it away. The
 * vCPUs are out of KVM_RUN when one is taken away: an access meanwhile would come out as MMIO.
 */
int kvm_set_slot(const struct kvm *k, uint32_t slot, uint64_t gpa, uint64_t size, void *host,
		 uint32_t flags, struct err *e) MUST_CHECK;

/* Whether the kernel can make such a device (KVM_DEV_TYPE_...). Needs a VM. */
bool kvm_can_create_device(const struct kvm *k, uint32_t type);

/* Makes one; returns its fd, which the caller closes, or -errno. */
int kvm_create_device(const struct kvm *k, uint32_t type, const char *name,
		      struct err *e) MUST_CHECK;

/* Device attributes; @fd is a device, VM or vCPU. @name is for the sentence. */
bool kvm_has_attr(int fd, uint32_t group, uint64_t attr);
int kvm_set_attr(int fd, uint32_t group, uint64_t attr, const void *value, const char *name,
		 struct err *e) MUST_CHECK;
int kvm_get_attr(int fd, uint32_t group, uint64_t attr, void *value, const char *name,
		 struct err *e) MUST_CHECK;

/* Makes vCPU @index; *@fd and *@run (mapped) are the caller's, to give back below. */
int kvm_create_vcpu(const struct kvm *k, unsigned index, int *fd, struct kvm_run **run,
		    struct err *e) MUST_CHECK;
void kvm_destroy_vcpu(const struct kvm *k, int fd, struct kvm_run *run);

/* Registers by KVM id (KVM_REG_ARM64 | ...). The vCPU must be out of KVM_RUN. */
int kvm_get_reg(int vcpu, uint64_t id, void *value, struct err *e) MUST_CHECK;
int kvm_set_reg(int vcpu, uint64_t id, const void *value, struct err *e) MUST_CHECK;

/*
 * KVM_IOEVENTFD: a write of @value, @size bytes, at @gpa signals eventfd @fd and comes to us no
 * more. For as long as the VM is.
 */
int kvm_add_doorbell(const struct kvm *k, uint64_t gpa, uint32_t size, uint64_t value, int fd,
		     struct err *e) MUST_CHECK;

/*
 * KVM_REGISTER_COALESCED_MMIO: writes within @size bytes at @gpa cause no exit; they are in the
 * ring of kvm_kept_writes(), while it has room. For as long as the VM is.
 */
int kvm_keep_writes(const struct kvm *k, uint64_t gpa, uint32_t size, struct err *e) MUST_CHECK;

/* The VM's ring, of @entries, in the mapping of any of its vCPUs; NULL when KVM keeps none. */
struct kvm_coalesced_mmio_ring *kvm_kept_writes(const struct kvm *k, struct kvm_run *run,
						uint32_t *entries);

/* KVM_IRQFD: a write to eventfd @fd raises @gsi. For as long as the VM is. */
int kvm_add_irqfd(const struct kvm *k, int fd, uint32_t gsi, struct err *e) MUST_CHECK;

/* KVM_IRQ_LINE: drives @irq, encoded as the architecture wants it. Any thread. */
void kvm_irq_line(const struct kvm *k, uint32_t irq, bool level);

#endif
