/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netload: TCP between a guest and its host, and what it costs the host.
 *
 *	netload serve PORT		on the host: for one guest after the other, until it is
 *killed netload ADDRESS PORT NAME to|from|rr BYTES COUNT in the guest: COUNT times BYTES to the
 *host or from it, or COUNT requests of BYTES, each answered by as many
 *
 * A quarter of COUNT goes first and does not count. The host prints "NAME VALUE" of each: the time
 * that its one CPU was busy, in nanoseconds, which with the lab's virtual clock are executed
 * instructions, of everything there: a mebibyte or a request. And "NAME-idle VALUE", a thousandth
 * of the time that it was not, which would be found in no figure.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK_MAX = 1 << 16, MEBIBYTE = 1 << 20 };

/* What the guest asks for, as both have the same byte order. */
struct job {
	char name[32], what[8];
	uint32_t bytes, count;
};

static char buffer[CHUNK_MAX];

_Noreturn static void die(const char *what)
{
	fprintf(stderr, "netload: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* How long CPUs have been idle; -1 when the kernel does not say. */
static int64_t idle_ns(void)
{
	long long sum = -1, v;
	char line[256];
	FILE *f = fopen("/proc/timer_list", "r");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, " .idle_sleeptime : %lld", &v) == 1)
			sum = sum < 0 ? v : sum + v;
	if (f)
		fclose(f);
	return sum;
}

/* False: the other side is done. */
static int read_all(int fd, void *to, size_t len)
{
	return recv(fd, to, len, MSG_WAITALL) == (ssize_t)len;
}

static void write_all(int fd, const void *from, size_t len)
{
	for (const char *at = from; len;) {
		ssize_t n = send(fd, at, len, MSG_NOSIGNAL);

		if (n < 0)
			die("send");
		at += n;
		len -= (size_t)n;
	}
}

static void stream_out(int fd, uint64_t len)
{
	while (len) {
		size_t n = len < CHUNK_MAX ? (size_t)len : CHUNK_MAX;

		write_all(fd, buffer, n);
		len -= n;
	}
}

static void stream_in(int fd, uint64_t len)
{
	while (len) {
		ssize_t n = recv(fd, buffer, len < CHUNK_MAX ? (size_t)len : CHUNK_MAX, 0);

		if (n <= 0)
			die("recv");
		len -= (uint64_t)n;
	}
}

/* --- each side of each job; what it ends with is a byte back, so all has arrived ---------------
 */

static void at_host(int fd, const struct job *j, uint32_t count)
{
	if (j->what[0] == 't') {
		stream_in(fd, (uint64_t)count * j->bytes);
		write_all(fd, buffer, 1);
	} else if (j->what[0] == 'f') {
		stream_out(fd, (uint64_t)count * j->bytes);
		stream_in(fd, 1);
	} else {
		for (; count; count--) {
			if (!read_all(fd, buffer, j->bytes))
				die("request");
			write_all(fd, buffer, j->bytes);
		}
	}
}

static void at_guest(int fd, const struct job *j, uint32_t count)
{
	if (j->what[0] == 't') {
		stream_out(fd, (uint64_t)count * j->bytes);
		stream_in(fd, 1);
	} else if (j->what[0] == 'f') {
		stream_in(fd, (uint64_t)count * j->bytes);
		write_all(fd, buffer, 1);
	} else {
		for (; count; count--) {
			write_all(fd, buffer, j->bytes);
			if (!read_all(fd, buffer, j->bytes))
				die("answer");
		}
	}
}

static void no_delay(int fd)
{
	const int one = 1;

	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)))
		die("TCP_NODELAY");
}

static void serve_one(int fd)
{
	int64_t idle, begin, end, idle_end, units;
	struct job j;

	no_delay(fd);
	if (!read_all(fd, &j, sizeof(j)) || j.bytes > CHUNK_MAX || !j.count)
		die("what is asked for");
	at_host(fd, &j, j.count / 4);
	idle = idle_ns();
	begin = now_ns();
	at_host(fd, &j, j.count);
	end = now_ns();
	idle_end = idle_ns();
	units = j.what[0] == 'r' ? j.count : (int64_t)j.count * j.bytes / MEBIBYTE;
	printf("%s %lld\n%s-idle %lld\n", j.name,
	       (long long)((end - begin - (idle_end - idle)) / units), j.name,
	       (long long)(1000 * (idle_end - idle) / (end - begin)));
	fflush(stdout);
}

static struct sockaddr_in address(const char *host, const char *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };

	if (!inet_aton(host, &a.sin_addr))
		die(host);
	return a;
}

static int serve(const char *port)
{
	struct sockaddr_in a = address("0.0.0.0", port);
	int l = socket(AF_INET, SOCK_STREAM, 0);
	const int one = 1;

	if (idle_ns() < 0)
		die("/proc/timer_list");
	if (setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(l, (struct sockaddr *)&a, sizeof(a)) || listen(l, 4))
		die("listen");
	for (;;) {
		int fd = accept(l, NULL, NULL);

		if (fd < 0)
			die("accept");
		serve_one(fd);
		close(fd);
	}
}

static int call(char **argv)
{
	struct sockaddr_in a = address(argv[0], argv[1]);
	struct job j = { .bytes = (uint32_t)atoi(argv[4]), .count = (uint32_t)atoi(argv[5]) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	snprintf(j.name, sizeof(j.name), "%s", argv[2]);
	snprintf(j.what, sizeof(j.what), "%s", argv[3]);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)))
		die("connect");
	no_delay(fd);
	write_all(fd, &j, sizeof(j));
	at_guest(fd, &j, j.count / 4);
	at_guest(fd, &j, j.count);
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	memset(buffer, 7, sizeof(buffer));
	if (argc == 3 && strcmp(argv[1], "serve") == 0)
		return serve(argv[2]);
	if (argc == 7)
		return call(argv + 1);
	fprintf(stderr, "usage: netload serve PORT | ADDRESS PORT NAME to|from|rr BYTES COUNT\n");
	return 2;
}
