// SPDX-License-Identifier: Apache-2.0
/*
 * vsockpeer: both ends of many connections at once, on the host and in a guest.
 *
 *   vsockpeer serve ADDRESS                          until it is killed; says "serving" at first
 *   vsockpeer call ADDRESS COUNT AT-ONCE BYTES [slow|abort]
 *
 * ADDRESS: vsock:CID:PORT (to serve: vsock:PORT), unix:PATH, or uds:PATH:PORT, which says "CONNECT
 * PORT". Who calls sends 8 bytes that say what follows, and BYTES bytes, and ends that direction;
 * who serves checks them to the end, and only then answers with as many others, and closes. slow:
 * who serves waits before it reads. abort: who calls closes in the middle, without reading.
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/vm_sockets.h> /* wants sys/socket.h */

static const char *where;
static char how;
static unsigned count, bytes;
static unsigned next, failed, done;

static int say(const char *what)
{
	fprintf(stderr, "vsockpeer: %s: %s: %s\n", where, what, strerror(errno));
	return -1;
}

/* --- addresses --- */

static int of_vsock(bool serve, const char *rest)
{
	struct sockaddr_vm a = { .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY };
	const struct timeval patience = { .tv_sec =
						  60 }; /* the two seconds of Linux are few here */
	int fd = socket(AF_VSOCK, SOCK_STREAM, 0);

	if (fd < 0)
		return say("socket");
	if (serve) {
		a.svm_port = (unsigned)strtoul(rest, NULL, 0);
		if (bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 1024))
			return say("listen");
		return fd;
	}
	(void)setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &patience, sizeof(patience));
	a.svm_cid = (unsigned)strtoul(rest, NULL, 0);
	a.svm_port = (unsigned)strtoul(strchr(rest, ':') + 1, NULL, 0);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a))) {
		(void)say("connect");
		(void)close(fd);
		return -1;
	}
	return fd;
}

static int of_unix(bool serve, const char *path, size_t len)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd < 0 || len >= sizeof(a.sun_path))
		return say("socket");
	memcpy(a.sun_path, path, len);
	if (serve) {
		(void)unlink(a.sun_path);
		if (bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 1024))
			return say("listen");
	} else if (connect(fd, (struct sockaddr *)&a, sizeof(a))) {
		(void)say("connect");
		(void)close(fd);
		return -1;
	}
	return fd;
}

/* As a microVM monitor has it: the guest's port by a line. */
static int of_uds(const char *rest)
{
	const char *port = strrchr(rest, ':');
	char line[64], *at = line;
	int fd = of_unix(false, rest, (size_t)(port - rest));

	if (fd < 0)
		return -1;
	(void)dprintf(fd, "CONNECT %s\n", port + 1);
	do {
		if (at == line + sizeof(line) || read(fd, at, 1) != 1) {
			errno = ECONNREFUSED;
			(void)say("no answer to CONNECT");
			(void)close(fd);
			return -1;
		}
	} while (*at++ != '\n');
	if (memcmp(line, "OK ", 3) != 0) {
		errno = EPROTO;
		return say(line);
	}
	return fd;
}

static int of(bool serve)
{
	if (strncmp(where, "vsock:", 6) == 0)
		return of_vsock(serve, where + 6);
	if (strncmp(where, "unix:", 5) == 0)
		return of_unix(serve, where + 5, strlen(where + 5));
	return of_uds(where + 4);
}

/* --- data --- */

struct head {
	uint32_t seed, bytes;
	uint8_t slow, pad[3];
};

struct stream {
	uint32_t x;
};

static void fill(struct stream *s, unsigned char *to, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		s->x = s->x * 1664525u + 1013904223u;
		to[i] = (unsigned char)(s->x >> 24);
	}
}

static bool send_all(int fd, uint32_t seed, uint32_t len)
{
	unsigned char b[16384];
	struct stream s = { seed };

	while (len) {
		size_t n = len < sizeof(b) ? len : sizeof(b), at = 0;

		fill(&s, b, n);
		while (at < n) {
			ssize_t k = send(fd, b + at, n - at, MSG_NOSIGNAL);

			if (k <= 0)
				return say("send"), false;
			at += (size_t)k;
		}
		len -= (uint32_t)n;
	}
	return true;
}

