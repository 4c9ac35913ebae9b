/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/exits.h"

#include <inttypes.h>
#include <stdio.h>

void exits_explain(struct exits *x, enum exit_kind kind, uint64_t address, uint32_t size,
		   enum fault_access access)
{
	struct exit_record *last = &x->at[(x->count - 1) % EXITS_KEPT];

	if (x->count && last->kind == EXIT_REFUSED)
		*last = (struct exit_record){ address, size, (uint8_t)access, (uint8_t)kind };
}

static const char *verb(enum fault_access access)
{
	switch (access) {
	case FAULT_READ:
		return "read";
	case FAULT_WRITE:
		return "write";
	case FAULT_READ_WRITE:
		return "atomic operation";
	case FAULT_FETCH:
		return "fetch";
	case FAULT_ACCESS_COUNT:
		break;
	}
	return "access";
}

static void access_text(const struct exit_record *x, const char *what, const char *who, char *buf,
			size_t size)
{
	char bytes[32] = "";

	if (x->size)
		(void)snprintf(bytes, sizeof(bytes), " of %" PRIu32 " bytes", x->size);
	(void)snprintf(buf, size, "%s%s%s at 0x%08" PRIx64 ": %s", what,
		       verb((enum fault_access)x->access), bytes, x->address, who);
}

void exits_text(const struct exit_record *x, const struct space *s, char *buf, size_t size)
{
	const struct space_range *r = space_at(s, x->address);
	const char *who = r ? r->name : "nothing";

	switch ((enum exit_kind)x->kind) {
	case EXIT_MMIO:
		access_text(x, "MMIO ", who, buf, size);
		break;
	case EXIT_NISV:
		(void)snprintf(buf, size, "access without syndrome at 0x%08" PRIx64 ": %s",
			       x->address, who);
		break;
	case EXIT_REFUSED:
		(void)snprintf(buf, size, "access that the host does not let through");
		break;
	case EXIT_GUARD:
		access_text(x, "", who, buf, size);
		break;
	case EXIT_WALK:
		(void)snprintf(buf, size, "table walk at 0x%08" PRIx64 ": %s", x->address, who);
		break;
	case EXIT_WATCHED:
		(void)snprintf(buf, size, "access to a page that is watched");
		break;
	case EXIT_MEMORY:
		(void)snprintf(buf, size, "access to 0x%08" PRIx64 ": the host's memory failed",
			       x->address);
		break;
	}
}
