/* SPDX-License-Identifier: Apache-2.0 */
/* What spans several fields of a configuration; see vmm/config.h. */
#include "vmm/config_parts.h"

#include "devices/virtio/console.h"
#include "vmm/base/text.h"
#include "vmm/command_wire.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <string.h>

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

enum chardev_kind config_console(const struct vm_config *c)
{
	const bool taken = c->hvc.kind == CHARDEV_STDIO || c->command.nr;

	return taken && c->con.kind == CHARDEV_STDIO ? CHARDEV_NULL
						     : (enum chardev_kind)c->con.kind;
}

static int validate_disks(const struct vm_config *c, struct err *e)
{
	const struct virtio_blk_config *d = c->disks.at;

	for (size_t i = 0; i < c->disks.nr; i++)
		if (d[i].serial && strlen(d[i].serial) > VIRTIO_BLK_SERIAL)
			return err_set(e, EINVAL, "--disk: serial: %s is longer than %d bytes",
				       text_quote(d[i].serial).s, VIRTIO_BLK_SERIAL);
	return 0;
}

static int validate_ports(const struct vm_config *c, struct err *e)
{
	const struct port_config *p = c->ports.at;
	bool stdio = c->hvc.kind == CHARDEV_STDIO || c->con.kind == CHARDEV_STDIO;

	for (size_t i = 0; i < c->ports.nr; i++) {
		if (strlen(p[i].name) > VIRTIO_CONSOLE_NAME)
			return err_set(e, EINVAL, "--port: %s is longer than %d bytes",
				       text_quote(p[i].name).s, VIRTIO_CONSOLE_NAME);
		for (size_t j = 0; j < i; j++)
			if (strcmp(p[i].name, p[j].name) == 0)
				return err_set(e, EINVAL, "--port: two are called %s",
					       text_quote(p[i].name).s);
		if (stdio && p[i].kind == CHARDEV_STDIO)
			return err_set(e, EINVAL,
				       "--port: %s cannot have stdio, which is a console's or "
				       "another port's; give it another to=",
				       text_quote(p[i].name).s);
		stdio |= p[i].kind == CHARDEV_STDIO;
	}
	return 0;
}

static int validate_command(const struct vm_config *c, struct err *e)
{
	const struct port_config *p = c->ports.at;

	if (c->command.nr == 0)
		return 0;
	if (!*c->command.at[0])
		return err_set(e, EINVAL, "the command behind -- is empty; write its name first");
	if (!c->root && !c->initrd)
		return err_set(
			e, EINVAL,
			"%s has to be on a file system of the guest; add --root, or --initrd",
			text_quote(c->command.at[0]).s);
	if (c->root && c->initrd)
		return err_set(e, EINVAL,
			       "a command runs in --root or in --initrd; leave one of them out");
	if (c->hvc.kind == CHARDEV_STDIO)
		return err_set(e, EINVAL, "--hvc: stdio is the command's; give hvc0 another place");
	for (size_t i = 0; i < c->ports.nr; i++) {
		if (p[i].kind == CHARDEV_STDIO)
			return err_set(e, EINVAL,
				       "--port: %s cannot have stdio, which is the command's; "
				       "give it another to=",
				       text_quote(p[i].name).s);
		if (strncmp(p[i].name, COMMAND_PORT_PREFIX, strlen(COMMAND_PORT_PREFIX)) == 0)
			return err_set(e, EINVAL,
				       "--port: names with " COMMAND_PORT_PREFIX
				       " in front are for the command; choose another than %s",
				       text_quote(p[i].name).s);
	}
	return 0;
}

static int validate_balloon(const struct vm_config *c, struct err *e)
{
	const struct virtio_balloon_config *b = c->balloon.at;

	if (c->balloon.nr == 0)
		return 0;
	if (b->size && b->from)
		return err_set(
			e, EINVAL,
			"--balloon: size=%s and from=%s contradict each other; leave one out",
			text_of_size(b->size).s, b->from);
	if (b->size >= c->mem)
		return err_set(e, EINVAL, "--balloon: %s is not less than --mem, which is %s",
			       text_of_size(b->size).s, text_of_size(c->mem).s);
	if (c->hugepages)
		return err_set(e, EINVAL,
			       "--balloon gives back memory, which --hugepages keeps for the "
			       "guest; leave one out");
	return 0;
}

