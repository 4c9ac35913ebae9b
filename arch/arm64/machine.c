/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine: the arm64 board. arch_machine_create() reads like its bill of materials; addresses and
 * interrupt numbers come from the memory map. The order is KVM's: address space and capabilities,
 * memory, vCPUs, interrupt controller, then what needs it.
 */
#include "arch/arm64/machine.h"

#include "arch/arm64/dt.h"
#include "arch/arm64/fault/fault.h"
#include "arch/arm64/layout.h"
#include "arch/arm64/memmap.h"
#include "arch/arm64/regs.h"
#include "devices/gicv2m.h"
#include "devices/pl011.h"
#include "devices/pl031.h"
#include "devices/pl061.h"
#include "devices/pvpanic.h"
#include "devices/virtio/blk.h"
#include "fdt/patch.h"
#include "vmm/base/io.h"
#include "vmm/base/log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

/* Bytes our own tree can take: a node for each vCPU, and all the rest. */
#define DTB_ROOM       (16 * KiB)
#define DTB_ROOM_A_CPU 256

static_assert(MAX_CPUS == CONFIG_MAX_CPUS, "what --cpus takes has redistributors in the map");

uint64_t arch_ram_base(void)
{
	return memmap[MM_RAM].base;
}

/* --- the VM --------------------------------------------------------------------------------- */

/*
 * Address bits of a VM whose last address is below @top: the most that the host has, since KVM
 * settles accesses beyond them by itself. But no more than 48 if they do: only a guest that was
 * built for it can name what is above, and newer kernels (7.2, not 6.1) go through all of the space
 * in steps when a VM ends, which with 52 bits takes seconds on a slow host.
 */
static unsigned ipa_bits(const struct kvm *k, uint64_t top)
{
	enum { COMMON = 48, OLD_KERNEL = 40 };
	unsigned most = (unsigned)kvm_cap(k, KVM_CAP_ARM_VM_IPA_SIZE);

	if (!most)
		return OLD_KERNEL;
	return most > COMMON && top <= 1ULL << COMMON ? COMMON : most;
}

unsigned long arch_vm_type(const struct kvm *k)
{
	return kvm_cap(k, KVM_CAP_ARM_VM_IPA_SIZE) ? ipa_bits(k, 0) : 0;
}

/* The first address above everything that the configuration has. */
static uint64_t top_address(const struct vm_config *c)
{
	uint64_t top = memmap[MM_RAM].base + c->mem;

	if (c->cpus > REDIST_LOW_CPUS)
		top = memmap_high(MM_HIGH_REDIST, c->mem) +
		      (c->cpus - REDIST_LOW_CPUS) * REDIST_SIZE;
	return top;
}

static int check_limits(const struct machine *m, unsigned bits, struct err *e)
{
	const struct vm_config *c = m->config;
	uint64_t limit = 1ULL << bits;
	int cpus = kvm_cap(m->kvm, KVM_CAP_MAX_VCPUS);

	if (cpus > MAX_CPUS)
		cpus = MAX_CPUS;
	if (c->cpus > (unsigned)cpus)
		return err_set(e, EINVAL, "--cpus %" PRIu32 ": this host's KVM allows at most %d",
			       c->cpus, cpus);
	if (c->mem > limit - memmap[MM_RAM].base)
		return err_set(e, EINVAL,
			       "--mem %" PRIu64
			       "M: guests of this host have %u address bits, which "
			       "leaves room for at most %" PRIu64 "M of RAM",
			       c->mem / MiB, bits, (limit - memmap[MM_RAM].base) / MiB);
	if (top_address(c) > limit)
		return err_set(e, EINVAL,
			       "--cpus %" PRIu32 ": more than %d need addresses beyond the %u bits "
			       "that guests of this host have",
			       c->cpus, REDIST_LOW_CPUS, bits);
	return 0;
}

