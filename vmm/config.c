/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/config.h"

#include "vmm/base/io.h"
#include "vmm/base/scope.h"
#include "vmm/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

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

static const char *const on_reset_names[] = {
	[ON_RESET_REBOOT] = "reboot", [ON_RESET_EXIT] = "exit", NULL
};

static const char *const on_panic_names[] = { [ON_PANIC_EXIT] = "exit",
					      [ON_PANIC_REBOOT] = "reboot",
					      [ON_PANIC_CONTINUE] = "continue",
					      NULL };

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

#define AT(field) .offset = offsetof(struct vm_config, field)
#define FILE_NAME .arg = "FILE", .type = KEY_STR, .min = 1

const struct key vm_config_keys[] = {
	{
		.section = "What to boot",
		.name = "kernel",
		.letter = 'k',
		.help = "kernel to boot",
		.more = "An arm64 Image, also compressed with gzip or zstd, an EFI zboot file as "
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
		.name = "cmdline",
		.letter = 'p',
		.arg = "TEXT",
		.help = "kernel command line",
		.more = "Without it, the kernel gets \"" CONFIG_DEFAULT_CMDLINE "\".",
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
			"written from its beginning. On a Unix socket, vmm listens.",
		.type = KEY_KIND,
		.choices = console_names,
		.path_offset = offsetof(struct vm_config, con.path),
		AT(con.kind),
	},
	{
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
		.arg = "ADDR+LEN[:rw]",
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
		.name = "grace",
		.arg = "SECONDS",
		.help = "time to power off after a signal",
		.more = "SIGINT or SIGTERM presses the guest's power key. When the guest is still "
			"there after this time, or at a second signal, it is ended.",
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
	.on_reset = ON_RESET_REBOOT,
	.on_panic = ON_PANIC_EXIT,
	.grace_s = 30,
};

void config_init(struct vm_config *c)
{
	*c = vm_config_defaults;
}

void config_free(struct vm_config *c)
{
	keys_free(vm_config_keys, c);
	config_init(c);
}

/* --- JSON ----------------------------------------------------------------------------------- */

static int read_json(struct vm_config *c, const char *text, size_t len, struct err *e)
{
	struct json *v = json_parse(text, len, e);
	int ret;

	if (!v)
		return -e->code;
	ret = keys_from_json(vm_config_keys, c, v, e);
	json_free(v);
	return ret;
}

int config_read_file(struct vm_config *c, const char *path, struct err *e)
{
	const size_t size = JSON_MAX_BYTES + 1; /* one more, which json_parse() then refuses */
	auto_free char *text = malloc(size);
	auto_fd int fd = -1;
	ssize_t len;

	if (!text)
		return err_set(e, ENOMEM, "out of memory");
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return err_sys(e, "open %s", path);
	len = io_read(fd, text, size);
	if (len < 0)
		return err_code(e, (int)-len, "read %s", path);
	if (read_json(c, text, (size_t)len, e))
		return err_ctx(e, "%s", path);
	return 0;
}

int config_write(const struct vm_config *c, FILE *out, struct err *e)
{
	struct json_writer w;

	json_start(&w, out);
	json_object(&w, NULL);
	keys_to_json(vm_config_keys, c, &w);
	json_end(&w);
	return json_finish(&w, e);
}

/* --- what spans fields ---------------------------------------------------------------------- */

static int bad_list(const char *text, struct err *e)
{
	return err_set(e, EINVAL,
		       "%s is not a list of host CPUs from 0 to %d; write one like 0-3,8",
		       text_quote(text).s, CPU_SETSIZE - 1);
}

/* A CPU number at *@s, which moves behind it. */
static bool take_cpu(const char **s, unsigned *cpu)
{
	const char *p = *s;

	for (*cpu = 0; *p >= '0' && *p <= '9'; p++) {
		*cpu = *cpu * 10 + (unsigned)(*p - '0');
		if (*cpu >= CPU_SETSIZE)
			return false;
	}
	if (p == *s)
		return false;
	*s = p;
	return true;
}

int cpu_list_parse(struct cpu_list *l, const char *text, struct err *e)
{
	const char *at = text;

	l->nr = 0;
	for (;;) {
		unsigned first, last;

		if (!take_cpu(&at, &first))
			return bad_list(text, e);
		last = first;
		if (*at == '-') {
			at++;
			if (!take_cpu(&at, &last) || last < first)
				return bad_list(text, e);
		}
		if (last - first >= CONFIG_MAX_CPUS - l->nr)
			return err_set(e, EINVAL, "%s has more than %d CPUs", text_quote(text).s,
				       CONFIG_MAX_CPUS);
		for (unsigned cpu = first; cpu <= last; cpu++)
			l->cpu[l->nr++] = (uint16_t)cpu;
		if (*at == '\0')
			return 0;
		if (*at++ != ',')
			return bad_list(text, e);
	}
}

static int validate_pin(const struct vm_config *c, struct err *e)
{
	struct cpu_list l;

	if (cpu_list_parse(&l, c->pin, e))
		return err_ctx(e, "--pin");
	if (l.nr != c->cpus)
		return err_set(e, EINVAL,
			       "--pin: %s has %" PRIu32 " host CPUs for the %" PRIu32
			       " of --cpus; write as many",
			       text_quote(c->pin).s, l.nr, c->cpus);
	return 0;
}

static int validate_cpu(const struct cpu_config *c, struct err *e)
{
	const struct {
		const char *name;
		int want;
	} only64[] = { { "sve", c->sve }, { "pauth", c->pauth }, { "mte", c->mte } };

	if (c->sve == FEATURE_OFF && c->sve_max_bits)
		return err_set(e, EINVAL,
			       "--cpu: sve=off and sve-max-bits=%" PRIu32
			       " contradict each other; leave one out",
			       c->sve_max_bits);
	for (size_t i = 0; c->aarch32 && i < ARRAY_SIZE(only64); i++)
		if (only64[i].want == FEATURE_ON)
			return err_set(e, EINVAL,
				       "--cpu: %s=on needs a 64-bit guest; leave it or aarch32 out",
				       only64[i].name);
	return 0;
}

static int validate_watches(const struct vm_config *c, struct err *e)
{
	for (size_t i = 0; i < c->watches.nr; i++) {
		struct watch_item w;
		int ret = watch_parse(&w, c->watches.at[i], e);

		if (ret)
			return err_ctx(e, "--watch");
		watch_item_free(&w);
	}
	if (c->watches.nr == 0)
		return 0;
	if (c->hugepages)
		return err_set(e, EINVAL,
			       "--watch takes small pages from the guest, which --hugepages has "
			       "none of; leave one out");
	if (c->cpu.aarch32)
		return err_set(e, EINVAL,
			       "--watch needs a 64-bit guest; leave it or aarch32=on out");
	if (c->cpu.mte == FEATURE_ON)
		return err_set(e, EINVAL,
			       "--watch works on memory without tags; leave it or mte=on out");
	return 0;
}

static int validate_lists(const struct vm_config *c, struct err *e)
{
	unsigned trace;

	if (trace_parse(&trace, &c->trace, e))
		return err_ctx(e, "--trace");
	for (size_t i = 0; i < c->holes.nr; i++) {
		struct hole h;

		if (hole_parse(&h, c->holes.at[i], e))
			return err_ctx(e, "--hole");
	}
	for (size_t i = 0; i < c->roms.nr; i++) {
		struct file_at f;
		int ret = rom_parse(&f, c->roms.at[i], e);

		if (ret)
			return err_ctx(e, "--rom");
		file_at_free(&f);
	}
	for (size_t i = 0; i < c->symbols.nr; i++) {
		struct file_at f;
		int ret = symbol_file_parse(&f, c->symbols.at[i], e);

		if (ret)
			return err_ctx(e, "--symbols");
		file_at_free(&f);
	}
	return validate_watches(c, e);
}

int config_validate(const struct vm_config *c, struct err *e)
{
	const struct key *k = keys_missing(vm_config_keys, c);
	int ret;

	if (k)
		return err_set(e, EINVAL, "--%s is missing; write --%s %s", k->name, k->name,
			       k->arg);
	if ((c->irqchip == IRQCHIP_GICV2 || c->irqchip == IRQCHIP_GICV2M) && c->cpus > 8)
		return err_set(e, EINVAL,
			       "--irqchip: %s serves at most 8 CPUs, and --cpus is %" PRIu32
			       "; choose gicv3 or fewer",
			       irqchip_names[c->irqchip], c->cpus);
	if ((ret = validate_cpu(&c->cpu, e)) || (ret = validate_lists(c, e)))
		return ret;
	return c->pin ? validate_pin(c, e) : 0;
}
