/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/base/scope.h"
#include "vmm/host/keeper_private.h"

#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#define HEADER offsetof(struct keeper_message, text)

int keeper_send(int sock, struct keeper_message *m, int fd)
{
	struct iovec iov = { .iov_base = m, .iov_len = HEADER + m->len };
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { .space = { 0 } };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t sent;

	if (fd >= 0) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control.space);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	}
	do
		sent = sendmsg(sock, &msg, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

static int received_fd(struct msghdr *msg)
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	int fd = -1;

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(fd)))
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

int keeper_receive(int sock, struct keeper_message *m, int *fd)
{
	struct iovec iov = { .iov_base = m, .iov_len = sizeof(*m) };
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control.space),
	};
	ssize_t got;

	do
		got = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	while (got < 0 && errno == EINTR);
	*fd = got > 0 ? received_fd(&msg) : -1;
	if (got < 0)
		return errno == ECONNRESET ? -ENOTCONN : -errno;
	if (got == 0)
		return -ENOTCONN;
	if ((size_t)got >= HEADER && m->len == (size_t)got - HEADER &&
	    (m->len == 0 || m->text[m->len - 1] == '\0'))
		return 0;
	close_quietly(*fd);
	*fd = -1;
	return -EPROTO;
}