static int create_vm(struct machine *m, struct err *e)
{
	struct cpu_config cpu = m->config->cpu;
	struct cpu_features *f = &m->arch->features;
	const unsigned bits = ipa_bits(m->kvm, UINT64_MAX);
	const bool can_choose = kvm_cap(m->kvm, KVM_CAP_ARM_VM_IPA_SIZE) > 0;
	int code = check_limits(m, bits, e);

	m->arch->ipa_bits = ipa_bits(m->kvm, top_address(m->config));
	if (code == 0)
		code = kvm_create_vm(m->kvm, can_choose ? m->arch->ipa_bits : 0, e);
	if (code)
		return code;
	if (!kvm_cap(m->kvm, KVM_CAP_ARM_PSCI_0_2) || !kvm_cap(m->kvm, KVM_CAP_ONE_REG))
		return err_set(e, ENOTSUP, "this host's KVM is too old: it has no PSCI 0.2");
	/* Without this, an access outside RAM that has no syndrome ends KVM_RUN with ENOSYS. */
	if (kvm_cap(m->kvm, KVM_CAP_ARM_NISV_TO_USER))
		code = kvm_enable_cap(m->kvm, KVM_CAP_ARM_NISV_TO_USER, 0, "NISV_TO_USER", e);
	if (code == 0 && kvm_cap(m->kvm, KVM_CAP_ARM_SYSTEM_SUSPEND))
		code = kvm_enable_cap(m->kvm, KVM_CAP_ARM_SYSTEM_SUSPEND, 0, "SYSTEM_SUSPEND", e);
	/* A failure of the host's memory then comes to us, and not to the guest as an SError. */
	if (code == 0 && kvm_cap(m->kvm, KVM_CAP_ARM_SEA_TO_USER))
		code = kvm_enable_cap(m->kvm, KVM_CAP_ARM_SEA_TO_USER, 0, "SEA_TO_USER", e);
	/* Huge pages from the pool have no tags, nor has shared memory with KVM before 6.2. */
	if ((m->config->hugepages || m->config->watches.nr || config_shares_ram(m->config)) &&
	    cpu.mte == FEATURE_AUTO)
		cpu.mte = FEATURE_OFF;
	if (code == 0)
		code = cpu_features_decide(m->kvm, &cpu, f, e);
	/* Before any memory slot, so that KVM refuses memory that cannot be tagged. */
	if (code == 0 && f->mte)
		code = kvm_enable_cap(m->kvm, KVM_CAP_ARM_MTE, 0, "MTE", e);
	return code;
}

int arch_vm_create(struct machine *m, struct err *e)
{
	const struct vm_config *c = m->config;
	struct arch_machine *a = calloc(1, sizeof(*a));
	int code;

	if (!a)
		return err_set(e, ENOMEM, "machine: out of memory");
	*a = (struct arch_machine){
		.machine = m,
		.gic = { .fd = -1, .its_fd = -1 },
		.pvtime = { .fd = -1 },
		.boot = { .kernel.fd = -1, .initrd.fd = -1, .dtb.fd = -1, .first.fd = -1 },
		.suspend_call = { .fn = machine_suspend },
		.guards_call = { .fn = fault_change_guards },
	};
	m->arch = a;
	watch_init(a);
	a->vcpu = calloc(c->cpus, sizeof(*a->vcpu));
	if (!a->vcpu)
		return err_set(e, ENOMEM, "machine: out of memory");
	code = policy_read(&a->policy, c, e);
	if (code == 0)
		code = trace_parse(&a->trace, &c->trace, e);
	if (code)
		return code;
	/* Files first: what is wrong with them is what users hit most, and nothing is made yet. */
	code = boot_open(&a->boot, c->kernel, c->initrd, c->dtb, e);
	if (code == 0 && m->initramfs >= 0)
		code = boot_prepend(&a->boot, m->initramfs, e);
	return code ? code : create_vm(m, e);
}

