/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor: the least that a VMM on /dev/kvm can do on arm64, as the limit to measure against. No
 * devices but a PL011 that swallows output; no error handling but giving up.
 *
 *	floor IMAGE DTB INITRD MEM_MB [features] [filter] [N]	the files may be "-" for none
 *
 * With "features" its vCPU has what vmm's have by default (SVE, pointer authentication, PMU, stolen
 * time), which KVM pays for at each exit whoever the VMM is. With "filter" its system calls pass by
 * a filter, the shortest that looks at the request of an ioctl(). With N there are N vCPUs, of
 *which all but the first stay off.
 *
 * The guest's console is stdout, unbuffered; ends when the guest powers off.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/kvm.h>
#include <linux/seccomp.h>

#define RAM_BASE   0x40000000UL
#define DTB_OFF	   0x8000000UL
#define INITRD_OFF 0x8200000UL
#define UART	   0x9000000UL
#define HUGE	   0x200000UL

static long must(long result, const char *what)
{
	if (result < 0) {
		perror(what);
		exit(1);
	}
	return result;
}

static void set_attr(int fd, uint32_t group, uint64_t attr, const void *value)
{
	struct kvm_device_attr a = { .group = group, .attr = attr, .addr = (uintptr_t)value };

	must(ioctl(fd, KVM_SET_DEVICE_ATTR, &a), "KVM_SET_DEVICE_ATTR");
}

static void set_core_reg(int vcpu, size_t off, uint64_t value)
{
	struct kvm_one_reg r = { KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | (off / 4),
				 (uintptr_t)&value };

	must(ioctl(vcpu, KVM_SET_ONE_REG, &r), "KVM_SET_ONE_REG");
}

static void load(const char *path, char *at)
{
	struct stat s;
	int fd;

	if (strcmp(path, "-") == 0)
		return;
	fd = (int)must(open(path, O_RDONLY), path);
	must(fstat(fd, &s), path);
	must(read(fd, at, (size_t)s.st_size), path);
	close(fd);
}

static void answer(struct kvm_run *r)
{
	static const uint8_t id[8] = { 0x11, 0x10, 0x14, 0, 0x0d, 0xf0, 0x05, 0xb1 };
	uint64_t off = r->mmio.phys_addr - UART;
	uint32_t value = 0;

	if (r->mmio.is_write) {
		if (off == 0)
			must(write(1, r->mmio.data, 1), "stdout");
		return;
	}
	if (off == 0x18)
		value = 0x90; /* flags: both FIFOs empty */
	else if (off >= 0xfe0 && off < 0x1000)
		value = id[(off - 0xfe0) / 4];
	memcpy(r->mmio.data, &value, sizeof(value));
}

static void make_gic(int vm)
{
	struct kvm_create_device d = { .type = KVM_DEV_TYPE_ARM_VGIC_V3 };
	const uint64_t dist = 0x8000000, redist = 0x80a0000;
	const uint32_t irqs = 64;

	must(ioctl(vm, KVM_CREATE_DEVICE, &d), "GICv3");
	set_attr((int)d.fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, &dist);
	set_attr((int)d.fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST, &redist);
	set_attr((int)d.fd, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &irqs);
	set_attr((int)d.fd, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL);
}

/* As KVM wants it: features at init, SVE fixed then, the rest after the GIC. */
static uint32_t init_features(int vm)
{
	uint32_t f = 0;

	if (ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_SVE) > 0)
		f |= 1U << KVM_ARM_VCPU_SVE;
	if (ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_PTRAUTH_ADDRESS) > 0)
		f |= 1U << KVM_ARM_VCPU_PTRAUTH_ADDRESS | 1U << KVM_ARM_VCPU_PTRAUTH_GENERIC;
	if (ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_PMU_V3) > 0)
		f |= 1U << KVM_ARM_VCPU_PMU_V3;
	return f;
}

static void wire_features(int vm, int vcpu, uint32_t f)
{
	const uint64_t pvtime = 0x90a0000;
	struct kvm_userspace_memory_region slot = { .slot = 1,
						    .guest_phys_addr = pvtime,
						    .memory_size = 0x10000 };
	void *page = mmap(NULL, slot.memory_size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int irq = 23;

	if (f & 1U << KVM_ARM_VCPU_PMU_V3) {
		set_attr(vcpu, KVM_ARM_VCPU_PMU_V3_CTRL, KVM_ARM_VCPU_PMU_V3_IRQ, &irq);
		set_attr(vcpu, KVM_ARM_VCPU_PMU_V3_CTRL, KVM_ARM_VCPU_PMU_V3_INIT, NULL);
	}
	slot.userspace_addr = (uintptr_t)page;
	must(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot), "stolen time");
	set_attr(vcpu, KVM_ARM_VCPU_PVTIME_CTRL, KVM_ARM_VCPU_PVTIME_IPA, &pvtime);
}

