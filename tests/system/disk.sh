# shellcheck shell=sh
# Disks, with Linux's own drivers in the guest and files of this host under them.

# An image of SIZE bytes that is not all alike.
image() { # FILE MIB
	head -c "$(($2 << 20))" /dev/urandom >"$1"
}

sum() { md5sum "$@" | cut -d' ' -f1; }

test_content_is_the_image_s() {
	image a 8
	image b 4
	image c 4
	cp c c.before
	before=$(sum a)
	guest_script <<-'SCRIPT'
		#!/bin/sh
		for d in vda vdb vdc; do
			echo "$d size=$(blockdev --getsize64 /dev/$d) ro=$(blockdev --getro /dev/$d)" \
				"serial=$(cat /sys/block/$d/serial) cache=$(cat /sys/block/$d/queue/write_cache | tr ' ' -)" \
				"sum=$(md5sum </dev/$d | cut -d' ' -f1)"
		done
		head -c 65536 /dev/zero | tr '\0' x >/pattern
		dd if=/pattern of=/dev/vda bs=4096 seek=256 conv=fsync 2>/dev/null && echo "wrote vda"
		dd if=/pattern of=/dev/vdc bs=4096 seek=3 conv=fsync 2>/dev/null && echo "wrote vdc"
		echo 3 >/proc/sys/vm/drop_caches
		dd if=/dev/vdc bs=4096 skip=3 count=16 2>/dev/null | cmp - /pattern && echo "vdc has it"
		dd if=/pattern of=/dev/vdb bs=4096 conv=fsync 2>/dev/null || echo "vdb refused"
		dmesg | grep -iE 'error|warn' | grep -v 'vdb' && echo "complaints"
		true
	SCRIPT
	boots --disk a,serial=ABC-123 --disk path=b,ro,cache=writethrough --disk c,snapshot,queues=2 --cpus 2
	has "$T/text" "^vda size=8388608 ro=0 serial=ABC-123 cache=write-back sum=$before"
	has "$T/text" "^vdb size=4194304 ro=1 serial= cache=write-through sum=$(sum b)"
	has "$T/text" "^vdc size=4194304 ro=0 .* sum=$(sum c.before)"
	has "$T/text" '^wrote vda'
	has "$T/text" '^wrote vdc'
	has "$T/text" '^vdc has it'
	has "$T/text" '^vdb refused'
	lacks "$T/text" '^complaints'
	is "what was written" "$(dd if=a bs=4096 skip=256 count=16 2>/dev/null | tr -d x | wc -c)" 0
	cmp c c.before || fail "the image under a snapshot changed"
}

test_discard_frees_what_the_image_had() {
	image a 8
	sync
	guest_script <<-'SCRIPT'
		#!/bin/sh
		blkdiscard -o 1048576 -l 4194304 /dev/vda && echo discarded
		blkdiscard -z -o 6291456 -l 1048576 /dev/vda 2>/dev/null ||
			dd if=/dev/zero of=/dev/vda bs=1048576 seek=6 count=1 conv=fsync 2>/dev/null
	SCRIPT
	boots --disk a
	has "$T/text" '^discarded'
	is "size" "$(stat -c%s a)" 8388608
	is "discarded bytes that are not zero" "$(dd if=a bs=1048576 skip=1 count=4 2>/dev/null | tr -d '\0' | wc -c)" 0
	is "zeroed bytes that are not zero" "$(dd if=a bs=1048576 skip=6 count=1 2>/dev/null | tr -d '\0' | wc -c)" 0
	[ "$(du -k a | cut -f1)" -le 4352 ] || fail "the image still takes $(du -k a | cut -f1) KiB"
}

test_a_second_writer_is_refused() {
	image a 1
	words='quiet vmmtest=script'
	guest_script <<-'SCRIPT'
		#!/bin/sh
		echo up
		sleep 1000
	SCRIPT
	start_guest --disk a
	wait_for '^up'
	status=0
	vmm run --kernel "$IMAGE" --disk a >"$T/out2" 2>"$T/err2" || status=$?
	is "exit status" "$status" "$FAILED"
	has "$T/err2" '^vmm: disk a: another program has it open'
	is "lines" "$(wc -l <"$T/err2")" 1
	status=0
	vmm run --kernel "$IMAGE" --disk a,ro >"$T/out2" 2>"$T/err2" || status=$?
	is "exit status of a reader" "$status" "$FAILED"
	end_by_force
}

test_what_cannot_be_a_disk_is_one_sentence() {
	: >empty
	mkdir folder
	image a 1
	for d in missing empty folder a,queues=99 a,cache=fast 'a,frob=1' ro; do
		run_vmm run --kernel "$IMAGE" --disk "$d"
		[ "$status" = "$FAILED" ] || [ "$status" = "$USAGE" ] || fail "status $status for $d"
		one_sentence disk
	done
}

test_growing_while_running() {
	slow
	image a 4
	guest_script <<-'SCRIPT'
		#!/bin/sh
		echo "size=$(blockdev --getsize64 /dev/vda)"
		until [ "$(blockdev --getsize64 /dev/vda)" = 6291456 ]; do usleep 50000; done
		echo "size=$(blockdev --getsize64 /dev/vda)"
	SCRIPT
	start_guest --disk a
	wait_for '^size=4194304'
	truncate -s 6291456 a
	kill -USR1 "$pid"
	wait_end
	is "exit status" "$status" "$OFF"
	has "$T/text" '^size=6291456'
}

