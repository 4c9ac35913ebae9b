/* SPDX-License-Identifier: Apache-2.0 */
/* The table of options and the defaults; see vmm/config.h. */
#include "vmm/config.h"

#include "devices/virtio/vhost_user.h"
#include "vmm/host/virtiofsd.h"

static const char *const feature_names[] = {
	[FEATURE_AUTO] = "auto", [FEATURE_OFF] = "off", [FEATURE_ON] = "on", NULL
};

const char *const irqchip_names[] = {
	[IRQCHIP_AUTO] = "auto",   [IRQCHIP_GICV2] = "gicv2",	      [IRQCHIP_GICV2M] = "gicv2m",
	[IRQCHIP_GICV3] = "gicv3", [IRQCHIP_GICV3_ITS] = "gicv3-its", NULL
};

static const char *const console_names[] = {
	[CHARDEV_STDIO] = "stdio",	  [CHARDEV_PTY] = "pty",   [CHARDEV_FILE] = "file:PATH",
	[CHARDEV_SOCKET] = "socket:PATH", [CHARDEV_NULL] = "null", NULL
};

static const char *const hvc_names[] = { [CHARDEV_STDIO] = "stdio",
					 [CHARDEV_PTY] = "pty",
					 [CHARDEV_FILE] = "file:PATH",
					 [CHARDEV_SOCKET] = "socket:PATH",
					 [CHARDEV_NULL] = "null",
					 [CHARDEV_NONE] = "none",
					 NULL };

static const char *const on_reset_names[] = {
	[ON_RESET_REBOOT] = "reboot", [ON_RESET_EXIT] = "exit", NULL
};

static const char *const on_panic_names[] = { [ON_PANIC_EXIT] = "exit",
					      [ON_PANIC_REBOOT] = "reboot",
					      [ON_PANIC_CONTINUE] = "continue",
					      NULL };

static const char *const on_enospc_names[] = {
	[ON_ENOSPC_PAUSE] = "pause", [ON_ENOSPC_ERROR] = "error", NULL
};

static const char *const sandbox_names[] = {
	[SANDBOX_ON] = "on", [SANDBOX_STRICT] = "strict", [SANDBOX_OFF] = "off", NULL
};

const char *const unclaimed_names[] = { [UNCLAIMED_ABORT] = "abort",
					[UNCLAIMED_ZERO] = "zero",
					[UNCLAIMED_ONES] = "ones",
					[UNCLAIMED_STOP] = "stop",
					NULL };

#define FEATURE(called, field, says)                                                               \
	{                                                                                          \
		.name = (called), .help = (says), .type = KEY_CHOICE,                              \
		.offset = offsetof(struct cpu_config, field), .choices = feature_names             \
	}

static const struct key cpu_keys[] = {
	FEATURE("sve", sve, "scalable vectors"),
	{
		.name = "sve-max-bits",
		.arg = "BITS",
		.help = "longest SVE vector; 0: the host's",
		.type = KEY_U32,
		.offset = offsetof(struct cpu_config, sve_max_bits),
		.max = 2048,
		.step = 128,
	},
	FEATURE("pauth", pauth, "pointer authentication"),
	FEATURE("pmu", pmu, "performance counters"),
	FEATURE("mte", mte, "memory tagging"),
	FEATURE("steal-time", steal_time, "tell the guest when it had to wait"),
	{
		.name = "aarch32",
		.help = "start in 32-bit EL1",
		.type = KEY_BOOL,
		.offset = offsetof(struct cpu_config, aarch32),
	},
	{ 0 },
};

static const struct key port_keys[] = {
	{
		.name = "name",
		.help = "what the guest calls it: /dev/virtio-ports/NAME",
		.arg = "NAME",
		.type = KEY_STR,
		.required = true,
		.unnamed = true,
		.min = 1,
		.offset = offsetof(struct port_config, name),
	},
	{
		.name = "to",
		.help = "the host's end",
		.type = KEY_KIND,
		.choices = console_names,
		.offset = offsetof(struct port_config, kind),
		.path_offset = offsetof(struct port_config, path),
	},
	{ 0 },
};

static const struct port_config port_defaults = { .kind = CHARDEV_PTY };