/* --- building ------------------------------------------------------------------------------- */

/* Puts @d on the bus; *@at owns it. NULL @d is a constructor that failed with @e set. */
static int add(struct machine *m, struct device **at, struct device *d, struct err *e)
{
	*at = d;
	if (!d)
		return -e->code;
	return bus_add(m->bus, d, e);
}

static struct irq_line *line(struct machine *m, struct gic_line *l, uint32_t spi)
{
	gic_line_init(l, m->kvm, spi);
	return &l->line;
}

/* Messages are edges. */
static void pulse_spi(void *ctx, uint32_t spi)
{
	const struct kvm *k = ctx;

	kvm_irq_line(k, gic_spi(spi), true);
	kvm_irq_line(k, gic_spi(spi), false);
}

static void on_pvpanic(void *ctx, unsigned events)
{
	struct machine *m = ctx;
	const struct machine_events *ev = &m->events;

	if (events & PVPANIC_PANICKED)
		ev->guest(ev->ctx, GUEST_PANIC, NULL);
	if (events & PVPANIC_CRASH_LOADED && !m->arch->told_crash_kernel) {
		log_warn("the guest panicked and starts its crash kernel");
		m->arch->told_crash_kernel = true;
	}
	if (events & PVPANIC_SHUTDOWN)
		ev->guest(ev->ctx, GUEST_OFF, NULL);
}

static int create_devices(struct machine *m, struct err *e)
{
	struct arch_machine *a = m->arch;
	const struct memmap_entry *mm = memmap;
	int code;

	code = add(m, &a->uart,
		   pl011_create(mm[MM_UART].base, mm[MM_UART].size,
				line(m, &a->uart_line, SPI_UART), m->console, e),
		   e);
	if (code == 0)
		code = add(m, &a->rtc,
			   pl031_create(mm[MM_RTC].base, mm[MM_RTC].size,
					line(m, &a->rtc_line, SPI_RTC), m->loop, e),
			   e);
	if (code == 0)
		code = add(m, &a->gpio,
			   pl061_create(mm[MM_GPIO].base, mm[MM_GPIO].size,
					line(m, &a->gpio_line, SPI_GPIO), m->loop, e),
			   e);
	if (code == 0)
		code = add(
			m, &a->pvpanic,
			pvpanic_create(mm[MM_PVPANIC].base, mm[MM_PVPANIC].size, on_pvpanic, m, e),
			e);
	if (code == 0 && a->gic.kind == IRQCHIP_GICV2M)
		code = add(m, &a->v2m,
			   gicv2m_create(mm[MM_GICV2M].base, mm[MM_GICV2M].size, SPI_GICV2M,
					 SPI_GICV2M_COUNT, pulse_spi, m->kvm, e),
			   e);
	return code;
}

/* The page where KVM accounts stolen time must be memory that the guest can read. */
static int create_pvtime(struct machine *m, struct err *e)
{
	const struct memmap_entry *mm = &memmap[MM_PVTIME];
	struct ram *r = &m->arch->pvtime;
	struct gmem_region region = { .base = mm->base, .name = "stolen time" };
	int code = ram_create(r, mm->size, 0, e);

	region.size = r->size;
	region.host = TO_GUEST(r->host);
	if (code == 0)
		code = gmem_add(m->mem, &region, e);
	if (code == 0)
		code = kvm_add_slot(m->kvm, mm->base, r->size, r->host, 0, e);
	return code;
}

static int create_vcpus(struct machine *m, struct err *e)
{
	int code = 0;

	for (unsigned i = 0; code == 0 && i < m->vcpus->nr; i++)
		code = cpu_create(&m->vcpus->vcpu[i], m->kvm, &m->arch->features, e);
	return code;
}

