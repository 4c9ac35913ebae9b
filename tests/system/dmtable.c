/* dmtable NAME [TABLE]: makes the device-mapper device NAME with this table, or gives it another
 * one, and says its node. TABLE has lines "START LENGTH TARGET ARGS"; without it the device is
 * removed. */
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static union {
	struct dm_ioctl io;
	char bytes[16384];
} arg;
static int control;

static int dm(unsigned long what, const char *name, unsigned flags)
{
	arg.io.version[0] = DM_VERSION_MAJOR;
	arg.io.data_size = sizeof(arg);
	arg.io.data_start = sizeof(arg.io);
	arg.io.flags = flags;
	snprintf(arg.io.name, sizeof(arg.io.name), "%s", name);
	return ioctl(control, what, &arg);
}

/* The table's lines as specs, one behind the other. */
static unsigned targets(char *table)
{
	char *at = arg.bytes + sizeof(arg.io), *save;
	unsigned n = 0;

	for (char *line = strtok_r(table, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		struct dm_target_spec *t = (void *)at;
		unsigned long long start, length;
		char type[16], args[512] = "";

		if (sscanf(line, "%llu %llu %15s %511[^\n]", &start, &length, type, args) < 3)
			continue;
		t->sector_start = start;
		t->length = length;
		strcpy(t->target_type, type);
		strcpy(at + sizeof(*t), args);
		t->next = (unsigned)(sizeof(*t) + strlen(args) + 1 + 7) & ~7U;
		at += t->next;
		n++;
	}
	return n;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	char node[64];

	control = open("/dev/mapper/control", O_RDWR);
	if (control < 0 || argc < 2)
		return 1;
	if (argc == 2)
		return dm(DM_DEV_REMOVE, name, 0) ? 1 : 0;
	(void)dm(DM_DEV_CREATE, name, 0); /* it may be there */
	memset(&arg, 0, sizeof(arg));
	arg.io.target_count = targets(argv[2]);
	if (dm(DM_TABLE_LOAD, name, 0)) {
		perror("dmtable: table");
		return 1;
	}
	memset(&arg, 0, sizeof(arg));
	if (dm(DM_DEV_SUSPEND, name, DM_SUSPEND_FLAG | DM_NOFLUSH_FLAG | DM_SKIP_LOCKFS_FLAG))
		return 1;
	memset(&arg, 0, sizeof(arg));
	if (dm(DM_DEV_SUSPEND, name, 0))
		return 1;
	snprintf(node, sizeof(node), "/dev/dm-%u", minor((dev_t)arg.io.dev));
	puts(node);
	return 0;
}
