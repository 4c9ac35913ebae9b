# shellcheck shell=sh
# How kicks, interrupts and acknowledgements travel: where KVM refuses to carry them, they are exits and
# ioctls, and the guest must not tell the difference; nor when it takes interrupts as levels.

# shellcheck source=/dev/null
. "$LAB/system/virtio.sh"

# Disks, ports and entropy at work; how $with starts vmm.
works() { # OPTION...
	head -c 1048576 /dev/urandom >a
	truncate -s 1M b
	head -c 100000 /dev/urandom >given
	guest_script <<-SCRIPT
		#!/bin/sh
		$PORT
		(head -c 100000 <\$(port in) | md5sum >/tmp/in) &
		echo "a=\$(md5sum </dev/vda | cut -d' ' -f1)"
		i=0
		while [ \$i -lt 16 ]; do # each waits for its own interrupt, and then for that of a flush
			dd if=/dev/vda of=/dev/vdb bs=16k count=1 skip=\$i seek=\$i conv=fsync 2>/dev/null || echo failed
			i=\$((i + 1))
		done
		dd if=/dev/vda of=/dev/vdb bs=256k skip=1 seek=1 conv=fsync 2>/dev/null || echo failed
		echo 3 >/proc/sys/vm/drop_caches
		cmp /dev/vda /dev/vdb && echo "b is the same"
		cat /dev/vda >\$(port out) && echo "all out"
		echo "entropy=\$(head -c 4096 /dev/hwrng | wc -c)"
		wait
		echo "in=\$(cut -d' ' -f1 </tmp/in)"
		grep -E 'virtio[0-9]' /proc/interrupts | grep -oE 'Edge|Level' | sort | uniq -c
		dmesg | grep -iE 'nobody cared|error|hung'
		true
	SCRIPT
	# shellcheck disable=SC2086 # words
	start $with vmm run -v --kernel "$kernel" --initrd "$initrd" --cmdline "console=ttyAMA0 $words" --rng \
		--disk a,ro,queues=2 --disk b,cache=writethrough --port out,to=file:sent --port "in,to=socket:$T/sock" "$@"
	connect "$T/sock"
	cat given >&8
	exec 8>&-
	wait_end
	is "exit status" "$status" "$OFF"
	has "$T/text" "^a=$(sum a)\$"
	has "$T/text" '^b is the same'
	has "$T/text" '^all out'
	has "$T/text" '^entropy=4096'
	has "$T/text" "^in=$(sum given)\$"
	lacks "$T/text" '^failed|nobody cared|rror|hung'
	cmp a b || fail "the host does not have what the guest wrote"
	cmp a sent || fail "the port's file is not what the guest wrote"
}

sum() { md5sum "$@" | cut -d' ' -f1; }

# What vmm says of each, and how often: once for each of the four devices.
refused() { # REGEX
	is "lines with '$1'" "$(grep -c "$1" "$T/err")" 4
}

KICKS='kicks come as exits: KVM_IOEVENTFD: No space left'
INTERRUPTS='interrupts without an eventfd: KVM_IRQFD: Invalid argument'
ACKS='acknowledgements come as exits: KVM_REGISTER_COALESCED_MMIO: No space left'

test_kvm_refuses_everything() {
	with='refuse ioeventfd irqfd coalesced --'
	works
	refused "$KICKS"
	refused "$INTERRUPTS"
	refused "$ACKS"
	has "$T/text" '^ *4 Edge'
}

test_kvm_refuses_one_of_them() {
	slow
	with='refuse ioeventfd --'
	works --cpus 2
	refused "$KICKS"
	lacks "$T/err" "$INTERRUPTS|$ACKS"
	with='refuse irqfd --'
	works --cpus 2
	refused "$INTERRUPTS"
	lacks "$T/err" "$KICKS|$ACKS"
	with='refuse coalesced --'
	works --cpus 2
	refused "$ACKS"
	lacks "$T/err" "$KICKS|$INTERRUPTS"
}

# The machine's own tree, but with the lines of virtio devices as levels: $T/level.dtb.
levels() {
	truncate -s 1M one two
	run_vmm run --kernel "$LAB/kernel/bare-off" --dump-dtb edge.dtb --rng --disk one --disk two --port out
	is "exit status" "$status" "$OFF"
	device_tree_compiler -q -I dtb -O dts -o edge.dts edge.dtb
	awk '/virtio_mmio@/ { on = 1 }
		on && /interrupts/ { n += sub(/0x01>/, "0x04>") }
		/}/ { on = 0 }
		{ print }
		END { exit n != 4 }' edge.dts >level.dts || fail "not the interrupts of four devices"
	device_tree_compiler -q -I dts -O dtb -o level.dtb level.dts
}

test_a_guest_that_takes_interrupts_as_levels() {
	slow
	levels
	with=
	works --dtb level.dtb
	has "$T/text" '^ *4 Level'
}

test_levels_where_kvm_refuses() {
	slow
	levels
	for with in 'refuse irqfd --' 'refuse coalesced --' 'refuse ioeventfd irqfd coalesced --'; do
		works --dtb level.dtb
		has "$T/text" '^ *4 Level'
	done
}
