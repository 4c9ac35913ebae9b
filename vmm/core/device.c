/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/core/device.h"

void device_init(struct device *d, const struct device_ops *ops, uint64_t base, uint64_t size)
{
	d->ops = ops;
	d->base = base;
	d->size = size;
	d->guest_errors = 0;
	mutex_init(&d->lock);
}

void device_reset(struct device *d)
{
	LOCK_SCOPE(&d->lock);
	if (d->ops->reset)
		d->ops->reset(d);
}

void device_destroy(struct device *d)
{
	if (d)
		d->ops->destroy(d);
}
