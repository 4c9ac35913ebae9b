/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/kvm.h"

#include "vmm/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

int kvm_open(struct kvm *k, struct err *e)
{
	int version, size;

	*k = (struct kvm){ .dev = -1, .vm = -1 };
	k->dev = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (k->dev < 0) {
		if (errno == ENOENT || errno == ENXIO || errno == ENODEV)
			return err_set(e, errno,
				       "/dev/kvm is not there: this host has no KVM, or hides it; "
				       "'vmm doctor' says more");
		if (errno == EACCES || errno == EPERM)
			return err_set(e, errno,
				       "/dev/kvm: permission denied: join its group (as root: "
				       "usermod -aG kvm USER, then log in again)");
		return err_sys(e, "/dev/kvm");
	}
	version = ioctl(k->dev, KVM_GET_API_VERSION, 0);
	if (version != KVM_API_VERSION) {
		kvm_close(k);
		return err_set(e, ENOTSUP, "/dev/kvm: API version %d, but vmm needs %d", version,
			       KVM_API_VERSION);
	}
	size = ioctl(k->dev, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (size < (int)sizeof(struct kvm_run)) {
		kvm_close(k);
		return err_set(e, ENOTSUP, "/dev/kvm: KVM_GET_VCPU_MMAP_SIZE answers %d", size);
	}
	k->run_size = (size_t)size;
	return 0;
}

void kvm_close(struct kvm *k)
{
	if (k->vm >= 0)
		(void)close(k->vm);
	if (k->dev >= 0)
		(void)close(k->dev);
	k->vm = k->dev = -1;
}

int kvm_create_vm(struct kvm *k, unsigned long type, struct err *e)
{
	int fd;

	do /* a signal may interrupt it, with nothing made */
		fd = ioctl(k->dev, KVM_CREATE_VM, type);
	while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return err_sys(e, "KVM_CREATE_VM (type 0x%lx)", type);
	k->vm = fd;
	return 0;
}

int kvm_cap(const struct kvm *k, int cap)
{
	int value = ioctl(k->vm >= 0 ? k->vm : k->dev, KVM_CHECK_EXTENSION, cap);

	return value > 0 ? value : 0;
}

int kvm_enable_cap(struct kvm *k, uint32_t cap, uint64_t arg, const char *name, struct err *e)
{
	struct kvm_enable_cap c = { .cap = cap, .args = { arg } };

	return ioctl(k->vm, KVM_ENABLE_CAP, &c) < 0 ? err_sys(e, "KVM_ENABLE_CAP %s", name) : 0;
}

int kvm_set_slot(const struct kvm *k, uint32_t slot, uint64_t gpa, uint64_t size, void *host,
		 uint32_t flags, struct err *e)
{
	struct kvm_userspace_memory_region r = {
		.slot = slot,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)host,
	};

	if (ioctl(k->vm, KVM_SET_USER_MEMORY_REGION, &r) < 0)
		return err_sys(e, "memory at 0x%" PRIx64 ", 0x%" PRIx64 " bytes", gpa, size);
	return 0;
}

int kvm_add_slot(struct kvm *k, uint64_t gpa, uint64_t size, void *host, uint32_t flags,
		 struct err *e)
{
	int code = kvm_set_slot(k, k->slots, gpa, size, host, flags, e);

	if (code == 0)
		k->slots++;
	return code;
}

bool kvm_can_create_device(const struct kvm *k, uint32_t type)
{
	struct kvm_create_device d = { .type = type, .flags = KVM_CREATE_DEVICE_TEST };

	return ioctl(k->vm, KVM_CREATE_DEVICE, &d) == 0;
}

int kvm_create_device(const struct kvm *k, uint32_t type, const char *name, struct err *e)
{
	struct kvm_create_device d = { .type = type };

	if (ioctl(k->vm, KVM_CREATE_DEVICE, &d) < 0)
		return err_sys(e, "%s: KVM_CREATE_DEVICE", name);
	return (int)d.fd;
}

bool kvm_has_attr(int fd, uint32_t group, uint64_t attr)
{
	struct kvm_device_attr a = { .group = group, .attr = attr };

	return ioctl(fd, KVM_HAS_DEVICE_ATTR, &a) == 0;
}

static int attr_ioctl(int fd, unsigned long op, uint32_t group, uint64_t attr, const void *value)
{
	struct kvm_device_attr a = { .group = group, .attr = attr, .addr = (uintptr_t)value };

	return ioctl(fd, op, &a);
}