static int read_mmfr(struct machine *m, struct err *e)
{
	struct arch_machine *a = m->arch;
	int code = 0;

	for (unsigned i = 0; code == 0 && !a->features.aarch32 && i < ARRAY_SIZE(a->mmfr); i++)
		code = kvm_get_reg(m->vcpus->vcpu[0].fd, REG_ID_AA64MMFR(i), &a->mmfr[i], e);
	return code;
}

static int wire_vcpus(struct machine *m, struct err *e)
{
	const struct cpu_features *f = &m->arch->features;
	int code = 0;

	for (unsigned i = 0; code == 0 && i < m->vcpus->nr; i++)
		code = cpu_wire(&m->vcpus->vcpu[i], f,
				f->steal_time ? memmap[MM_PVTIME].base + i * PVTIME_SIZE : 0, e);
	return code;
}

uint64_t machine_space_end(const struct machine *m)
{
	return 1ULL << m->arch->ipa_bits;
}

/*
 * Guards below RAM, and above it as far as a runaway pointer is likely to go; all others when the
 * guest shows that it needs them. Backed by mappings smaller than RAM, or of 128 MiB: what looks
 * for guest RAM in a process takes the largest one for it.
 */
static int create_guards(struct machine *m, struct err *e)
{
	struct arch_machine *a = m->arch;
	const uint64_t ram = m->config->mem, above = ram < GiB ? ram : GiB;
	uint64_t end = memmap[MM_RAM].base + ram + above;

	/* Where an access has no effect, nothing need be known of it, and it shall be cheap. */
	if (m->config->unclaimed == UNCLAIMED_ZERO || m->config->unclaimed == UNCLAIMED_ONES)
		return 0;
	/* What KVM gives a 32-bit EL1 by itself is right, and vmm could not make it by hand. */
	if (a->features.aarch32)
		return 0;
	if (end > machine_space_end(m))
		end = machine_space_end(m);
	return guards_create(&a->guards, m->kvm, &a->space, end,
			     ram > 128 * MiB ? ram - 64 * KiB : 128 * MiB, e);
}

void arch_disks_look(struct machine *m)
{
	const struct virtio_slots *s = &m->arch->virtio;

	for (unsigned i = 0; i < s->disks; i++)
		virtio_blk_look_at_size(s->slot[i].v);
}

struct virtio *arch_balloon(const struct machine *m)
{
	return m->arch->virtio.balloon;
}

int arch_machine_create(struct machine *m, struct err *e)
{
	struct arch_machine *a = m->arch;
	enum irqchip kind = IRQCHIP_AUTO;
	int code = gic_choose(m->kvm, (enum irqchip)m->config->irqchip, m->config->cpus, &kind, e);

	if (code == 0 && a->features.steal_time)
		code = create_pvtime(m, e);
	if (code == 0)
		code = create_vcpus(m, e);
	if (code == 0)
		code = gic_create(&a->gic, m, kind, e);
	if (code == 0)
		code = wire_vcpus(m, e);
	if (code == 0)
		code = create_devices(m, e);
	if (code == 0)
		code = virtio_slots_create(&a->virtio, m, e);
	if (code == 0)
		code = read_mmfr(m, e);
	if (code == 0)
		code = layout_describe(m, &a->space, e);
	if (code == 0)
		code = create_guards(m, e);
	return code;
}

static void remove_device(struct machine *m, struct device *d)
{
	if (d)
		bus_remove(m->bus, d);
	device_destroy(d);
}

void arch_machine_destroy(struct machine *m)
{
	struct arch_machine *a = m->arch;

	if (!a)
		return;
	loop_unpost(m->loop, &a->suspend_call);
	loop_unpost(m->loop, &a->guards_call);
	spin_stop(&a->spin);
	virtio_slots_destroy(&a->virtio, m);
	remove_device(m, a->v2m);
	remove_device(m, a->pvpanic);
	remove_device(m, a->gpio);
	remove_device(m, a->rtc);
	remove_device(m, a->uart);
	gic_destroy(&a->gic);
	boot_close(&a->boot);
}