static const struct key vhost_user_keys[] = {
	{
		.name = "type",
		.help = "kind of device",
		.arg = "fs|net|blk|NUMBER",
		.type = KEY_STR,
		.required = true,
		.min = 1,
		.offset = offsetof(struct vhost_user_config, type),
	},
	{
		.name = "socket",
		.help = "where the back end listens",
		.arg = "PATH",
		.type = KEY_STR,
		.required = true,
		.min = 1,
		.offset = offsetof(struct vhost_user_config, socket),
	},
	{
		.name = "queues",
		.help = "queues for requests; 0: as few as may be",
		.arg = "N",
		.type = KEY_U32,
		.max = VHOST_USER_MAX_QUEUES,
		.offset = offsetof(struct vhost_user_config, queues),
	},
	{
		.name = "tag",
		.help = "of an fs: what the guest mounts it by",
		.arg = "NAME",
		.type = KEY_STR,
		.min = 1,
		.offset = offsetof(struct vhost_user_config, tag),
	},
	{
		.name = "config",
		.help = "bytes of a NUMBER's configuration space",
		.arg = "BYTES",
		.type = KEY_U32,
		.max = 256,
		.offset = offsetof(struct vhost_user_config, config),
	},
	{ 0 },
};

static const struct vhost_user_config vhost_user_defaults = { .queues = 0 };

static const struct key share_keys[] = {
	{
		.name = "dir",
		.help = "the folder of the host",
		.arg = "DIR",
		.type = KEY_STR,
		.required = true,
		.unnamed = true,
		.min = 1,
		.offset = offsetof(struct share_config, dir),
	},
	{
		.name = "tag",
		.help = "what the guest mounts it by",
		.arg = "NAME",
		.type = KEY_STR,
		.required = true,
		.min = 1,
		.offset = offsetof(struct share_config, tag),
	},
	{
		.name = "ro",
		.help = "refuse writes",
		.type = KEY_BOOL,
		.offset = offsetof(struct share_config, ro),
	},
	{
		.name = "sandbox",
		.help = "what keeps it in the folder",
		.type = KEY_CHOICE,
		.choices = virtiofsd_sandbox_names,
		.offset = offsetof(struct share_config, sandbox),
	},
	{ 0 },
};

static const struct share_config share_defaults = { .sandbox = VIRTIOFSD_NAMESPACE };

#define AT(field) .offset = offsetof(struct vm_config, field)
#define FILE_NAME .arg = "FILE", .type = KEY_STR, .min = 1