test_a_full_host_pauses_the_guest() {
	only_in_the_lab "it mounts a file system"
	mkdir small
	mount -t tmpfs -o size=4m tmp small
	truncate -s 8M small/a
	dd if=/dev/zero of=small/ballast bs=1M count=2 2>/dev/null
	guest_script <<-'SCRIPT'
		#!/bin/sh
		dd if=/dev/urandom of=/tmp/d bs=1M count=3 2>/dev/null
		dd if=/tmp/d of=/dev/vda bs=1M conv=fsync 2>/dev/null && echo "all written"
		echo 3 >/proc/sys/vm/drop_caches
		dd if=/dev/vda bs=1M count=3 2>/dev/null | cmp - /tmp/d && echo "all the same"
		dmesg | grep 'I/O error'
	SCRIPT
	start_guest --disk small/a
	wait_for 'no room on the host' "$T/err"
	sleep 2
	lacks "$T/out" '^all written'
	rm small/ballast
	wait_end
	umount small
	is "exit status" "$status" "$OFF"
	has "$T/err" 'there is room again'
	has "$T/text" '^all written'
	has "$T/text" '^all the same'
	lacks "$T/text" 'I/O error'
}

test_a_full_host_can_be_an_error() {
	slow
	only_in_the_lab "it mounts a file system"
	mkdir small
	mount -t tmpfs -o size=2m tmp small
	truncate -s 8M small/a
	guest_script <<-'SCRIPT'
		#!/bin/sh
		dd if=/dev/urandom of=/dev/vda bs=1M count=4 conv=fsync 2>/dev/null || echo "not written"
		dmesg | grep -c 'I/O error, dev vda'
	SCRIPT
	boots --disk small/a --on-enospc error
	umount small
	has "$T/text" '^not written'
	has "$T/text" '^[1-9]'
}

test_reset_with_requests_in_flight() {
	slow
	image a 4
	echo boot0 | dd of=count bs=1M conv=sync 2>/dev/null # a shell reads a line byte by byte
	guest_has blockcheck
	guest_script <<-'SCRIPT'
		#!/bin/sh
		read -r boots rest </dev/vda
		n=${boots#boot}
		echo "boot number $n"
		[ "$n" -lt 2 ] || exit 0
		echo "boot$((n + 1)) " | dd of=/dev/vda bs=512 conv=sync,fsync 2>/dev/null
		blockcheck write /dev/vdb 1 flush | head -n $((n * 20 + 1)) >/tmp/some &
		while :; do dd if=/dev/vdb of=/dev/null bs=64k 2>/dev/null; echo 1 >/proc/sys/vm/drop_caches; done &
		until [ -s /tmp/some ]; do usleep 1000; done
		reboot -f
	SCRIPT
	start_guest --disk count --disk a,queues=2 --cpus 2
	wait_for '^boot number 2'
	wait_end
	is "exit status" "$status" "$OFF"
	for n in 0 1 2; do
		has "$T/text" "^boot number $n"
	done
}

# Every slot has a disk, each found by its own content.
test_all_slots_at_once() {
	disks=''
	n=1
	while [ $n -le 32 ]; do
		echo "disk number $n" | dd of="d$n" bs=4096 conv=sync 2>/dev/null
		disks="$disks --disk d$n"
		n=$((n + 1))
	done
	guest_script <<-'SCRIPT'
		#!/bin/sh
		for d in $(cd /sys/block && echo vd*); do
			head -n1 /dev/$d
		done
		echo "$(ls /sys/bus/virtio/drivers/virtio_blk | grep -c ^virtio) disks"
	SCRIPT
	# shellcheck disable=SC2086 # words
	boots $disks
	has "$T/text" '^32 disks'
	n=1
	while [ $n -le 32 ]; do
		has "$T/text" "^disk number $n$"
		n=$((n + 1))
	done
	# shellcheck disable=SC2086 # words
	run_vmm run --kernel "$IMAGE" $disks --disk d1
	is "exit status with one more" "$status" "$USAGE"
	one_sentence 'disk'
}

# Writers that say what is safe, until vmm is killed; then all of that is in the image.
kill_in_the_middle() { # RUN flush|'' OPTIONS-OF-DISK
	guest_has blockcheck
	guest_script <<-SCRIPT
		#!/bin/sh
		blockcheck write /dev/vda $1 $2
	SCRIPT
	start_guest --disk "a,$3"
	wait_for '^confirmed 0 20'
	usleep $(($1 * 137 % 400))000
	_in=$(inner)
	kill -KILL "$pid"
	wait "$pid" || true
	while [ -d "/proc/$_in" ]; do sleep 0.01; done
	echo "kill $1 ($3):"
	blockcheck check a "$1" <"$T/out"
}

# The cache modes take turns, each with its own way to know what is safe. KILLS=100 (and a TEST_LIMIT of
# 1500) is for an evening.
test_kill_loses_nothing_that_was_flushed() {
	slow
	truncate -s 1M a
	run=1
	[ -z "${QUICK:-}" ] || : "${KILLS:=3}"
	while [ $run -le "${KILLS:-5}" ]; do
		case $((run % 5)) in
		1) kill_in_the_middle $run flush cache=writeback ;;
		2) kill_in_the_middle $run '' cache=writethrough,packed=off ;;
		3) kill_in_the_middle $run flush cache=writeback,aio=threads ;;
		4) kill_in_the_middle $run flush cache=writeback,queues=2,packed=off ;;
		0) kill_in_the_middle $run '' cache=writethrough,aio=threads ;;
		esac
		run=$((run + 1))
	done
}
