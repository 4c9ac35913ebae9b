/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/backends.h"

#include "vmm/base/scope.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static void up(void *ctx, int fd)
{
	struct backend *b = ctx;

	if (b->v)
		vhost_user_up(b->v, fd);
	else
		close_quietly(fd);
}

static void down(void *ctx, const char *why)
{
	struct backend *b = ctx;

	if (b->v)
		vhost_user_down(b->v, why);
}

static void again(void *ctx)
{
	struct backend *b = ctx;

	keeper_again(b->keeper, b->nr);
}

static int name_it(struct backend *b, const char *option, const char *what, struct err *e)
{
	if (asprintf(&b->name, "%s %s", option, what) < 0) {
		b->name = NULL;
		return err_set(e, ENOMEM, "out of memory");
	}
	b->setup.name = b->name;
	return 0;
}

static int start(struct backend *b, struct keeper *k, struct err *e)
{
	b->keeper = k;
	b->job.up = up;
	b->job.down = down;
	b->job.ctx = b;
	b->setup.again = again;
	b->setup.ctx = b;
	if (keeper_start(k, &b->job, &b->nr, &b->fd, e)) {
		b->fd = -1;
		return err_ctx(e, "%s", b->name);
	}
	return 0;
}

static int open_peer(struct backend *b, const struct vhost_user_config *c, struct keeper *k,
		     struct err *e)
{
	if (name_it(b, "--vhost-user", c->socket, e))
		return -e->code;
	b->job.kind = KEEPER_CONNECT;
	b->job.name = "vhost-user";
	b->job.path = c->socket;
	b->setup.type = vhost_user_type(c);
	b->setup.queues = c->queues;
	b->setup.tag = c->tag;
	b->setup.config_size = c->config;
	return start(b, k, e);
}

/* Its name from the root on: programs move elsewhere before they look. */
static int find_folder(struct backend *b, const struct share_config *c, struct err *e)
{
	struct stat st;

	b->dir = realpath(c->dir, NULL);
	if (!b->dir || stat(b->dir, &st) < 0)
		return err_sys(e, "--share %s", c->dir);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, ENOTDIR, "--share %s: not a folder", c->dir);
	return 0;
}

static int open_share(struct backend *b, const struct share_config *c,
		      const struct virtiofsd *program, struct keeper *k, struct err *e)
{
	if (find_folder(b, c, e) || name_it(b, "--share", c->dir, e))
		return -e->code;
	if (virtiofsd_args(&b->args, program, b->dir, c->ro, c->one_tree,
			   (enum virtiofsd_sandbox)c->sandbox, e))
		return err_ctx(e, "%s", b->name);
	b->job.kind = KEEPER_LISTEN;
	b->job.name = "virtiofsd";
	b->job.argv = b->args.words;
	b->setup.type = VHOST_USER_FS;
	b->setup.tag = c->tag;
	return start(b, k, e);
}

int backends_open(struct backends *b, const struct vm_config *c, struct keeper *k, struct err *e)
{
	const struct vhost_user_config *peer = c->vhost_users.at;
	const struct share_config *share = c->shares.at;
	const size_t nr = c->vhost_users.nr + c->shares.nr;
	int code = 0;

	*b = (struct backends){ .nr = 0 };
	if (nr == 0)
		return 0;
	b->at = calloc(nr, sizeof(*b->at));
	if (!b->at)
		return err_set(e, ENOMEM, "out of memory");
	for (; b->nr < nr; b->nr++)
		b->at[b->nr].fd = -1;
	if (c->shares.nr && virtiofsd_find(&b->program, e))
		return err_ctx(e, "--share");
	for (size_t i = 0; code == 0 && i < c->vhost_users.nr; i++)
		code = open_peer(&b->at[i], &peer[i], k, e);
	for (size_t i = 0; code == 0 && i < c->shares.nr; i++)
		code = open_share(&b->at[c->vhost_users.nr + i], &share[i], &b->program, k, e);
	return code;
}

struct virtio *backend_device(struct backend *b, struct gmem *mem, struct loop *l, struct err *e)
{
	int fd = keep_fd(&b->fd);

	b->v = vhost_user_create(&b->setup, fd, mem, l, e);
	/* Why it left is known by whoever started it. */
	if (!b->v && b->job.argv && e->code == ECONNRESET && keeper_ended(b->keeper, b->nr, e))
		(void)err_ctx(e, "%s", b->name);
	return b->v;
}

void backends_close(struct backends *b)
{
	for (size_t i = 0; i < b->nr; i++) {
		close_quietly(b->at[i].fd);
		virtiofsd_args_free(&b->at[i].args);
		free(b->at[i].name);
		free(b->at[i].dir);
	}
	free(b->at);
	*b = (struct backends){ .nr = 0 };
}
