/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/enospc.h"

#include "vmm/base/log.h"

#include <stdio.h>
#include <string.h>

/* Loop thread: the vCPUs are held while somebody waits. */
static void look(struct call *c)
{
	struct enospc *s = container_of(c, struct enospc, call);
	char name[sizeof(s->name)];
	unsigned waiting;

	mutex_lock(&s->lock);
	waiting = s->waiting;
	memcpy(name, s->name, sizeof(name));
	mutex_unlock(&s->lock);

	if (waiting && !s->held) {
		log_warn("disk %s: no room on the host; the guest stands still until there is",
			 name);
		vcpus_hold(s->vcpus);
		s->held = true;
	} else if (!waiting && s->held) {
		log_warn("disk %s: there is room again; the guest goes on", name);
		vcpus_release(s->vcpus);
		s->held = false;
	}
}

void enospc_init(struct enospc *s, struct loop *l, struct vcpus *v)
{
	*s = (struct enospc){ .loop = l, .vcpus = v, .call = { .fn = look } };
	mutex_init(&s->lock);
}

void enospc_tell(struct enospc *s, const char *name, bool full)
{
	mutex_lock(&s->lock);
	s->waiting += full ? 1 : -1U;
	(void)snprintf(s->name, sizeof(s->name), "%s", name);
	mutex_unlock(&s->lock);
	loop_post(s->loop, &s->call);
}

void enospc_done(struct enospc *s)
{
	if (!s->loop)
		return;
	loop_unpost(s->loop, &s->call);
	mutex_destroy(&s->lock);
}
