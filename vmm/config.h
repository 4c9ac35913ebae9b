/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config: what a VM shall be, as plain data: validated, to and from JSON, opening nothing but the
 * configuration file itself.
 */
#ifndef VMM_CONFIG_H
#define VMM_CONFIG_H

#include "devices/virtio/balloon.h"
#include "devices/virtio/blk.h"
#include "devices/virtio/vsock.h"
#include "vmm/base/keys.h"
#include "vmm/host/chardev.h"
#include "vmm/host/net.h"
#include "vmm/sandbox/sandbox.h"

#define CONFIG_MAX_CPUS 512 /* KVM's own bound on arm64; a host may have a lower one */

/* The kernel command line when --cmdline is not given. */
#define CONFIG_DEFAULT_CMDLINE "console=ttyAMA0 panic=-1"
#define CONFIG_HVC_CMDLINE     "console=ttyAMA0 console=hvc0 panic=-1" /* with an hvc0 */
#define CONFIG_COMMAND_CMDLINE "console=ttyAMA0 quiet panic=-1"	       /* with a command */

/* Order is that of the choices on the command line. */
enum irqchip { IRQCHIP_AUTO, IRQCHIP_GICV2, IRQCHIP_GICV2M, IRQCHIP_GICV3, IRQCHIP_GICV3_ITS };
/* What they are called, NULL-terminated. */
extern const char *const irqchip_names[];

enum on_reset { ON_RESET_REBOOT, ON_RESET_EXIT };
enum on_panic { ON_PANIC_EXIT, ON_PANIC_REBOOT, ON_PANIC_CONTINUE };

/* What becomes of an access that nothing claims. */
enum unclaimed {
	UNCLAIMED_ABORT, /* an external abort, as on hardware */
	UNCLAIMED_ZERO,	 /* reads give zero, writes have no effect */
	UNCLAIMED_ONES,	 /* reads give ones, writes have no effect */
	UNCLAIMED_STOP,	 /* the machine stops there, and vmm ends */
};
/* What they are called, NULL-terminated. */
extern const char *const unclaimed_names[];

/* AUTO is on where the host has it; ON fails at start-up where it has not. */
enum feature { FEATURE_AUTO, FEATURE_OFF, FEATURE_ON };

/* --cpu: features of the virtual CPUs. */
struct cpu_config {
	int sve, pauth, pmu, mte, steal_time; /* enum feature */
	uint32_t sve_max_bits; /* longest SVE vector, 128..2048 in steps of 128; 0: the host's */
	bool aarch32;	       /* EL1 starts in AArch32 */
};

/* --console, --hvc */
struct console_config {
	int kind;   /* enum chardev_kind */
	char *path; /* file, socket; otherwise NULL */
};

/* --port */
struct port_config {
	char *name; /* NULL: not given */
	int kind;   /* enum chardev_kind */
	char *path; /* file, socket; otherwise NULL */
};

/* --vhost-user */
struct vhost_user_config {
	char *type;		 /* "fs", "net", "blk", or a number; NULL: not given */
	char *socket;		 /* NULL: not given */
	char *tag;		 /* of a file system; NULL: not given */
	uint32_t queues, config; /* 0: not given */
};

/* --share */
struct share_config {
	char *dir, *tag; /* NULL: not given */
	bool ro;
	int sandbox;   /* enum virtiofsd_sandbox */
	bool one_tree; /* mount points in it are not told; not the user's to say */
};

#define CONFIG_MAX_DISKS 32 /* as many as there are virtio slots */
#define CONFIG_MAX_NETS	 32 /* likewise */
#define CONFIG_MAX_PORTS 30 /* a console device has 31, and the first is --hvc */

/* What becomes of a write that finds no room on the host. */
enum on_enospc {
	ON_ENOSPC_PAUSE, /* the machine stands still until there is room */
	ON_ENOSPC_ERROR, /* an I/O error */
};

