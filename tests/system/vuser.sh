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
	slow
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

# Requests wait while nobody serves them, and the guest sees no error.
test_a_back_end_that_dies_and_comes_back() {
	slow
	truncate -s 64M disk
	daemon "$PWD/disk" raw "$T/sock"
	guest_script <<-'SCRIPT'
		#!/bin/sh
		i=0
		while [ $i -lt 100 ]; do
			head -c 65536 /dev/urandom >/tmp/d
			dd if=/tmp/d of=/dev/vda bs=64k seek=$i oflag=direct 2>/dev/null || echo "error $i"
			md5sum </tmp/d >>/tmp/sums
			i=$((i + 1))
			[ $i != 20 ] || echo "going on"
		done
		dd if=/dev/vda bs=64k count=100 iflag=direct 2>/dev/null >/tmp/all
		i=0
		while read -r sum; do
			[ "$(dd if=/tmp/all bs=64k skip=$i count=1 2>/dev/null | md5sum)" = "$sum" ] || echo "lost $i"
			i=$((i + 1))
		done </tmp/sums
		echo "compared $i"
		dmesg | grep -iE 'I/O error|vda.*fail' && echo complaints
		true
	SCRIPT
	start_guest --vhost-user "type=blk,socket=$T/sock"
	for n in 1 2; do
		[ $n = 2 ] || wait_for '^going on'
		kill -KILL "$daemon"
		wait "$daemon" 2>/dev/null || true
		rm -f "$T/sock"
		sleep 3
		daemon "$PWD/disk" raw "$T/sock"
		sleep 3
	done
	wait_end
	is "exit status" "$status" "$OFF"
	has "$T/err" '; requests wait until it is back'
	has "$T/err" 'it is back'
	has "$T/text" '^compared 100'
	lacks "$T/text" '^(error|lost|complaints)'
}

test_a_reset_with_requests_in_flight() {
	slow
	truncate -s 64M disk
	daemon "$PWD/disk" raw "$T/sock"
	guest_script <<-'SCRIPT'
		#!/bin/sh
		n=$(dd if=/dev/vda bs=512 count=1 iflag=direct 2>/dev/null | tr -dc 0-9)
		n=$((${n:-0} + 1))
		echo "boot $n"
		[ $n -lt 3 ] || exit 0
		echo $n | dd of=/dev/vda bs=512 count=1 conv=sync oflag=direct 2>/dev/null
		for i in 1 2 3 4; do dd if=/dev/zero of=/dev/vda bs=64k seek=$((i * 200)) count=200 2>/dev/null & done
		sleep 1
		echo b >/proc/sysrq-trigger
		sleep 100
	SCRIPT
	boots --vhost-user "type=blk,socket=$T/sock" --cpus 2
	has "$T/text" '^boot 3'
}