const struct key vm_config_keys[] = {
	{
		.section = "What to boot",
		.name = "kernel",
		.letter = 'k',
		.help = "kernel to boot",
		.more = "An arm64 Image, also compressed with gzip, zstd or xz, an EFI zboot file "
			"as "
			"distributions ship it, or an ELF vmlinux.",
		.required = true,
		AT(kernel),
		FILE_NAME,
	},
	{
		.name = "initrd",
		.letter = 'i',
		.help = "initial RAM disk",
		AT(initrd),
		FILE_NAME,
	},
	{
		.name = "root",
		.arg = "SPEC[,rw]",
		.help = "root file system",
		.more = "A partition or whole disk by its place among the disks (vda1, vdb), "
			"LABEL=, UUID=, PARTUUID=, PARTLABEL=, the image file of a disk, or a "
			"folder "
			"of the host. vmm "
			"looks for it on the host and starts the guest with an initramfs of its "
			"own, "
			"which loads the drivers, mounts the root and starts its init. Mounted "
			"read-only, as the kernel does it, unless ,rw follows or the command line "
			"has rw; what a command writes, or any guest to a folder of the host, "
			"goes to memory then, and is lost. With --initrd, the root goes to that "
			"one, by the command line.",
		.type = KEY_STR,
		.min = 1,
		AT(root),
	},
	{
		.name = "command",
		.arg = "WORD",
		.help = "run this in the guest, instead of its init",
		.more = "Usually all words stand at the end of the command line behind --, as in "
			"-- ls -l. The command's input, output and exit status are vmm's. See "
			"docs/command.md.",
		.type = KEY_LIST,
		AT(command),
	},
	{
		.name = "modules",
		.arg = "DIR",
		.help = "folder with the kernel's modules, for drivers",
		.more = "A /lib/modules/VERSION, or an unpacked package. Found by itself when the "
			"kernel lies in an installed or unpacked package. With --initrd, vmm puts "
			"an initramfs in front that loads the drivers of the guest's devices.",
		.type = KEY_STR,
		.min = 1,
		AT(modules),
	},
	{
		.name = "cmdline",
		.letter = 'p',
		.arg = "TEXT",
		.help = "kernel command line",
		.more = "Without it, the kernel gets \"" CONFIG_DEFAULT_CMDLINE
			"\", console=hvc0 where there is one, and quiet with a command.",
		.type = KEY_STR,
		AT(cmdline),
	},
	{
		.name = "dtb",
		.help = "device tree to use instead of the generated one",
		AT(dtb),
		FILE_NAME,
	},
	{
		.name = "dump-dtb",
		.help = "write the device tree that the guest gets",
		AT(dump_dtb),
		FILE_NAME,
	},
	{
		.section = "The machine",
		.name = "mem",
		.letter = 'm',
		.arg = "SIZE",
		.help = "guest memory, like 512M or 2G",
		.type = KEY_SIZE,
		.min = 2 * MiB,
		.max = 16 * 1024 * GiB,
		.step = 64 * KiB, /* the largest page of a host */
		AT(mem),
	},
	{
		.name = "hugepages",
		.help = "take guest memory from the host's reserved huge pages",
		.more = "All of it is reserved at the start. Without this option, memory is taken "
			"as it is touched, in transparent huge pages where the host has them.",
		.type = KEY_BOOL,
		AT(hugepages),
	},
	{
		.name = "cpus",
		.letter = 'c',
		.arg = "N",
		.help = "virtual CPUs",
		.type = KEY_U32,
		.min = 1,
		.max = CONFIG_MAX_CPUS,
		AT(cpus),
	},
	{
		.name = "pin",
		.arg = "LIST",
		.help = "run each virtual CPU on one host CPU",
		.more = "A list like 0-3,8 with as many host CPUs as there are virtual ones: the "
			"first virtual CPU runs on the first of the list.",
		.type = KEY_STR,
		.min = 1,
		AT(pin),
	},
	{
		.name = "cpu",
		.arg = "KEY=VALUE,...",
		.help = "features of the virtual CPUs",
		.more = "With auto, the guest has a feature when the host has it. With on, vmm "
			"refuses to start where the host does not have it.",
		.type = KEY_OBJECT,
		.keys = cpu_keys,
		AT(cpu),
	},
	{
		.name = "irqchip",
		.help = "interrupt controller",
		.more = "With auto, the guest gets the best that the host can give: gicv3-its, "
			"gicv3, gicv2m, gicv2.",
		.type = KEY_CHOICE,
		.choices = irqchip_names,
		AT(irqchip),
	},
	{
		.name = "console",
		.help = "where the serial console goes",
		.more = "With pty, vmm says the name of the terminal at the start. A file is "
			"written from its beginning. On a Unix socket, vmm listens. With a "
			"command, stdio is that one's, and the console goes nowhere.",
		.type = KEY_KIND,
		.choices = console_names,
		.path_offset = offsetof(struct vm_config, con.path),
		AT(con.kind),
	},
	{
		.section = "Devices",
		.name = "disk",
		.letter = 'd',
		.arg = "FILE[,KEY=VALUE,...]",
		.help = "a disk: vda, vdb, ... in the order they are given",
		.more = "Nobody else can write to it meanwhile: it is locked. Can be given more "
			"than once. SIGUSR1 has vmm look whether the files have another size now.",
		.type = KEY_OBJECTS,
		.max = CONFIG_MAX_DISKS,
		.keys = virtio_blk_keys,
		.size = sizeof(struct virtio_blk_config),
		.defaults = &virtio_blk_defaults,
		AT(disks),
	},
	{
		.name = "on-enospc",
		.help = "when the host's disk is full",
		.more = "With pause, the machine stands still until there is room. With error, "
			"the guest gets an I/O error.",
		.type = KEY_CHOICE,
		.choices = on_enospc_names,
		AT(on_enospc),
	},
	{
		.name = "net",
		.arg = "user|tap[=NAME]|...",
		.help = "a network card",
		.more = "Can be given more than once. docs/network.md says how to begin.",
		.type = KEY_OBJECTS,
		.max = CONFIG_MAX_NETS,
		.keys = net_keys,
		.size = sizeof(struct net_config),
		.defaults = &net_defaults,
		AT(nets),
	},
	{
		.name = "hvc",
		.help = "a second console, hvc0",
		.more = "Faster than the serial one, and as large as the terminal is. As for "
			"--console; with stdio, the serial console goes nowhere.",
		.type = KEY_KIND,
		.choices = hvc_names,
		.path_offset = offsetof(struct vm_config, hvc.path),
		AT(hvc.kind),
	},
	{
		.name = "port",
		.arg = "NAME[,to=...]",
		.help = "a stream of bytes between guest and host",
		.more = "In the guest it is /dev/virtio-ports/NAME. Can be given more than once.",
		.type = KEY_OBJECTS,
		.max = CONFIG_MAX_PORTS,
		.keys = port_keys,
		.size = sizeof(struct port_config),
		.defaults = &port_defaults,
		AT(ports),
	},
	{
		.name = "rng",
		.help = "a source of random numbers",
		.more = "The guest's kernel has a seed from the device tree in any case.",
		.type = KEY_BOOL,
		AT(rng),
	},
	{
		.name = "share",
		.arg = "DIR,tag=NAME[,ro]",
		.help = "a folder of the host, for the guest to mount",
		.more = "In the guest: mount -t virtiofs NAME /mnt. vmm starts a virtiofsd for it, "
			"which must be installed, and ends it. Can be given more than once.",
		.type = KEY_OBJECTS,
		.max = CONFIG_MAX_DISKS,
		.keys = share_keys,
		.size = sizeof(struct share_config),
		.defaults = &share_defaults,
		AT(shares),
	},
	{
		.name = "vhost-user",
		.arg = "type=...,socket=PATH",
		.help = "a device that another process serves",
		.more = "One that speaks vhost-user, as qemu-storage-daemon does for disks in all "
			"formats of QEMU. It maps all of the guest's memory. When it goes away, "
			"requests wait until it is back. Can be given more than once.",
		.type = KEY_OBJECTS,
		.max = CONFIG_MAX_DISKS,
		.keys = vhost_user_keys,
		.size = sizeof(struct vhost_user_config),
		.defaults = &vhost_user_defaults,
		AT(vhost_users),
	},
	{
		.name = "balloon",
		.arg = "SIZE[,KEY=VALUE,...]",
		.help = "memory of the guest goes back to the host",
		.more = "What the guest frees, while reporting is on, and beside that as much as "
			"SIZE says, which the guest cannot use meanwhile: 0 for none. SIGUSR1 has "
			"vmm read the size from its file again, and say how much memory the guest "
			"has and uses.",
		.type = KEY_OBJECTS,
		.max = 1,
		.keys = virtio_balloon_keys,
		.size = sizeof(struct virtio_balloon_config),
		.defaults = &virtio_balloon_defaults,
		AT(balloon),
	},
	{
		.name = "vsock",
		.arg = "cid=N[,uds=PATH]",
		.help = "sockets between guest and host (AF_VSOCK)",
		.more = "N is the guest's CID, 3 or more. With uds, a program on the host reaches "
			"port P of the guest by connecting to the Unix socket PATH and writing "
			"\"CONNECT P\", and port P of the host is the Unix socket PATH_P. "
			"Without, programs on the host use AF_VSOCK, through the kernel's "
			"vhost-vsock.",
		.type = KEY_OBJECTS,
		.max = 1,
		.keys = virtio_vsock_keys,
		.size = sizeof(struct virtio_vsock_config),
		.defaults = &virtio_vsock_defaults,
		AT(vsocks),
	},
	{
		.section = "Memory",
		.name = "rom",
		.arg = "FILE@ADDR",
		.help = "read-only memory with a file's content",
		.more = "At this guest physical address, a multiple of 4K, and as large as the "
			"file. A write there is answered by an external abort. Can be given more "
			"than once.",
		.type = KEY_LIST,
		.min = 1,
		AT(roms),
	},
	{
		.section = "When an access goes wrong",
		.name = "unclaimed",
		.help = "what becomes of a bad access",
		.more = "No memory and no device, that is, or no device for such an access. "
			"With abort, the guest takes a synchronous external abort, as on hardware. "
			"With zero or ones it reads that, and writes have no effect. With stop, "
			"the "
			"machine stands still at the access, and vmm ends.",
		.type = KEY_CHOICE,
		.choices = unclaimed_names,
		AT(unclaimed),
	},
	{
		.name = "hole",
		.arg = "ADDR+LEN=POLICY",
		.help = "the same for a range, as for firmware that probes",
		.more = "ADDR is guest physical; POLICY is one of those of --unclaimed. Can be "
			"given "
			"more than once; the first range that holds the address counts.",
		.type = KEY_LIST,
		.min = 1,
		AT(holes),
	},
	{
		.name = "symbols",
		.arg = "FILE[@ADDR]",
		.help = "names for the guest's addresses in reports",
		.more = "An ELF file (a vmlinux, a bare-metal program) or a System.map; for a "
			"kernel "
			"module, ADDR is where its text lies. Can be given more than once. Without "
			"it, names come from the tables that a Linux kernel carries in itself.",
		.type = KEY_LIST,
		.min = 1,
		AT(symbols),
	},
	{
		.name = "fault-log",
		.help = "write each report of a bad access as a line of JSON",
		.more = "Behind what the file has already.",
		AT(fault_log),
		FILE_NAME,
	},
	{
		.name = "trace",
		.arg = "mmio|exits|psci",
		.help = "a line for each exit of the guest, and who took it",
		.more = "mmio: accesses to devices; exits: all ways out of the guest; psci: the "
			"PSCI calls that end, reset or suspend the machine. Several can be given, "
			"with commas between.",
		.type = KEY_LIST,
		.min = 1,
		AT(trace),
	},
	{
		.name = "watch",
		.arg = "ADDR+LEN[:r|w|rw][,stop]",
		.help = "report every access to these bytes of guest memory",
		.more = "ADDR is guest physical, or sym:NAME for a symbol of the guest's kernel. "
			"Reads (:r), writes (:w, also when nothing is said) or both (:rw) are "
			"reported: who, from where, the old and the new value. Then they take "
			"effect as if nothing had been; with ,stop at the end, vmm ends after "
			"the first. All accesses in the same pages of the host become much "
			"slower. Can be given more than once.",
		.type = KEY_LIST,
		.min = 1,
		AT(watches),
	},
	{
		.section = "What happens when",
		.name = "on-reset",
		.help = "what the guest's reset does",
		.type = KEY_CHOICE,
		.choices = on_reset_names,
		AT(on_reset),
	},
	{
		.name = "on-panic",
		.help = "what a panic of the guest does",
		.type = KEY_CHOICE,
		.choices = on_panic_names,
		AT(on_panic),
	},
	{
		.name = "sandbox",
		.help = "what vmm gives up before the guest runs",
		.more = "Namespaces, files, capabilities, and all system calls but those that its "
			"threads need. on: as much of it as the host allows; strict: all of it, or "
			"vmm does not start; off: nothing, for debugging.",
		.type = KEY_CHOICE,
		.choices = sandbox_names,
		AT(sandbox),
	},
	{
		.name = "grace",
		.arg = "SECONDS",
		.help = "time to power off after a signal",
		.more = "SIGINT or SIGTERM presses the guest's power key. When the guest is still "
			"there after this time, or at a second signal, it is ended. A command gets "
			"the signals itself, and this time begins with SIGTERM or SIGHUP.",
		.type = KEY_U32,
		.max = 24 * 60 * 60,
		AT(grace_s),
	},
	{
		.name = "verbose",
		.letter = 'v',
		.help = "say what is going on; twice: in detail",
		.type = KEY_COUNT,
		.max = 2,
		AT(verbose),
	},
	{ 0 },
};

const struct vm_config vm_config_defaults = {
	.mem = 512 * MiB,
	.cpus = 1,
	.irqchip = IRQCHIP_AUTO,
	.con = { .kind = CHARDEV_STDIO },
	.hvc = { .kind = CHARDEV_NONE },
	.on_reset = ON_RESET_REBOOT,
	.on_panic = ON_PANIC_EXIT,
	.grace_s = 30,
};
