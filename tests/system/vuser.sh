# shellcheck shell=sh
# Devices that other processes serve: a disk in QEMU's own format by qemu-storage-daemon.

shared_huge_pages

daemon() { # FILE FORMAT SOCKET [OPTION]
	_lib=$LAB/backends/c
	"$_lib/ld-linux-aarch64.so.1" --library-path "$_lib" "$_lib/qemu-storage-daemon" \
		--blockdev "driver=file,filename=$1,node-name=f" --blockdev "driver=$2,file=f,node-name=d" \
		--export "type=vhost-user-blk,id=e,node-name=d,addr.type=unix,addr.path=$3,writable=on${4:-}" \
		>"$T/daemon" 2>&1 &
	daemon=$!
	echo $daemon >>"$T/pids"
	_n=0
	until [ -S "$3" ]; do
		_n=$((_n + 1))
		[ $_n -lt 100 ] || fail "qemu-storage-daemon does not listen: $(cat "$T/daemon")"
		sleep 0.2
	done
}

# An empty disk of 64 MiB in the format qcow2, version 3, by its specification: header; a table of
# one cluster for what is used, which the first four are; and the table for the disk, of one entry.
qcow2() { # FILE
	be() { # BYTES HEX: as printf takes it
		printf "%0$(($1 * 2))x" "0x$2" | sed 's/../\\x&/g'
	}
	at() { # OFFSET HEX-OF-8-BYTES...
		_at=$1
		shift
		for _word; do
			# shellcheck disable=SC2059 # the format is the point
			printf "$(be 8 "$_word")" | dd of="$_file" bs=1 seek="$_at" conv=notrunc 2>/dev/null
			_at=$((_at + 8))
		done
	}
	_file=$1
	rm -f "$_file"
	truncate -s 262144 "$_file"
	# magic and version; no backing file; clusters of 2^16 bytes, 64 MiB; no encryption, one entry of L1;
	# L1 at 0x30000; the table of reference counts at 0x10000, one cluster; no snapshots; no features;
	# counts of 2^4 bits, 104 bytes of header
	at 0 514649fb00000003 0 10 4000000 1 30000 10000 100000000 0 0 0 0 400000068
	at 65536 20000
	at 131072 1000100010001
}

test_a_disk_in_another_format() {
	qcow2 disk.qcow2
	daemon "$PWD/disk.qcow2" qcow2 "$T/sock"
	guest_script <<-'SCRIPT'
		#!/bin/sh
		echo "size=$(blockdev --getsize64 /dev/vda)"
		head -c 8000000 /dev/urandom >/tmp/d
		dd if=/tmp/d of=/dev/vda bs=1M seek=20 conv=fsync 2>/dev/null && echo written
		echo 3 >/proc/sys/vm/drop_caches
		dd if=/dev/vda bs=1M skip=20 count=8 2>/dev/null | head -c 8000000 | cmp - /tmp/d && echo "reads what it wrote"
		echo "sum $(md5sum </dev/vda)"
		dmesg | grep -iE 'error|vda.*fail' && echo complaints
		true
	SCRIPT
	boots --vhost-user "type=blk,socket=$T/sock"
	has "$T/text" '^size=67108864'
	has "$T/text" '^reads what it wrote'
	lacks "$T/text" '^complaints'
	between "size of the file in KiB" "$(du -k disk.qcow2 | cut -f1)" 7800 9500
	kill "$daemon"
	wait "$daemon" || true
	# Another guest, and another process in between.
	before=$(sed -n 's/^sum //p' "$T/text")
	rm -f "$T/sock"
	daemon "$PWD/disk.qcow2" qcow2 "$T/sock"
	guest_script <<-'SCRIPT'
		#!/bin/sh
		echo "sum $(md5sum </dev/vda)"
	SCRIPT
	boots --vhost-user "type=blk,socket=$T/sock"
	is "what is on the disk" "$(sed -n 's/^sum //p' "$T/text")" "$before"
}
