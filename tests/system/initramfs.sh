# shellcheck shell=sh
# The initramfs that vmm makes: drivers of a distribution's kernel, and the program that goes on.

loads_drivers_before_the_initrd() { # VERSION
	package "$1"
	guest_script <<-'G'
		for m in virtio_mmio virtio_blk virtio_console virtio_rng; do
			[ ! -d /sys/module/$m ] || echo "has=$m"
		done
		[ ! -e /vmm/plan ] || echo "left behind: plan"
		[ ! -d /vmm/modules ] || echo "left behind: modules"
	G
	boots --modules "$LAB/package-$1"
	for m in virtio_mmio virtio_blk virtio_rng; do # the console can be built in
		has "$T/text" "^has=$m\$"
	done
	lacks "$T/text" '^left behind|^vmm-init:'
	is "what vmm says" "$(cat "$T/err")" ""
}

test_drivers_are_loaded_before_the_initrd() { loads_drivers_before_the_initrd 6.1; }
test_drivers_that_are_packed_are_loaded_too() { loads_drivers_before_the_initrd 6.12; }

test_compressed_initrd_comes_behind_the_drivers() {
	package 6.1
	guest_script <<-'G'
		echo "blk=$(ls -d /sys/module/virtio_blk)"
	G
	gzip -1 "$initrd"
	initrd=$initrd.gz
	boots --modules "$LAB/package-6.1"
	has "$T/text" '^blk=/sys/module/virtio_blk$'
}

test_root_goes_to_the_initrd_by_the_command_line() {
	package 6.1
	guest_script <<-'G'
		echo "cmdline=$(cat /proc/cmdline)"
	G
	boots --root /dev/sda2,rw
	has "$T/text" '^cmdline=console=ttyAMA0 quiet .*root=/dev/sda2 rw$'
}

test_root_that_does_not_come_is_said_and_a_panic() {
	slow
	package 6.1
	run_vmm run --kernel "$kernel" --root /dev/sda2 --cmdline "console=ttyAMA0 quiet panic=-1"
	has "$T/text" '^vmm-init: no /dev/sda2 after 10 s; the block devices here: none$'
	is "exit status" "$status" "$PANIC"
}

test_archive_is_there_again_after_a_reset() {
	slow
	package 6.1
	start vmm run --kernel "$kernel" --root /dev/sda2 --on-panic reboot \
		--cmdline "console=ttyAMA0 quiet panic=-1"
	wait_for '^vmm-init: no /dev/sda2'
	: >"$T/out"
	wait_for '^vmm-init: waiting for /dev/sda2'
	end_by_force
}

test_what_cannot_be_found_is_one_sentence() {
	package 6.1
	run_vmm run --kernel "$kernel" --root LABEL=nobody
	is "exit status" "$status" "$FAILED"
	one_sentence "--root: nothing on the disks has 'LABEL=nobody': there is nothing"
	run_vmm run --kernel "$kernel" --root vda1
	one_sentence '--root: there is no disk for vda1'
	run_vmm run --kernel "$kernel" --modules /nowhere
	is "exit status" "$status" "$FAILED"
	one_sentence '--modules: nothing would use them; add --root or --initrd'
	run_vmm run --kernel "$kernel" --modules /nowhere --initrd "$GUEST"
	one_sentence '--modules: /nowhere: No such file or directory'
	run_vmm run --kernel "$kernel" --root vda1 --cpu aarch32
	is "exit status" "$status" "$USAGE"
	one_sentence '--root: what vmm starts such a guest with is a 64-bit program'
}