void arch_machine_free(struct machine *m)
{
	struct arch_machine *a = m->arch;

	if (!a)
		return;
	watch_destroy(a);
	guards_destroy(&a->guards);
	space_free(&a->space);
	ram_destroy(&a->pvtime);
	policy_free(&a->policy);
	free(a->vcpu);
	free(a);
	m->arch = NULL;
}

/* --- reset ---------------------------------------------------------------------------------- */

static const char *bootargs(const struct machine *m)
{
	return m->cmdline ? m->cmdline : config_cmdline(m->config);
}

/* What a kernel can depend on; all vCPUs are alike. */
static void image_cpu(const struct machine *m, struct image_cpu *cpu)
{
	const uint64_t mmfr0 = m->arch->mmfr[0];

	*cpu = (struct image_cpu){ .aarch32 = m->arch->features.aarch32 };
	if (cpu->aarch32)
		return;
	if ((mmfr0 >> 28 & 0xf) != 0xf) /* TGran4 */
		cpu->granules |= GRANULE_4K;
	if ((mmfr0 >> 24 & 0xf) != 0xf) /* TGran64 */
		cpu->granules |= GRANULE_64K;
	if ((mmfr0 >> 20 & 0xf) != 0) /* TGran16 */
		cpu->granules |= GRANULE_16K;
	cpu->big_endian = (mmfr0 >> 8 & 0xf) != 0; /* BigEnd */
}

static int write_tree(struct machine *m, struct fdt *t, struct err *e)
{
	const struct arch_machine *a = m->arch;
	unsigned nr = m->vcpus->nr;
	uint64_t *mpidr = calloc(nr, sizeof(*mpidr));
	struct dt_info i = {
		.tree = {
			.bootargs = bootargs(m),
			.stdout_path = "/pl011@9000000",
			.initrd = a->boot.at.initrd,
			.initrd_size = a->boot.at.initrd_size,
			.ram = memmap[MM_RAM].base,
			.ram_size = m->config->mem,
		},
		.mpidr = mpidr,
		.cpus = nr,
		.irqchip = a->gic.kind,
		.high_redist = a->gic.high_redist,
		.pmu = a->features.pmu,
	};
	int code = mpidr ? 0 : err_set(e, ENOMEM, "device tree: out of memory");

	for (unsigned n = 0; code == 0 && n < nr; n++)
		code = kvm_get_reg(m->vcpus->vcpu[n].fd, REG_MPIDR_EL1, &mpidr[n], e);
	if (code == 0 && (getrandom(&i.tree.kaslr_seed, sizeof(i.tree.kaslr_seed), 0) < 0 ||
			  getrandom(i.tree.rng_seed, sizeof(i.tree.rng_seed), 0) < 0))
		code = err_sys(e, "getrandom");
	if (code == 0)
		dt_write(t, &i, m->bus);
	free(mpidr);
	return code;
}

/* Builds our own tree; *@blob is from malloc(). */
static int make_tree(struct machine *m, void **blob, size_t *size, struct err *e)
{
	struct fdt *t = fdt_start(e);
	const void *made;
	int code;

	if (!t)
		return -e->code;
	code = write_tree(m, t, e);
	if (code == 0)
		code = fdt_done(t, &made, size, e);
	if (code == 0) {
		*blob = malloc(*size);
		if (*blob)
			memcpy(*blob, made, *size);
		else
			code = err_set(e, ENOMEM, "device tree: out of memory");
	}
	fdt_free(t);
	return code;
}

/*
 * Kernel, initrd and device tree into RAM. Addresses come first, since the tree names them; how
 * large the tree can get is known without building it.
 */