struct vm_config {
	char *kernel, *initrd, *cmdline, *dtb, *dump_dtb; /* NULL: not given */
	char *root, *modules;				  /* NULL: not given */
	struct key_list command; /* what the guest runs instead of its init; empty: nothing */
	uint64_t mem;		 /* bytes */
	uint32_t cpus;
	char *pin; /* host CPUs for the vCPUs, as cpu_list_parse() reads it; NULL: not pinned */
	bool hugepages;
	int irqchip; /* enum irqchip */
	struct cpu_config cpu;
	struct console_config con;
	struct key_objects disks;  /* struct virtio_blk_config */
	int on_enospc;		   /* enum on_enospc */
	struct key_objects nets;   /* struct net_config */
	struct console_config hvc; /* CHARDEV_NONE: no hvc0 */
	struct key_objects ports;  /* struct port_config */
	bool rng;
	struct key_objects vhost_users; /* struct vhost_user_config */
	struct key_objects shares;	/* struct share_config */
	struct key_objects balloon;	/* struct virtio_balloon_config; none or one */
	struct key_objects vsocks;	/* struct virtio_vsock_config; none or one */
	int on_reset, on_panic;		/* enum on_reset, enum on_panic */
	int sandbox;			/* enum sandbox_mode */
	int unclaimed;			/* enum unclaimed */
	struct key_list holes;		/* as hole_parse() reads them */
	struct key_list roms;		/* as rom_parse() reads them */
	struct key_list symbols;	/* as symbol_file_parse() reads them */
	char *fault_log;		/* NULL: none */
	struct key_list trace;		/* as trace_parse() reads them */
	struct key_list watches;	/* as watch_parse() reads them */
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

/* Sets the command, from arguments; what was there before goes. */
int config_set_command(struct vm_config *c, int argc, char *const *argv, struct err *e) MUST_CHECK;

/* What the kernel gets as its command line: the given one, or a default with all consoles. */
const char *config_cmdline(const struct vm_config *c);

/* Where the serial console goes: nowhere rather than to stdio when hvc0 or a command has that. */
enum chardev_kind config_console(const struct vm_config *c);

/* --vsock; NULL: none. */
const struct virtio_vsock_config *config_vsock(const struct vm_config *c);

/* Whether anything of it is a program to start, or a socket to connect to (vmm/host/keeper.h). */
bool config_needs_keeper(const struct vm_config *c);

/* Whether other processes map the guest's RAM, so that it must be memory that can be shared. */
bool config_shares_ram(const struct vm_config *c);

/* The number of the device's type; 0: it is none. */
unsigned vhost_user_type(const struct vhost_user_config *c);

/*
 * Adds a --share of folder @dir, which the guest mounts by @tag. The strings are copied. Before
 * config_validate().
 */
int config_add_share(struct vm_config *c, const char *dir, const char *tag, bool ro,
		     struct err *e) MUST_CHECK;

/* Checks that what must be given was, and what spans several fields. Opens nothing. */
int config_validate(const struct vm_config *c, struct err *e) MUST_CHECK;

/* A list of host CPUs; vCPU n runs on the n-th. */
struct cpu_list {
	uint32_t nr;
	uint16_t cpu[CONFIG_MAX_CPUS];
};

/* Reads "0-3,8": numbers and ranges in the order they are wanted; a CPU may come twice. */
int cpu_list_parse(struct cpu_list *l, const char *text, struct err *e) MUST_CHECK;

/* --hole: what an access to [base, base + size) becomes when nothing claims it. */
struct hole {
	uint64_t base, size;
	enum unclaimed policy;
};

/* Reads "ADDR+LEN=POLICY"; the numbers as text_size() reads them. The range does not wrap. */
int hole_parse(struct hole *h, const char *text, struct err *e) MUST_CHECK;

/* --trace: what is told, as a mask. */
enum { TRACE_MMIO = 1, TRACE_EXITS = 2, TRACE_PSCI = 4 };

/* Reads names, each one of those or several with commas between, into *@mask. */
int trace_parse(unsigned *mask, const struct key_list *l, struct err *e) MUST_CHECK;

/* A file and an address: "FILE@ADDR". The file's name may have an @ of its own. */
struct file_at {
	char *path;	  /* owned */
	uint64_t address; /* guest physical for --rom, virtual for --symbols */
	bool has_address;
};

/* --rom: the address must be there, a multiple of 4 KiB. Free with file_at_free(). */
int rom_parse(struct file_at *f, const char *text, struct err *e) MUST_CHECK;

/* --symbols: the address may be left out. */
int symbol_file_parse(struct file_at *f, const char *text, struct err *e) MUST_CHECK;

void file_at_free(struct file_at *f);

/* --watch: bytes of the guest's memory, and which accesses to them are reported. */
struct watch_item {
	char *symbol;  /* owned; NULL: base says where */
	uint64_t base; /* guest physical; 0 with a symbol */
	uint64_t size; /* not 0; base + size - 1 does not wrap */
	bool reads, writes;
	bool stop; /* the machine stops there */
};

/* Reads "ADDR+LEN[:r|w|rw][,stop]", ADDR also as "sym:NAME"; w when left out. */
int watch_parse(struct watch_item *w, const char *text, struct err *e) MUST_CHECK;

void watch_item_free(struct watch_item *w);

#endif
