/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VMM_DEVICES_GICV2M_H
#define VMM_DEVICES_GICV2M_H

#include "vmm/base/err.h"
#include "vmm/core/device.h"

/*
 * A GICv2m frame that turns the message SPI number @first .. @first + @count - 1 into an edge on
 * that SPI. @pulse is called on the vCPU thread, with the device locked.
 */
struct device *gicv2m_create(uint64_t base, uint64_t size, uint32_t first, uint32_t count,
			     void (*pulse)(void *ctx, uint32_t spi), void *ctx,
			     struct err *e) MUST_CHECK;

#endif
