/* SPDX-License-Identifier: Apache-2.0 */
/* Devices that other processes serve: --vhost-user, --share; see vmm/config.h. */
#include "devices/virtio/vhost_user.h"
#include "vmm/base/text.h"
#include "vmm/config_parts.h"
#include "vmm/host/virtiofsd.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

bool config_shares_ram(const struct vm_config *c)
{
	return c->vhost_users.nr || c->shares.nr;
}

unsigned vhost_user_type(const struct vhost_user_config *c)
{
	static const struct {
		const char *name;
		unsigned type;
	} named[] = {
		{ "fs", VHOST_USER_FS },
		{ "net", VHOST_USER_NET },
		{ "blk", VHOST_USER_BLK },
	};
	uint64_t n;

	for (size_t i = 0; i < ARRAY_SIZE(named); i++)
		if (strcmp(c->type, named[i].name) == 0)
			return named[i].type;
	return text_u64(c->type, &n) && n <= VHOST_USER_MAX_TYPE ? (unsigned)n : 0;
}

int config_add_share(struct vm_config *c, const char *dir, const char *tag, bool ro, struct err *e)
{
	struct share_config *all = c->shares.at;
	struct share_config one = { .ro = ro, .sandbox = VIRTIOFSD_NAMESPACE };

	if (c->shares.nr == CONFIG_MAX_DISKS)
		return err_set(e, ENOSPC, "--share: there can be %d", CONFIG_MAX_DISKS);
	all = reallocarray(all, c->shares.nr + 1, sizeof(*all));
	if (all)
		c->shares.at = all;
	one.dir = strdup(dir);
	one.tag = strdup(tag);
	if (!all || !one.dir || !one.tag) {
		free(one.dir);
		free(one.tag);
		return err_set(e, ENOMEM, "out of memory");
	}
	all[c->shares.nr++] = one;
	return 0;
}

static int validate_tag(const char *option, const char *tag, struct err *e)
{
	if (strlen(tag) > VHOST_USER_FS_TAG)
		return err_set(e, EINVAL, "%s: tag: %s is longer than %d bytes", option,
			       text_quote(tag).s, VHOST_USER_FS_TAG);
	return 0;
}

static int validate_peer(const struct vhost_user_config *p, struct err *e)
{
	const unsigned type = vhost_user_type(p);
	const bool is_fs = type == VHOST_USER_FS;
	const bool known = is_fs || type == VHOST_USER_NET || type == VHOST_USER_BLK;

	if (!type)
		return err_set(
			e, EINVAL,
			"--vhost-user: type: %s is not fs, net, blk or a number from 1 to %d",
			text_quote(p->type).s, VHOST_USER_MAX_TYPE);
	if (is_fs != (p->tag != NULL))
		return err_set(e, EINVAL,
			       is_fs ? "--vhost-user: type=fs needs a tag=NAME to be mounted by"
				     : "--vhost-user: a tag is for type=fs alone; leave it out");
	if (known && p->config)
		return err_set(e, EINVAL,
			       "--vhost-user: config is for types by number; vmm knows the size "
			       "for type=%s",
			       p->type);
	return p->tag ? validate_tag("--vhost-user", p->tag, e) : 0;
}

/* Every tag of a file system is there once, so that the guest knows what it mounts. */
static int check_tags(const struct vm_config *c, struct err *e)
{
	const struct vhost_user_config *p = c->vhost_users.at;
	const struct share_config *s = c->shares.at;
	const size_t nr = c->vhost_users.nr + c->shares.nr;

	for (size_t i = 0; i < nr; i++) {
		const char *tag = i < c->vhost_users.nr ? p[i].tag : s[i - c->vhost_users.nr].tag;

		for (size_t j = 0; tag && j < i; j++) {
			const char *other =
				j < c->vhost_users.nr ? p[j].tag : s[j - c->vhost_users.nr].tag;

			if (other && strcmp(tag, other) == 0)
				return err_set(e, EINVAL, "--share: two have the tag %s",
					       text_quote(tag).s);
		}
	}
	return 0;
}

int validate_backends(const struct vm_config *c, struct err *e)
{
	const struct vhost_user_config *p = c->vhost_users.at;
	const struct share_config *s = c->shares.at;
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < c->vhost_users.nr; i++)
		ret = validate_peer(&p[i], e);
	for (size_t i = 0; ret == 0 && i < c->shares.nr; i++)
		ret = validate_tag("--share", s[i].tag, e);
	if (ret == 0 && config_shares_ram(c) && c->cpu.mte == FEATURE_ON)
		return err_set(
			e, EINVAL,
			"--%s: its memory is shared, and has no tags on most hosts; leave it "
			"or mte=on out",
			c->shares.nr ? "share" : "vhost-user");
	return ret ? ret : check_tags(c, e);
}
