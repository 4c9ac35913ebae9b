/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arch: everything the program asks of an architecture, and what it lends it. arch/arm64 is the
 * only one.
 *
 * Life: arch_vm_create() -> (RAM is registered) -> arch_machine_create() -> arch_machine_reset()
 * -> arch_vcpus_started() -> run -> arch_machine_reset() -> run ... -> arch_machine_destroy() ->
 * (the VM is closed) -> arch_machine_free().
 */
#ifndef VMM_ARCH_H
#define VMM_ARCH_H

#include "vmm/config.h"
#include "vmm/core/bus.h"
#include "vmm/core/gmem.h"
#include "vmm/core/watchset.h"
#include "vmm/fault.h"
#include "vmm/host/keeper.h"
#include "vmm/kvm.h"
#include "vmm/vcpu.h"

enum guest_event {
	GUEST_OFF,     /* power-off */
	GUEST_RESET,   /* reset */
	GUEST_PANIC,   /* the guest's kernel says it panicked; it still runs */
	GUEST_CRASHED, /* the vCPU cannot go on; @why says it */
	GUEST_STOPPED, /* a policy says that the machine stops here; @why says it */
};

/* What a guest does to its machine. From a vCPU thread or the loop's; must not block. */
struct machine_events {
	void (*guest)(void *ctx, enum guest_event ev, const char *why);

	/*
	 * A bad access: counts it. 0, or where its facts are wanted: then they are gathered and
	 * handed on. Of the facts, vcpu, pc, access, cause, action, size and ipa are known before.
	 */
	unsigned (*fault_count)(void *ctx, const struct fault *f);
	/* @n more of one that was counted before, since the last such call. */
	void (*fault_repeats)(void *ctx, const struct fault *f, uint64_t n);
	void (*fault_report)(void *ctx, unsigned where, const struct fault *f);
	/*
	 * An access to what is watched (FAULT_WATCHED). One call after another. NULL: nobody
	 * gathered facts of it, as watch_room() said that there is no time to write them.
	 */
	void (*watch_hit)(void *ctx, const struct fault *f);
	bool (*watch_room)(void *ctx);

	/* A disk's write found no room on the host and waits, or (not @full) goes on. In turns. */
	void (*disk_full)(void *ctx, const char *name, bool full);
	void *ctx;
};

struct backends; /* vmm/backends.h */
struct virtio_console_port;

struct machine {
	/* Lent by the program; all outlive the machine. */
	const struct vm_config *config;
	struct kvm *kvm;
	struct gmem *mem;
	struct bus *bus;
	struct loop *loop;
	struct keeper *keeper; /* NULL unless config_needs_keeper() */
	struct backends *backends;
	struct chardev *console;
	struct chardev *hvc;	/* of hvc0; NULL: there is no such console, and no port */
	struct chardev **ports; /* one for each of config.ports */
	const struct virtio_console_port *command; /* COMMAND_PORTS of them; NULL: no command */
	struct vcpus *vcpus;
	struct machine_events events;
	int initramfs;	     /* a file to put in front of the initrd; -1: none */
	const char *cmdline; /* the kernel's command line; NULL: not given */

	struct arch_machine *arch; /* the architecture's own */
};

/*
 * The type of a VM with as large an address space as a guest is likely to use, for kvm_create_vm().
 */
unsigned long arch_vm_type(const struct kvm *k);

/*
 * Opens the files to boot, and creates the KVM VM with the address space and capabilities that
 * @m->config asks for; refuses with the host's limit what it cannot have (RAM size, vCPUs).
 */
int arch_vm_create(struct machine *m, struct err *e) MUST_CHECK;

/* Where RAM starts. */
uint64_t arch_ram_base(void);

/* vCPUs, interrupt controller, devices: built, nothing loaded yet. RAM is registered. */
int arch_machine_create(struct machine *m, struct err *e) MUST_CHECK;

/*
 * To the state after power-on: devices, interrupt controller, vCPUs; and kernel, initrd and device
 * tree into RAM. For the first start and for each reset. Hold the vCPUs.
 */
int arch_machine_reset(struct machine *m, struct err *e) MUST_CHECK;

/*
 * Watches these bytes from now on, and none but these: watch_hit() tells of accesses to them. @s is
 * borrowed until the next call; NULL: nothing. Fails when a range is not all in RAM, with its name.
 * Hold the vCPUs.
 */
int arch_watch(struct machine *m, const struct watchset *s, struct err *e) MUST_CHECK;

/* The vCPU threads are there, held: what needs them begins. Once; on the loop thread. */
void arch_vcpus_started(struct machine *m);

/* Undoes all of the above, also failed ones, but for memory. The vCPU threads are gone. */
void arch_machine_destroy(struct machine *m);

/* The rest of it, after the VM: KVM would tear down page by page what is unmapped before. */
void arch_machine_free(struct machine *m);

/* Where the kernel was loaded: guest physical, with the room that it asked for. After a reset. */
void arch_kernel_place(const struct machine *m, uint64_t *base, uint64_t *size);

/* Writes the device tree the guest gets to a file. After a reset. */
int arch_dump_dtb(struct machine *m, const char *path, struct err *e) MUST_CHECK;

/*
 * The guest of `vmm demo faults`: an image to boot, and its names: 4 bytes of offset in it,
 * little-endian, the name, zeroes up to a multiple of 4; an empty name ends them.
 */
extern const unsigned char arch_demo_image[], arch_demo_image_end[], arch_demo_names[];

/* The program that a guest with vmm's own initramfs starts with: an ELF file. */
extern const unsigned char arch_guest_init[], arch_guest_init_end[];

/* Runs the guest until kicked or done. On the vCPU's thread. */
enum vcpu_result arch_vcpu_run(struct vcpu *v);

/* Has each disk look whether the host's file has another size now. Loop thread. */
void arch_disks_look(struct machine *m);

/* The balloon, for devices/virtio/balloon.h; NULL: there is none. */
struct virtio *arch_balloon(const struct machine *m);

/* The user presses the power key; a BREAK on the console line. Loop thread. */
void arch_power_key(struct machine *m);
void arch_console_break(struct machine *m);

#endif