static void make_idle_vcpus(int vm, struct kvm_vcpu_init init, int n)
{
	init.features[0] |= 1U << KVM_ARM_VCPU_POWER_OFF;
	for (int i = 1; i < n; i++) {
		int vcpu = (int)must(ioctl(vm, KVM_CREATE_VCPU, i), "KVM_CREATE_VCPU");

		must(ioctl(vcpu, KVM_ARM_VCPU_INIT, &init), "KVM_ARM_VCPU_INIT");
	}
}

static void add_filter(void)
{
	static struct sock_filter insn[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_AARCH64, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 2),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, KVM_RUN, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	const struct sock_fprog program = { sizeof(insn) / sizeof(insn[0]), insn };

	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS");
	must(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program), "seccomp");
}

int main(int argc, char **argv)
{
	int features = 0, filter = 0, vcpus = 1, sve = KVM_ARM_VCPU_SVE;
	struct kvm_vcpu_init init;
	struct kvm_userspace_memory_region slot;
	struct kvm_run *r;
	int kvm, vm, vcpu;
	size_t mem;
	char *ram;

	if (argc < 5)
		return 2;
	for (int i = 5; i < argc; i++) {
		if (strcmp(argv[i], "features") == 0)
			features = 1;
		else if (strcmp(argv[i], "filter") == 0)
			filter = 1;
		else
			vcpus = atoi(argv[i]);
	}
	mem = strtoull(argv[4], NULL, 0) << 20;
	kvm = (int)must(open("/dev/kvm", O_RDWR), "/dev/kvm");
	vm = (int)must(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
	ram = mmap(NULL, mem + HUGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	must(ram == MAP_FAILED ? -1 : 0, "mmap");
	ram = (char *)(((uintptr_t)ram + HUGE - 1) & ~(HUGE - 1));
	madvise(ram, mem, MADV_HUGEPAGE);
	load(argv[1], ram);
	load(argv[2], ram + DTB_OFF);
	load(argv[3], ram + INITRD_OFF);
	slot = (struct kvm_userspace_memory_region){ .guest_phys_addr = RAM_BASE,
						     .memory_size = mem,
						     .userspace_addr = (uintptr_t)ram };
	must(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot), "KVM_SET_USER_MEMORY_REGION");
	must(ioctl(vm, KVM_ARM_PREFERRED_TARGET, &init), "KVM_ARM_PREFERRED_TARGET");
	vcpu = (int)must(ioctl(vm, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
	init.features[0] = 1U << KVM_ARM_VCPU_PSCI_0_2 | (features ? init_features(vm) : 0);
	must(ioctl(vcpu, KVM_ARM_VCPU_INIT, &init), "KVM_ARM_VCPU_INIT");
	if (init.features[0] & 1U << KVM_ARM_VCPU_SVE)
		must(ioctl(vcpu, KVM_ARM_VCPU_FINALIZE, &sve), "KVM_ARM_VCPU_FINALIZE");
	make_idle_vcpus(vm, init, vcpus);
	make_gic(vm);
	if (features)
		wire_features(vm, vcpu, init.features[0]);
	r = mmap(NULL, (size_t)must(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "mmap size"),
		 PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	must(r == MAP_FAILED ? -1 : 0, "mmap vCPU");
	set_core_reg(vcpu, offsetof(struct kvm_regs, regs.regs[0]), RAM_BASE + DTB_OFF);
	set_core_reg(vcpu, offsetof(struct kvm_regs, regs.pc), RAM_BASE);
	if (filter)
		add_filter();
	for (;;) {
		if (ioctl(vcpu, KVM_RUN, 0) < 0 && errno != EINTR)
			must(-1, "KVM_RUN");
		if (r->exit_reason == KVM_EXIT_MMIO)
			answer(r);
		else if (r->exit_reason == KVM_EXIT_SYSTEM_EVENT)
			return 0;
		else
			must(-1, "exit");
	}
}
