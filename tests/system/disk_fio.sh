# shellcheck shell=sh
# Disks under load: every byte of it is verified, by fio in the guest, by checksums on the host, and by
# file systems.

# What is verified: random writes of all sizes by each of a job's processes in its own part of the disk.
FIO='--direct=1 --rw=randwrite --bsrange=512-64k --verify=crc32c --verify_fatal=1 --ioengine=io_uring'
FIO="$FIO --iodepth=16 --fsync=16 --thread --gtod_reduce=1 --eta=never --minimal --output=/tmp/fio"

# The disks that $kernel verifies, all in one guest: 2 MiB each on a file system that knows direct I/O.
verified() { # OPTIONS-OF-A-DISK...
	only_in_the_lab "it mounts a file system"
	host_ext4 fs
	guest_script <<-SCRIPT
		#!/bin/sh
		for d in \$(cd /sys/block && echo vd*); do
			jobs=\$(ls /sys/block/\$d/mq | wc -l)
			/tools/fio --name=v --filename=/dev/\$d $FIO --numjobs=\$jobs --size=\$((2048 / jobs))k \\
				--offset_increment=\$((2048 / jobs))k || echo "fio failed on \$d"
			cut -c1-300 /tmp/fio | grep -i verify
			ring=\$(cut -c35 /sys/block/\$d/device/features)
			echo "\$d queues=\$jobs packed=\$ring cache=\$(tr ' ' - </sys/block/\$d/queue/write_cache)" \\
				"sum=\$(md5sum </dev/\$d | cut -d' ' -f1)"
		done
		dmesg | grep -iE 'error|virtio.*fail'
		true
	SCRIPT
	guest_has_tools
	disks=''
	n=0
	for o; do
		n=$((n + 1))
		truncate -s 2M "fs/d$n"
		disks="$disks --disk fs/d$n,$o"
	done
	# shellcheck disable=SC2086 # words
	boots $disks --cpus 4
	lacks "$T/text" 'fio failed|verify|rror'
	n=0
	for o; do
		n=$((n + 1))
		line=$(grep '^vd.* queues=' "$T/text" | sed -n "${n}p")
		is "image $n ($o)" "${line##*sum=}" "$(md5sum <"fs/d$n" | cut -d' ' -f1)"
		[ "${line##*sum=}" != "$(head -c 2097152 /dev/zero | md5sum | cut -d' ' -f1)" ] || fail "nothing was written"
		echo "$o: $line"
	done
	umount fs
}

# That the guest had what the options say.
had() { # N REGEX
	grep '^vd.* queues=' "$T/text" | sed -n "$1p" >"$T/line"
	has "$T/line" "$2"
}

test_both_rings_are_verified() {
	verified cache=writeback,queues=1,packed=on cache=none,queues=4,packed=off
	had 1 ' queues=1 packed=1 cache=write-back'
	had 2 ' queues=4 packed=0 cache=write-back'
}

# Both queue counts and both rings, of a cache mode.
all_of() { # CACHE
	slow
	limit=200
	verified "cache=$1,packed=on" "cache=$1,packed=off" "cache=$1,queues=4,packed=on" "cache=$1,queues=4,packed=off"
	had 1 ' queues=1 packed=1'
	had 2 ' queues=1 packed=0'
	had 3 ' queues=4 packed=1'
	had 4 ' queues=4 packed=0'
}

test_writeback_is_verified() {
	all_of writeback
	had 1 'cache=write-back'
}

test_writethrough_is_verified() {
	all_of writethrough
	had 1 'cache=write-through'
}

test_none_is_verified() {
	all_of none
	had 1 'cache=write-back'
}

test_threads_are_verified() {
	slow
	verified aio=threads,cache=writeback,queues=4 aio=threads,cache=writethrough aio=threads,cache=none
}

# With the guest kernels that are here, beside the usual one.
test_other_guest_kernels_are_verified() {
	slow
	found=''
	for kernel in "$LAB/kernel/Image-6.12" "$LAB/kernel/Image-7.2"; do
		[ -e "$kernel" ] || continue
		found=1
		verified cache=writeback,queues=4 cache=writethrough,packed=off cache=none
	done
	[ -n "$found" ] || skip "only one guest kernel is here"
}

# --- file systems ---------------------------------------------------------------------------------

# Makes, fills and checks an ext4; a second guest finds everything there.
fill_and_check() { # OPTIONS-OF-THE-DISK
	truncate -s 48M a
	guest_script <<-'SCRIPT'
		#!/bin/sh
		files() { cd /mnt && find . -type f | sort | xargs md5sum | md5sum | cut -d' ' -f1; cd /; }
		mkdir /mnt /etc
		: >/etc/mtab
		if mount -t ext4 /dev/vda /mnt 2>/dev/null; then
			echo "again=$(files)"
			rm -r /mnt/*
			sync
			fstrim /mnt && echo trimmed
			umount /mnt
			exit 0
		fi
		/tools/mke2fs -q -t ext4 /dev/vda && mount -t ext4 /dev/vda /mnt || exit 1
		i=0
		while mkdir /mnt/$i 2>/dev/null && cp /bin/busybox /mnt/$i/b 2>/dev/null &&
			head -c 100000 /dev/urandom >/mnt/$i/r 2>/dev/null; do
			i=$((i + 1))
		done
		echo "folders=$i used=$(df -P /mnt | awk 'END { print $5 }')"
		sync
		echo 3 >/proc/sys/vm/drop_caches
		echo "files=$(files)"
		umount /mnt
		/tools/e2fsck -fn /dev/vda >/tmp/fsck 2>&1 && echo "fsck clean" || cat /tmp/fsck
		dmesg | grep -iE 'error|corrupt'
		true
	SCRIPT
	guest_has_tools
	boots --disk "a,$1"
	has "$T/text" '^folders=[0-9]+ used=100%'
	has "$T/text" '^fsck clean'
	lacks "$T/text" 'rror|corrupt'
	sum=$(sed -n 's/^files=//p' "$T/text")
	tool e2fsck -fn a >"$T/fsck" 2>&1 || fail "the host finds errors: $(cat "$T/fsck")"
	full=$(du -k a | cut -f1)
	boots --disk "a,$1"
	has "$T/text" "^again=$sum$"
	has "$T/text" '^trimmed'
	between "KiB that are left after fstrim" "$(du -k a | cut -f1)" 1 $((full / 3))
	tool e2fsck -fn a >"$T/fsck" 2>&1 || fail "the host finds errors: $(cat "$T/fsck")"
}

test_file_system_is_filled_and_checked() {
	slow
	fill_and_check cache=writeback,queues=2
}

test_file_system_on_a_newer_guest() {
	slow
	kernel=$LAB/kernel/Image-7.2
	[ -e "$kernel" ] || kernel=$LAB/kernel/Image-6.12
	[ -e "$kernel" ] || skip "only one guest kernel is here"
	fill_and_check cache=writethrough,packed=off
}