static int validate_nets(const struct vm_config *c, struct err *e)
{
	const struct net_config *n = c->nets.at;

	for (size_t i = 0; i < c->nets.nr; i++) {
		if (net_config_check(&n[i], e))
			return err_ctx(e, "--net");
		if (n[i].vhost == NET_VHOST_ON && c->watches.nr)
			return err_set(e, EINVAL,
				       "--watch does not see what the host's kernel writes for "
				       "--net; leave vhost=on out");
	}
	return 0;
}

const struct virtio_vsock_config *config_vsock(const struct vm_config *c)
{
	return c->vsocks.nr ? c->vsocks.at : NULL;
}

static int validate_vsock(const struct vm_config *c, struct err *e)
{
	const struct virtio_vsock_config *v = config_vsock(c);

	if (!v)
		return 0;
	if (!v->cid)
		return err_set(e, EINVAL, "--vsock: cid is missing; write --vsock cid=3");
	if (v->uds && strlen(v->uds) > VIRTIO_VSOCK_PATH_MAX)
		return err_set(e, EINVAL,
			       "--vsock: uds: %s has %zu bytes; with _PORT behind it, a socket's "
			       "name has room for %d",
			       text_quote(v->uds).s, strlen(v->uds), VIRTIO_VSOCK_PATH_MAX);
	if (!v->uds && c->watches.nr)
		return err_set(e, EINVAL,
			       "--watch does not see what the host's kernel writes for --vsock; "
			       "give --vsock uds=PATH");
	return 0;
}

static int validate_devices(const struct vm_config *c, struct err *e)
{
	size_t devices = c->disks.nr + c->rng + (c->ports.nr || c->hvc.kind != CHARDEV_NONE) +
			 c->vhost_users.nr + c->shares.nr + (c->command.nr != 0) + c->balloon.nr +
			 c->nets.nr + c->vsocks.nr;
	int ret = validate_disks(c, e);

	if (ret || (ret = validate_ports(c, e)) || (ret = validate_backends(c, e)) ||
	    (ret = validate_balloon(c, e)) || (ret = validate_nets(c, e)) ||
	    (ret = validate_vsock(c, e)))
		return ret;
	if (devices > CONFIG_MAX_DISKS)
		return err_set(e, EINVAL, "%zu virtio devices are too many; there can be %d",
			       devices, CONFIG_MAX_DISKS);
	return 0;
}

/* A socket that vmm listens at: its name is removed by the keeper, since vmm cannot any more. */
static bool listens(const struct vm_config *c)
{
	const struct port_config *p = c->ports.at;

	for (size_t i = 0; i < c->ports.nr; i++)
		if (p[i].kind == CHARDEV_SOCKET)
			return true;
	return config_console(c) == CHARDEV_SOCKET || c->hvc.kind == CHARDEV_SOCKET;
}

bool config_needs_keeper(const struct vm_config *c)
{
	const struct virtio_vsock_config *v = config_vsock(c);
	const struct net_config *n = c->nets.at;

	for (size_t i = 0; i < c->nets.nr; i++)
		if (n[i].user || n[i].socket)
			return true;
	return (v && v->uds) || c->vhost_users.nr || c->shares.nr ||
	       (c->sandbox != SANDBOX_OFF && listens(c));
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
	if (c->cpu.aarch32 && (c->root || c->modules || c->command.nr))
		return err_set(e, EINVAL,
			       "%s: what vmm starts such a guest with is a 64-bit program; leave "
			       "aarch32 of --cpu out, or bring an --initrd",
			       c->root	    ? "--root"
			       : c->modules ? "--modules"
					    : "-- COMMAND");
	if ((ret = validate_cpu(&c->cpu, e)) || (ret = validate_lists(c, e)) ||
	    (ret = validate_devices(c, e)) || (ret = validate_command(c, e)))
		return ret;
	return c->pin ? validate_pin(c, e) : 0;
}