/* To the end, which comes after exactly @len bytes. */
static bool check_all(int fd, uint32_t seed, uint32_t len)
{
	unsigned char b[16384], want[16384];
	struct stream s = { seed };
	uint32_t got = 0;

	for (;;) {
		ssize_t n = recv(fd, b, sizeof(b), 0);

		if (n < 0)
			return say("recv"), false;
		if (n == 0)
			break;
		fill(&s, want, (size_t)n);
		got += (uint32_t)n;
		if (got > len || memcmp(b, want, (size_t)n) != 0) {
			errno = EBADMSG;
			return say("other bytes than were sent"), false;
		}
	}
	if (got != len) {
		fprintf(stderr, "vsockpeer: %s: %u bytes instead of %u\n", where, got, len);
		return false;
	}
	return true;
}

/* --- who serves --- */

static void *serve_one(void *arg)
{
	int fd = (int)(intptr_t)arg;
	struct head h;

	if (recv(fd, &h, sizeof(h), MSG_WAITALL) == (ssize_t)sizeof(h)) {
		if (h.slow)
			(void)sleep(2);
		if (check_all(fd, h.seed, h.bytes))
			(void)send_all(fd, ~h.seed, h.bytes);
	}
	(void)close(fd);
	return NULL;
}

static pthread_attr_t small;

static int serve(void)
{
	int fd = of(true);

	if (fd < 0)
		return 1;
	printf("serving\n");
	(void)fflush(stdout);
	for (;;) {
		int c = accept(fd, NULL, NULL);
		pthread_t t;

		if (c < 0) {
			(void)say("accept");
			(void)usleep(100000);
			continue;
		}
		while (pthread_create(&t, &small, serve_one, (void *)(intptr_t)c))
			(void)usleep(10000);
		(void)pthread_detach(t);
	}
}

/* --- who calls --- */

static bool call_one(unsigned i)
{
	const struct head h = { .seed = i * 2654435761u + 1, .bytes = bytes, .slow = how == 's' };
	int fd = of(false);
	bool ok;

	if (fd < 0)
		return false;
	ok = send(fd, &h, sizeof(h), MSG_NOSIGNAL) == (ssize_t)sizeof(h);
	if (how == 'a') {
		(void)send_all(fd, h.seed, bytes / 2);
		(void)close(fd);
		return ok;
	}
	ok = ok && send_all(fd, h.seed, bytes);
	if (ok && shutdown(fd, SHUT_WR))
		ok = say("shutdown") == 0;
	ok = ok && check_all(fd, ~h.seed, bytes);
	(void)close(fd);
	return ok;
}

static void *caller(void *arg)
{
	for (;;) {
		unsigned i = __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED);

		if (i >= count)
			return arg;
		if (call_one(i))
			(void)__atomic_fetch_add(&done, 1, __ATOMIC_RELAXED);
		else
			(void)__atomic_fetch_add(&failed, 1, __ATOMIC_RELAXED);
	}
}

static int call(unsigned at_once)
{
	pthread_t *t = calloc(at_once, sizeof(*t));
	unsigned n = 0;

	for (; n < at_once; n++)
		if (pthread_create(&t[n], &small, caller, NULL))
			break;
	while (n)
		(void)pthread_join(t[--n], NULL);
	free(t);
	printf("%u connections well, %u failed\n", done, failed);
	return failed || done != count;
}

int main(int argc, char **argv)
{
	struct rlimit files = { 4096, 4096 };

	(void)setrlimit(RLIMIT_NOFILE, &files);
	(void)pthread_attr_init(&small);
	(void)pthread_attr_setstacksize(&small, 128 * 1024);
	where = argc > 2 ? argv[2] : "";
	if (argc == 3 && strcmp(argv[1], "serve") == 0)
		return serve();
	if (argc < 6 || strcmp(argv[1], "call") != 0) {
		fprintf(stderr,
			"usage: vsockpeer serve ADDRESS | call ADDRESS COUNT AT-ONCE BYTES\n");
		return 2;
	}
	count = (unsigned)strtoul(argv[3], NULL, 0);
	bytes = (unsigned)strtoul(argv[5], NULL, 0);
	how = argc > 6 ? *argv[6] : '\0';
	return call((unsigned)strtoul(argv[4], NULL, 0));
}
