/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/consoles.h"

#include "vmm/base/log.h"

#include <errno.h>
#include <stdlib.h>

/* @name: the option, and which of them: what vmm says of it begins with that. */
static struct chardev *open_one(struct consoles *s, enum chardev_kind kind, const char *path,
				const char *name, const struct chardev_commands *commands,
				struct loop *l, struct err *e)
{
	struct chardev *c = chardev_open(kind, path, commands, l, e);

	if (!c)
		(void)err_ctx(e, "%s", name);
	else if (kind == CHARDEV_PTY)
		log_line(LOG_ERROR, "%s: %s", name, chardev_name(c));
	else if (kind == CHARDEV_STDIO)
		s->stdio = c;
	return c;
}

static int open_ports(struct consoles *s, const struct vm_config *c,
		      const struct chardev_commands *commands, struct loop *l, struct err *e)
{
	const struct port_config *p = c->ports.at;

	if (c->ports.nr == 0)
		return 0;
	s->ports = calloc(c->ports.nr, sizeof(s->ports[0]));
	if (!s->ports)
		return err_set(e, ENOMEM, "out of memory");
	for (; s->nr_ports < c->ports.nr; s->nr_ports++, p++) {
		char name[80];

		(void)snprintf(name, sizeof(name), "port %.64s", p->name);
		s->ports[s->nr_ports] =
			open_one(s, (enum chardev_kind)p->kind, p->path, name, commands, l, e);
		if (!s->ports[s->nr_ports])
			return -e->code;
	}
	return 0;
}

int consoles_open(struct consoles *s, const struct vm_config *c,
		  const struct chardev_commands *commands, struct loop *l, struct err *e)
{
	enum chardev_kind hvc = (enum chardev_kind)c->hvc.kind;

	s->serial = open_one(s, config_console(c), c->con.path, "console", commands, l, e);
	if (!s->serial)
		return -e->code;
	/* A console device has an hvc0, whether it is wanted or only ports are. */
	if (hvc == CHARDEV_NONE && c->ports.nr)
		hvc = CHARDEV_NULL;
	if (hvc == CHARDEV_NONE)
		return 0;
	s->hvc = open_one(s, hvc, c->hvc.path, "hvc", commands, l, e);
	return s->hvc ? open_ports(s, c, commands, l, e) : -e->code;
}

void consoles_close(struct consoles *s)
{
	while (s->nr_ports)
		chardev_close(s->ports[--s->nr_ports]);
	free(s->ports);
	chardev_close(s->hvc);
	chardev_close(s->serial);
	*s = (struct consoles){ .serial = NULL };
}

size_t consoles_recent(const struct consoles *s, void *to, size_t len)
{
	size_t n = chardev_recent(s->serial, to, len);

	if (s->hvc)
		n += chardev_recent(s->hvc, (char *)to + n, len - n);
	return n;
}

void consoles_forget_recent(const struct consoles *s)
{
	chardev_forget_recent(s->serial);
	if (s->hvc)
		chardev_forget_recent(s->hvc);
}
