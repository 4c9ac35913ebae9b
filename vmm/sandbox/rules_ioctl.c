/* SPDX-License-Identifier: Apache-2.0 */
/* The requests of ioctl() that each kind of thread may make; a filter looks from the top. */
#ifndef __aarch64__
struct kvm_vcpu_init {
	unsigned target, features[7];
};
#endif

#include "vmm/sandbox/rules_parts.h"

#include <asm/termbits.h>
#include <linux/fs.h>
#include <linux/if_tun.h>
#include <linux/kvm.h>
#include <linux/vhost.h>
#include <sys/ioctl.h>

#define REQUEST(name, kinds)                                                                       \
	{                                                                                          \
		name, #name, kinds                                                                 \
	}

/* clang-format off */
const struct rule_ioctl sandbox_ioctls[] = {
	REQUEST(KVM_RUN, V),
	REQUEST(KVM_SET_VCPU_EVENTS, V),
	/* Also of threads that serve queues, where KVM takes no eventfds for interrupts. */
	REQUEST(KVM_IRQ_LINE, M | V | Q | N | B),
	REQUEST(KVM_GET_ONE_REG, M | V),
	REQUEST(KVM_SET_ONE_REG, M | V),
	REQUEST(KVM_SET_GUEST_DEBUG, V),
	REQUEST(KVM_GET_MP_STATE, M | V),
	REQUEST(KVM_SET_MP_STATE, M | V),
	/* Guards over holes that a guest writes to. */
	REQUEST(KVM_SET_USER_MEMORY_REGION, M),
	/* A reset; on a vCPU when it wakes from suspend. */
	REQUEST(KVM_ARM_PREFERRED_TARGET, M | V),
	REQUEST(KVM_ARM_VCPU_INIT, M | V),
	REQUEST(KVM_ARM_VCPU_FINALIZE, M | V),
	REQUEST(KVM_SET_DEVICE_ATTR, M | V),
	REQUEST(KVM_GET_DEVICE_ATTR, M | V),
	REQUEST(KVM_HAS_DEVICE_ATTR, M | V),
	REQUEST(KVM_CHECK_EXTENSION, M),
	/* Disks. */
	REQUEST(BLKDISCARD, D),
	REQUEST(BLKGETSIZE64, M | D),
	/* Taps: what the driver can take, how many queues it uses. */
	REQUEST(TUNSETOFFLOAD, N),
	REQUEST(TUNSETQUEUE, N),
	/* Queues that the host's kernel serves: the driver starts, stops and resets them. */
	REQUEST(VHOST_SET_FEATURES, M | V),
	REQUEST(VHOST_SET_VRING_NUM, M | V),
	REQUEST(VHOST_SET_VRING_BASE, M | V),
	REQUEST(VHOST_GET_VRING_BASE, M | V),
	REQUEST(VHOST_SET_VRING_ADDR, M | V),
	REQUEST(VHOST_SET_VRING_KICK, M | V),
	REQUEST(VHOST_SET_VRING_CALL, M | V),
	REQUEST(VHOST_SET_VRING_ERR, M | V),
	REQUEST(VHOST_NET_SET_BACKEND, M | V),
	REQUEST(VHOST_VSOCK_SET_RUNNING, M | V),
	/* The terminal: its size, and whoever crashes restores it. */
	REQUEST(TIOCGWINSZ, M),
	REQUEST(TIOCGPGRP, KINDS_ALL),
	REQUEST(TCGETS, KINDS_ALL),
	REQUEST(TCSETS, KINDS_ALL),
	/* The same from glibc 2.42 on. */
	REQUEST(TCGETS2, KINDS_ALL),
	REQUEST(TCSETS2, KINDS_ALL),
	{ .name = NULL },
};
/* clang-format on */