int kvm_set_attr(int fd, uint32_t group, uint64_t attr, const void *value, const char *name,
		 struct err *e)
{
	if (attr_ioctl(fd, KVM_SET_DEVICE_ATTR, group, attr, value) < 0)
		return err_sys(e, "%s: set", name);
	return 0;
}

int kvm_get_attr(int fd, uint32_t group, uint64_t attr, void *value, const char *name,
		 struct err *e)
{
	if (attr_ioctl(fd, KVM_GET_DEVICE_ATTR, group, attr, value) < 0)
		return err_sys(e, "%s: get", name);
	return 0;
}

int kvm_create_vcpu(const struct kvm *k, unsigned index, int *fd, struct kvm_run **run,
		    struct err *e)
{
	void *at;

	*fd = ioctl(k->vm, KVM_CREATE_VCPU, (unsigned long)index);
	if (*fd < 0)
		return err_sys(e, "vCPU %u: KVM_CREATE_VCPU", index);
	at = mmap(NULL, k->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	if (at == MAP_FAILED) {
		int code = err_sys(e, "vCPU %u: mmap", index);

		(void)close(*fd);
		*fd = -1;
		return code;
	}
	*run = at;
	return 0;
}

void kvm_destroy_vcpu(const struct kvm *k, int fd, struct kvm_run *run)
{
	if (run)
		(void)munmap(run, k->run_size);
	if (fd >= 0)
		(void)close(fd);
}

int kvm_get_reg(int vcpu, uint64_t id, void *value, struct err *e)
{
	struct kvm_one_reg r = { .id = id, .addr = (uintptr_t)value };

	if (ioctl(vcpu, KVM_GET_ONE_REG, &r) < 0)
		return err_sys(e, "get register 0x%" PRIx64, id);
	return 0;
}

int kvm_set_reg(int vcpu, uint64_t id, const void *value, struct err *e)
{
	struct kvm_one_reg r = { .id = id, .addr = (uintptr_t)value };

	if (ioctl(vcpu, KVM_SET_ONE_REG, &r) < 0)
		return err_sys(e, "set register 0x%" PRIx64, id);
	return 0;
}

int kvm_add_doorbell(const struct kvm *k, uint64_t gpa, uint32_t size, uint64_t value, int fd,
		     struct err *e)
{
	struct kvm_ioeventfd d = {
		.datamatch = value,
		.addr = gpa,
		.len = size,
		.fd = fd,
		.flags = KVM_IOEVENTFD_FLAG_DATAMATCH,
	};

	return ioctl(k->vm, KVM_IOEVENTFD, &d) < 0 ? err_sys(e, "KVM_IOEVENTFD") : 0;
}

int kvm_keep_writes(const struct kvm *k, uint64_t gpa, uint32_t size, struct err *e)
{
	struct kvm_coalesced_mmio_zone z = { .addr = gpa, .size = size };

	return ioctl(k->vm, KVM_REGISTER_COALESCED_MMIO, &z) < 0
		       ? err_sys(e, "KVM_REGISTER_COALESCED_MMIO")
		       : 0;
}

struct kvm_coalesced_mmio_ring *kvm_kept_writes(const struct kvm *k, struct kvm_run *run,
						uint32_t *entries)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const size_t at = (size_t)kvm_cap(k, KVM_CAP_COALESCED_MMIO) * page;

	if (at == 0 || at + page > k->run_size)
		return NULL;
	*entries = (uint32_t)((page - sizeof(struct kvm_coalesced_mmio_ring)) /
			      sizeof(struct kvm_coalesced_mmio));
	return (struct kvm_coalesced_mmio_ring *)(void *)((char *)run + at);
}

int kvm_add_irqfd(const struct kvm *k, int fd, uint32_t gsi, struct err *e)
{
	struct kvm_irqfd d = { .fd = (uint32_t)fd, .gsi = gsi };

	return ioctl(k->vm, KVM_IRQFD, &d) < 0 ? err_sys(e, "KVM_IRQFD") : 0;
}

void kvm_irq_line(const struct kvm *k, uint32_t irq, bool level)
{
	struct kvm_irq_level l = { .irq = irq, .level = level };

	if (ioctl(k->vm, KVM_IRQ_LINE, &l) < 0)
		log_error("KVM_IRQ_LINE 0x%x: %m", irq);
}
