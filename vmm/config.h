/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config: what a VM shall be, as plain data: validated, to and from JSON, opening nothing but the
 * configuration file itself.
 */
#ifndef VMM_CONFIG_H
#define VMM_CONFIG_H

#include "vmm/base/keys.h"
#include "vmm/host/chardev.h"

#define CONFIG_MAX_CPUS 512 /* KVM's own bound on arm64; a host may have a lower one */

/* The kernel command line when --cmdline is not given. */
#define CONFIG_DEFAULT_CMDLINE "console=ttyAMA0 panic=-1"

/* Order is that of the choices on the command line. */
enum irqchip { IRQCHIP_AUTO, IRQCHIP_GICV2, IRQCHIP_GICV2M, IRQCHIP_GICV3, IRQCHIP_GICV3_ITS };
/* What they are called, NULL-terminated. */
extern const char *const irqchip_names[];

enum on_reset { ON_RESET_REBOOT, ON_RESET_EXIT };
enum on_panic { ON_PANIC_EXIT, ON_PANIC_REBOOT, ON_PANIC_CONTINUE };

/* AUTO is on where the host has it; ON fails at start-up where it has not. */
enum feature { FEATURE_AUTO, FEATURE_OFF, FEATURE_ON };

/* --cpu: features of the virtual CPUs. */
struct cpu_config {
	int sve, pauth, pmu, mte, steal_time; /* enum feature */
	uint32_t sve_max_bits; /* longest SVE vector, 128..2048 in steps of 128; 0: the host's */
	bool aarch32;	       /* EL1 starts in AArch32 */
};

/* --console */
struct console_config {
	int kind;   /* enum chardev_kind */
	char *path; /* file, socket; otherwise NULL */
};

struct vm_config {
	char *kernel, *initrd, *cmdline, *dtb, *dump_dtb; /* NULL: not given */
	uint64_t mem;					  /* bytes */
	uint32_t cpus;
	char *pin; /* host CPUs for the vCPUs, as cpu_list_parse() reads it; NULL: not pinned */
	bool hugepages;
	int irqchip; /* enum irqchip */
	struct cpu_config cpu;
	struct console_config con;
	int on_reset, on_panic; /* enum on_reset, enum on_panic */
	uint32_t grace_s; /* seconds between pressing the power key and ending the VM by force */
	uint32_t verbose; /* 0..2 */
};

/* The table that drives the command line, help, manual page, completion and JSON. */
extern const struct key vm_config_keys[];

/* What is not given. It owns nothing. */
extern const struct vm_config vm_config_defaults;

/* Sets the defaults. */
void config_init(struct vm_config *c);

/* Frees what the strings own and leaves an initialised one. */
void config_free(struct vm_config *c);

/* Reads a JSON file over @c, which is initialised; what the file does not mention stays. */
int config_read_file(struct vm_config *c, const char *path, struct err *e) MUST_CHECK;

/* Writes @c as JSON: all values, so that it says the same when defaults change. */
int config_write(const struct vm_config *c, FILE *out, struct err *e) MUST_CHECK;

/* Checks that what must be given was, and what spans several fields. Opens nothing. */
int config_validate(const struct vm_config *c, struct err *e) MUST_CHECK;

/* A list of host CPUs; vCPU n runs on the n-th. */
struct cpu_list {
	uint32_t nr;
	uint16_t cpu[CONFIG_MAX_CPUS];
};

/* Reads "0-3,8": numbers and ranges in the order they are wanted; a CPU may come twice. */
int cpu_list_parse(struct cpu_list *l, const char *text, struct err *e) MUST_CHECK;

#endif