static int load(struct machine *m, struct err *e)
{
	struct arch_machine *a = m->arch;
	struct fdt_chosen chosen = { .bootargs = m->cmdline };
	struct image_cpu cpu;
	void *blob = NULL;
	size_t size, room;
	int code = boot_user_dtb(&a->boot, &blob, &size, e);

	image_cpu(m, &cpu);
	room = blob ? size + fdt_patch_room(&chosen)
		    : DTB_ROOM + DTB_ROOM_A_CPU * m->vcpus->nr + strlen(bootargs(m));
	if (code == 0)
		code = boot_plan(&a->boot, &cpu, memmap[MM_RAM].base, m->config->mem, room, e);
	if (code == 0 && blob) {
		chosen.initrd = a->boot.at.initrd;
		chosen.initrd_size = a->boot.at.initrd_size;
		code = fdt_patch(&blob, &size, &chosen, e);
	} else if (code == 0) {
		code = make_tree(m, &blob, &size, e);
	}
	if (code == 0)
		code = boot_load(&a->boot, m->mem, blob, size, !a->started, e);
	if (code == 0)
		a->dtb_size = size;
	free(blob);
	return code;
}

void arch_vcpus_started(struct machine *m)
{
	spin_start(&m->arch->spin, m);
}

void arch_kernel_place(const struct machine *m, uint64_t *base, uint64_t *size)
{
	*base = m->arch->boot.at.kernel;
	*size = m->arch->boot.at.kernel_room;
}

int arch_dump_dtb(struct machine *m, const char *path, struct err *e)
{
	const struct boot_layout *at = &m->arch->boot.at;
	size_t size = m->arch->dtb_size;
	struct window w = gmem_window(m->mem, gpa(at->dtb), size);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	int code;

	if (fd < 0)
		return err_sys(e, "%s", path);
	assert(w.len == size);
	code = -io_write(fd, FROM_GUEST(w.host), size);
	if (close(fd) < 0 && code == 0)
		code = errno;
	return code ? err_code(e, code, "%s", path) : 0;
}

static void reset_devices(struct machine *m)
{
	struct arch_machine *a = m->arch;
	struct device *const all[] = { a->uart, a->rtc, a->gpio, a->pvpanic, a->v2m };

	/* First: what is under way may still write to memory, which is about to be loaded. */
	for (unsigned i = 0; i < a->virtio.nr; i++)
		device_reset(a->virtio.slot[i].dev);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (all[i])
			device_reset(all[i]);
}

/* Before the first start they are as after power-on, and all but the first are off. */
static int reset_vcpus(struct machine *m, struct err *e)
{
	const struct arch_machine *a = m->arch;
	struct vcpu *first = &m->vcpus->vcpu[0];
	int code = a->started ? cpu_power_on(first, &a->features, a->boot.at.entry, 0, e)
			      : cpu_begin_at(first, &a->features, a->boot.at.entry, 0, e);

	if (code == 0)
		code = cpu_set_boot_registers(first, &a->features, a->boot.at.dtb, e);
	for (unsigned i = 0; code == 0 && i < m->vcpus->nr; i++) {
		struct vcpu *v = &m->vcpus->vcpu[i];

		v->suspends = false;
		a->vcpu[i] = (struct arch_vcpu){ .puzzles = 0 }; /* what came before is forgotten */
		if (v != first && a->started)
			code = cpu_power_off(v, &a->features, e);
	}
	return code;
}

int arch_machine_reset(struct machine *m, struct err *e)
{
	struct arch_machine *a = m->arch;
	int code = 0;

	loop_unpost(m->loop, &a->suspend_call);
	reset_devices(m);
	if (a->started)
		code = gic_reset(&a->gic, e);
	if (code == 0)
		code = load(m, e);
	if (code == 0)
		code = reset_vcpus(m, e);
	a->started = true;
	a->told_crash_kernel = false;
	return code;
}

/* --- what the user does --------------------------------------------------------------------- */

void arch_power_key(struct machine *m)
{
	pl061_press_power_key(m->arch->gpio);
}

void arch_console_break(struct machine *m)
{
	pl011_break(m->arch->uart);
}
