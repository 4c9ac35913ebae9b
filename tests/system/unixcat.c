/* unixcat PATH: connects to a Unix socket; standard input goes there, what comes back to standard
 * output. Goes on receiving after the end of input, until the other side closes. */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	char buf[4096];
	ssize_t n;

	if (argc != 2 || strlen(argv[1]) >= sizeof(a.sun_path))
		return 2;
	strcpy(a.sun_path, argv[1]);
	if (connect(s, (struct sockaddr *)&a, sizeof(a)) < 0) {
		perror(argv[1]);
		return 1;
	}
	struct pollfd p[2] = { { .fd = s, .events = POLLIN }, { .fd = 0, .events = POLLIN } };
	for (;;) {
		poll(p, 2, -1);
		if (p[0].revents) {
			n = read(s, buf, sizeof(buf));
			if (n <= 0 || write(1, buf, (size_t)n) != n)
				return 0;
		}
		if (p[1].revents) {
			n = read(0, buf, sizeof(buf));
			if (n <= 0)
				p[1].fd = -1;
			else if (write(s, buf, (size_t)n) != n)
				return 0;
		}
	}
}
