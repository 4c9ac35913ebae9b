/* powerkey: waits until the power key is pressed, then exits 0.
 * By the input event of gpio-keys; in a kernel without that driver (Debian's cloud kernels), by the
 * GPIO line that the key hangs on: line 3 of the PL061. */
#include <errno.h>
#include <fcntl.h>
#include <linux/gpio.h>
#include <linux/input.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define POWER_LINE 3

static int has_key(int fd, unsigned int key)
{
	unsigned char keys[KEY_MAX / 8 + 1] = { 0 };

	return ioctl(fd, EVIOCGBIT(EV_KEY, sizeof(keys)), keys) >= 0 &&
	       (keys[key / 8] >> (key % 8) & 1);
}

static int open_input(void)
{
	char path[32];

	for (int i = 0; i < 8; i++) {
		snprintf(path, sizeof(path), "/dev/input/event%d", i);
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0 && has_key(fd, KEY_POWER))
			return fd;
		if (fd >= 0)
			close(fd);
	}
	return -1;
}

static int wait_input(int fd)
{
	struct input_event ev;

	while (read(fd, &ev, sizeof(ev)) == (ssize_t)sizeof(ev))
		if (ev.type == EV_KEY && ev.code == KEY_POWER && ev.value == 1)
			return 0;
	return 1;
}

static int open_line(void)
{
	struct gpio_v2_line_request req = {
		.offsets = { POWER_LINE },
		.num_lines = 1,
		.consumer = "powerkey",
		.config.flags = GPIO_V2_LINE_FLAG_INPUT | GPIO_V2_LINE_FLAG_EDGE_RISING,
	};
	int chip = open("/dev/gpiochip0", O_RDWR | O_CLOEXEC);

	if (chip < 0 || ioctl(chip, GPIO_V2_GET_LINE_IOCTL, &req) < 0)
		return -1;
	close(chip);
	return req.fd;
}

static int wait_line(int fd)
{
	struct gpio_v2_line_event ev;

	return read(fd, &ev, sizeof(ev)) == (ssize_t)sizeof(ev) ? 0 : 1;
}

int main(void)
{
	int fd = open_input();

	if (fd >= 0) {
		puts("guest: power key by input event");
		fflush(stdout);
		return wait_input(fd);
	}
	fd = open_line();
	if (fd >= 0) {
		puts("guest: power key by gpio line");
		fflush(stdout);
		return wait_line(fd);
	}
	fprintf(stderr, "guest: no power key: %s\n", strerror(errno));
	return 1;
}
