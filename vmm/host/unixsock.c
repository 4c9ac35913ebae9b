/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/host/unixsock.h"

#include "vmm/base/scope.h"
#include "vmm/host/litter.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static_assert(UNIXSOCK_PATH_MAX == sizeof(((struct sockaddr_un *)0)->sun_path) - 1, "Linux's");

/*
 * Whether somebody listens at @a. Connecting as a datagram socket asks without being seen: a real
 * connection would take the first words of that VM's console.
 */
static bool is_live(const struct sockaddr_un *a)
{
	auto_fd int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return fd < 0 || connect(fd, (const struct sockaddr *)a, sizeof(*a)) == 0 ||
	       errno != ECONNREFUSED;
}

static int bind_path(int fd, const char *what, const struct sockaddr_un *a, struct err *e)
{
	struct stat st;

	if (bind(fd, (const struct sockaddr *)a, sizeof(*a)) == 0)
		return 0;
	if (errno != EADDRINUSE)
		return err_sys(e, "%s %s", what, a->sun_path);
	if (lstat(a->sun_path, &st) == 0 && !S_ISSOCK(st.st_mode))
		return err_set(e, EEXIST, "%s %s: exists and is not a socket", what, a->sun_path);
	if (is_live(a))
		return err_set(e, EADDRINUSE, "%s %s: another process listens there", what,
			       a->sun_path);
	if (unlink(a->sun_path) && errno != ENOENT)
		return err_sys(e, "%s %s: removing the stale one", what, a->sun_path);
	if (bind(fd, (const struct sockaddr *)a, sizeof(*a)))
		return err_sys(e, "%s %s", what, a->sun_path);
	return 0;
}

int unixsock_listen(struct unixsock *u, const char *what, const char *path, int backlog,
		    struct err *e)
{
	auto_fd int fd = -1;
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	*u = (struct unixsock){ .fd = -1, .path = path };
	if (strlen(path) > UNIXSOCK_PATH_MAX)
		return err_set(e, ENAMETOOLONG,
			       "%s %s: the path has %zu bytes, a socket's at most %d", what, path,
			       strlen(path), UNIXSOCK_PATH_MAX);
	memcpy(a.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_sys(e, "%s", what);
	if (bind_path(fd, what, &a, e))
		return -e->code;
	if (lstat(path, &u->made) || listen(fd, backlog)) {
		(void)err_sys(e, "%s %s", what, path);
		(void)unlink(path);
		return -e->code;
	}
	litter_made(path, &u->made);
	u->fd = keep_fd(&fd);
	return 0;
}

void unixsock_close(struct unixsock *u)
{
	if (u->fd < 0)
		return;
	litter_drop(u->path, &u->made);
	close_quietly(keep_fd(&u->fd));
}
