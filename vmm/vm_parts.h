/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of vm: vm.c builds, runs and undoes it; vm_guest.c is what the guest does to its
 * machine (power-off, reset, panic); vm_user.c what the user asks (signals, the console's escape).
 * Both meet on the loop thread, which is the main thread, so they need no lock there.
 */
#ifndef VMM_VM_PARTS_H
#define VMM_VM_PARTS_H

#include "vmm/arch.h"
#include "vmm/backends.h"
#include "vmm/ballooning.h"
#include "vmm/command.h"
#include "vmm/consoles.h"
#include "vmm/core/ram.h"
#include "vmm/enospc.h"
#include "vmm/faults.h"
#include "vmm/rom.h"
#include "vmm/root.h"
#include "vmm/vm.h"

#include <signal.h>

struct vm {
	const struct vm_config *config; /* borrowed */
	struct kvm kvm;
	struct ram ram;
	struct roms roms;
	struct root root;
	struct gmem mem;
	struct bus *bus;
	struct loop *loop;
	int keeper_sock;       /* until the keeper has it; -1 */
	struct keeper *keeper; /* NULL: nothing to keep */
	struct backends backends;
	struct consoles consoles;
	struct command command; /* zeroes when there is none */
	struct virtio_console_port command_ports[COMMAND_PORTS];
	struct vcpus vcpus;
	struct machine machine;
	bool machine_made;
	struct faults faults;
	struct enospc enospc;
	struct ballooning balloon;
	struct watchset watches; /* what --watch means since the last reset */

	struct watch signals;
	int signal_fd;	    /* gives struct signalfd_siginfo */
	sigset_t served;    /* of them, what vmm serves */
	struct timer grace; /* from the power key to the end */
	bool stopping;	    /* the power key was pressed by a signal */
	bool finished;	    /* how it ends is decided */
	bool show_messages; /* of the guest's kernel, which nobody has seen */
	bool told_panic;    /* since the last reset */

	/* What vCPU threads report, until the loop has looked. */
	struct mutex lock;
	struct call event_call;
	unsigned events; /* 1 << enum guest_event; lock */
	char why[200];	 /* of GUEST_CRASHED, GUEST_STOPPED; lock */

	enum exit_status status;
	char last_words[520]; /* printed after the terminal is restored; "": none */
};

static inline bool vm_has_command(const struct vm *vm)
{
	return vm->config->command.nr != 0;
}

/*
 * Ends the loop with @status and, for vmm's last line, @words and @more, which may be "". The first
 * reason to end is the one that counts.
 */
void vm_finish(struct vm *vm, enum exit_status status, const char *words, const char *more);

/*
 * The same for an end that is not the command's. Its kernel's messages may say why, and with a
 * command they go nowhere as a rule.
 */
void vm_finish_early(struct vm *vm, enum exit_status status, const char *words, const char *more);

/* --- vm_guest.c ------------------------------------------------------------------------------- */

/* What vCPU threads call when the guest does something to its machine. */
struct machine_events vm_guest_events(struct vm *vm);

/* The loop's end of it: vm->event_call. */
void vm_serve_guest_events(struct call *c);

/* Memory and registers as at power-on; no vCPU runs meanwhile. 0 or a negative errno. */
int vm_reset(struct vm *vm, struct err *e);

/* All vCPUs' threads have ended: what they found last may change how vmm ends. */
void vm_vcpus_ended(struct vm *vm);

/* Holds the vCPUs, resets, lets them go; an error ends the machine. Of one that ended: nothing. */
void vm_reboot(struct vm *vm);

/* --- vm_user.c -------------------------------------------------------------------------------- */

/* What the escape of a console on a terminal leads to. */
struct chardev_commands vm_console_commands(struct vm *vm);

/*
 * Signals come through the loop from here on; vCPU threads inherit the mask and open only their
 * kick. 0 or a negative errno; vm_run() undoes it.
 */
int vm_take_signals(struct vm *vm, struct err *e);

/* The power key, or the command, had its time: vm->grace. */
void vm_grace_over(struct timer *t);

#endif
