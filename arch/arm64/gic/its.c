/* SPDX-License-Identifier: Apache-2.0 */
/* The interrupt translation service in KVM: message-signalled interrupts for a GICv3. */
#include "arch/arm64/gic/gic.h"

#include "arch/arm64/memmap.h"

int its_create(struct gic *g, struct err *e)
{
	const uint64_t base = memmap[MM_GIC_ITS].base;
	int code;

	g->its_fd = kvm_create_device(g->kvm, KVM_DEV_TYPE_ARM_VGIC_ITS, "ITS", e);
	if (g->its_fd < 0)
		return g->its_fd;
	code = kvm_set_attr(g->its_fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_ITS_ADDR_TYPE, &base,
			    "ITS address", e);
	if (code == 0)
		code = kvm_set_attr(g->its_fd, KVM_DEV_ARM_VGIC_GRP_CTRL,
				    KVM_DEV_ARM_VGIC_CTRL_INIT, NULL, "ITS initialise", e);
	return code;
}

int its_reset(struct gic *g, struct err *e)
{
	return kvm_set_attr(g->its_fd, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_ITS_CTRL_RESET, NULL,
			    "ITS reset", e);
}
