# shellcheck shell=sh
# The device tree, given out and taken in.

dump() { # FILE OPTION...
	file=$1
	shift
	run_vmm run --kernel "$LAB/kernel/bare-off" --mem 64M --dump-dtb "$file" "$@"
	is "exit status" "$status" "$OFF"
	[ -s "$file" ] || fail "no device tree in $file"
}

# dtc reads it back, and has nothing to say of it.
checked() { # DTB
	device_tree_compiler -I dtb -O dts -o "$T/dts" "$1" 2>"$T/dtc" || { cat "$T/dtc"; fail "dtc cannot read it"; }
	# A GICv3's redistributors and the like have no interrupt of their own; that check is about boards.
	grep -v 'interrupt_provider' "$T/dtc" >"$T/complaints" || true
	[ ! -s "$T/complaints" ] || { cat "$T/complaints"; fail "dtc complains"; }
}

test_dtc_accepts_the_tree() {
	dump "$T/dtb"
	checked "$T/dtb"
	has "$T/dts" 'compatible = "linux,dummy-virt"'
	has "$T/dts" 'stdout-path = '
	has "$T/dts" 'kaslr-seed = '
	has "$T/dts" 'rng-seed = '
	has "$T/dts" 'reg = <0x00 0x40000000 0x00 0x4000000>'
	has "$T/dts" 'compatible = "arm,psci-1.0'
}

test_dtc_accepts_the_tree_of_eight_cpus() {
	dump "$T/dtb" --cpus 8
	checked "$T/dtb"
	is "CPUs" "$(grep -c 'device_type = "cpu"' "$T/dts")" 8
}

each_irqchip() { # NAME CHECK COMPATIBLE
	[ "$(doctor "$2" ok)" = true ] || skip "this host's KVM has no $2"
	dump "$T/dtb" --irqchip "$1"
	checked "$T/dtb"
	has "$T/dts" "$3"
}

test_dtc_accepts_gicv3() { each_irqchip gicv3 gicv3 '"arm,gic-v3"'; }
test_dtc_accepts_gicv3_its() { each_irqchip gicv3-its gicv3-its '"arm,gic-v3-its"'; }
test_dtc_accepts_gicv2() { each_irqchip gicv2 gicv2 '"arm,(cortex-a15-gic|gic-400)'; }
test_dtc_accepts_gicv2m() { each_irqchip gicv2m gicv2 '"arm,gic-v2m-frame"'; }

test_own_tree_is_used() {
	dump "$T/dtb"
	device_tree_compiler -q -I dtb -O dts -o "$T/dts" "$T/dtb"
	# The generated tree, with one name changed and none of what vmm fills in.
	sed -e 's/model = .*;/model = "tree of my own";/' -e '/seed = /d' -e '/bootargs = /d' "$T/dts" >"$T/own.dts"
	grep -q 'tree of my own' "$T/own.dts" ||
		sed -i '0,/{/s/{/{ model = "tree of my own";/' "$T/own.dts"
	device_tree_compiler -q -I dts -O dtb -o "$T/own.dtb" "$T/own.dts"
	guest_script <<-'G'
		echo "model=$(tr -d '\0' </proc/device-tree/model)"
		echo "cmdline=$(cat /proc/cmdline)"
	G
	boots --mem 64M --dtb "$T/own.dtb"
	has "$T/text" '^model=tree of my own$'
	has "$T/text" '^cmdline=.*vmmtest=script'
}

test_dump_where_it_cannot_be_written() {
	run_vmm run --kernel "$LAB/kernel/bare-off" --mem 64M --dump-dtb "$T/nowhere/dtb"
	is "exit status" "$status" "$FAILED"
	has "$T/err" '^vmm: .*nowhere/dtb'
}
