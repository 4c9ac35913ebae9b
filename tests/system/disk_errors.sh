# shellcheck shell=sh
# What the host fails at under an image, as the guest sees it: device-mapper targets of the host make its
# disk bad and well again.

SECTORS=1024 # of the disk

# Gives the disk of the host a table: whole, or with errors from sector $1 on, $2 of them.
well() { node=$(dmtable under "0 $SECTORS linear /dev/ram0 0"); }
bad() {
	node=$(dmtable under "0 $1 linear /dev/ram0 0
$1 $2 error
$(($1 + $2)) $((SECTORS - $1 - $2)) linear /dev/ram0 $(($1 + $2))")
}
# vmm has ended; its last reference to the disk goes a moment later.
gone() {
	_n=0
	until dmtable under; do
		_n=$((_n + 1))
		[ $_n -lt 50 ] || fail "the disk is still in use"
		sleep 0.1
	done
}
dead() { node=$(dmtable under "0 $SECTORS error"); }

host_disk() {
	only_in_the_lab "it makes block devices"
	host_ram_disk
	for m in dax dm-mod dm-flakey; do
		host_module $m
	done
	dmtable under 2>/dev/null || true
	well
	dd if=/dev/urandom of="$node" bs=64k count=8 conv=fsync 2>/dev/null
}

sectors_are() { # the text's "bad" lines between two marks, FROM REGEX
	{ sed -n "/^mark $1\$/,/^bad end/p" "$T/text" | grep '^bad [0-9]' || true; } | tr '\n' ' ' >"$T/sectors"
	is "bad sectors ($1)" "$(cat "$T/sectors")" "$2"
}

# Exactly the sectors that are bad fail, in both directions, and no other once the disk is well.
bad_sectors() { # OPTIONS-OF-THE-DISK
	host_disk
	bad 67 3
	guest_has blockcheck
	guest_script <<-'SCRIPT'
		#!/bin/sh
		echo "mark reading"
		blockcheck bad /dev/vda read 128
		echo "mark writing"
		blockcheck bad /dev/vda write 128
		echo "mark now"
		read -r go
		echo "mark well"
		blockcheck bad /dev/vda read 128
		echo "mark written"
		blockcheck bad /dev/vda write 128
		dmesg | grep -o 'vda, sector [0-9]*' | sort -u
	SCRIPT
	start_guest --disk "$node,$1"
	wait_for '^mark now'
	well
	echo go >&7
	wait_end
	gone
	is "exit status" "$status" "$OFF"
	sectors_are reading 'bad 67-69 '
	sectors_are writing 'bad 67-69 '
	sectors_are well ''
	sectors_are written ''
	is "sectors that the guest's kernel complained of" "$(grep '^vda, sector' "$T/text" | tr '\n' ' ')" \
		'vda, sector 67 vda, sector 68 vda, sector 69 '
}

test_bad_sectors_are_those_of_the_host() { bad_sectors cache=none; }

test_bad_sectors_with_threads_and_queues() {
	slow
	bad_sectors cache=none,aio=threads,queues=4,packed=off
}

# With the page cache of the host, a write that cannot be kept is told by the flush; and as what it held is
# lost then, later flushes fail too, however well the disk is.
test_a_failed_flush_stays_failed() {
	host_disk
	guest_script <<-'SCRIPT'
		#!/bin/sh
		flush() { dd if=/tmp/d of=/dev/vda bs=64k seek=$1 conv=fsync 2>/dev/null; }
		head -c 65536 /dev/urandom >/tmp/d
		flush 1 && echo "flush when well: fine"
		echo "now dead"
		read -r go
		flush 2 || echo "flush when dead: failed"
		echo "now well"
		read -r go
		flush 3 || echo "flush when well again: failed"
		echo 3 >/proc/sys/vm/drop_caches
		dd if=/dev/vda bs=64k skip=3 count=1 2>/dev/null | cmp - /tmp/d && echo "a write when well again: fine"
	SCRIPT
	start_guest --disk "$node"
	wait_for '^now dead'
	dead
	echo go >&7
	wait_for '^now well'
	well
	echo go >&7
	wait_end
	gone
	is "exit status" "$status" "$OFF"
	has "$T/text" '^flush when well: fine'
	has "$T/text" '^flush when dead: failed'
	has "$T/text" '^flush when well again: failed'
	has "$T/text" '^a write when well again: fine'
}

# A write that must be safe when it is done fails by itself.
test_a_write_through_a_dead_disk_fails() {
	slow
	host_disk
	guest_has blockcheck
	guest_script <<-'SCRIPT'
		#!/bin/sh
		echo "now dead"
		read -r go
		dd if=/dev/zero of=/dev/vda bs=4096 count=1 seek=9 conv=fsync 2>/dev/null || echo "write: failed"
		dd if=/dev/vda of=/dev/null bs=4096 count=1 skip=99 2>/dev/null || echo "read: failed"
		echo "now well"
		read -r go
		dd if=/dev/vda of=/dev/null bs=4096 count=1 skip=99 2>/dev/null && echo "read: fine"
	SCRIPT
	start_guest --disk "$node,cache=writethrough"
	wait_for '^now dead'
	dead
	echo 3 >/proc/sys/vm/drop_caches
	echo go >&7
	wait_for '^now well'
	well
	echo go >&7
	wait_end
	gone
	is "exit status" "$status" "$OFF"
	has "$T/text" '^write: failed'
	has "$T/text" '^read: failed'
	has "$T/text" '^read: fine'
}

# A disk that comes and goes under a load: some requests fail, each says so, and the machine lives on.
test_a_flaky_disk() {
	slow
	host_disk
	node=$(dmtable under "0 $SECTORS flakey /dev/ram0 0 2 1")
	guest_script <<-'SCRIPT'
		#!/bin/sh
		/tools/fio --name=v --filename=/dev/vda --direct=1 --rw=randrw --bs=4k --size=512k --ioengine=io_uring \
			--iodepth=16 --time_based --runtime=8 --continue_on_error=all --output=/tmp/fio
		grep -o 'err=.*' /tmp/fio
		dmesg | grep -c 'I/O error, dev vda'
		read -r go
		/tools/fio --name=v --filename=/dev/vda --direct=1 --rw=randwrite --bs=4k --size=512k --ioengine=io_uring \
			--iodepth=16 --verify=crc32c --verify_fatal=1 --output=/tmp/fio && echo "well again"
	SCRIPT
	guest_has_tools
	start_guest --disk "$node,cache=none,queues=2" --cpus 2
	wait_for '^[0-9]+.?$'
	well
	echo go >&7
	wait_end
	gone
	is "exit status" "$status" "$OFF"
	has "$T/text" '^[1-9][0-9]*$'
	has "$T/text" '^well again'
}

# --- what a flush does on the host ----------------------------------------------------------------

flushes() { awk '{ print $16 }' "/sys/block/${1#/dev/}/stat"; }

# The host's disk is told to flush when the guest is promised that what it wrote is safe: each time with a
# cache that writes back, with each write if it writes through, and never when the guest asks for nothing.
flushes_of() { # OPTIONS HOW-THE-GUEST-WRITES
	truncate -s 4M file
	loop=$(losetup -f)
	losetup "$loop" file
	guest_script <<-SCRIPT
		#!/bin/sh
		i=0
		while [ \$i -lt 10 ]; do
			i=\$((i + 1))
			dd if=/dev/zero of=/dev/vda bs=4096 seek=\$i count=1 $2 2>/dev/null
		done
	SCRIPT
	before=$(flushes "$loop")
	boots --disk "$loop,$1"
	count=$(($(flushes "$loop") - before))
	losetup -d "$loop"
}

test_flushes_reach_the_host_s_disk() {
	only_in_the_lab "it makes block devices"
	host_module loop
	flushes_of cache=writeback conv=fsync
	between "flushes of writeback" "$count" 10 40
	flushes_of cache=writethrough conv=fsync
	between "flushes of writethrough" "$count" 10 40
}

test_flushes_with_direct_io() {
	slow
	only_in_the_lab "it makes block devices"
	host_module loop
	flushes_of cache=none conv=fsync
	between "flushes of none" "$count" 10 40
	flushes_of cache=writethrough,aio=threads conv=fsync
	between "flushes of writethrough with threads" "$count" 10 40
	flushes_of cache=writeback,snapshot conv=fsync
	is "flushes of a snapshot" "$count" 0
}
