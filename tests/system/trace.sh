# shellcheck shell=sh
# --trace: each exit, and who took it.

test_mmio_names_the_device_the_register_and_the_value() {
	run_vmm run --kernel "$LAB/kernel/bare-reset" --mem 64M --on-reset exit --trace mmio
	is "exit status" "$status" "$RESET"
	has "$T/err" '^vmm: trace: vCPU 0: MMIO write of 4 bytes at 0x09000030, pl011\+0x30: 0x301$'
	has "$T/err" '^vmm: trace: vCPU 0: MMIO read of 4 bytes at 0x09000018, pl011\+0x18: 0x9[07]$'
	# Every character that came out is a line of the trace.
	is "writes to the data register" \
		"$(grep -c 'write of 4 bytes at 0x09000000, pl011+0x0' "$T/err")" "$(wc -c <"$T/out")"
	lacks "$T/err" PSCI
}

test_psci_tells_what_ends_the_machine_and_nothing_else() {
	run_vmm run --kernel "$LAB/kernel/bare-off" --mem 64M --trace psci
	is "exit status" "$status" "$OFF"
	one_line=$(cat "$T/err")
	case $one_line in
	'vmm: trace: vCPU 0: PSCI SYSTEM_OFF, '*) ;;
	*) fail "$one_line" ;;
	esac
}

test_exits_tells_all() {
	run_vmm run --kernel "$LAB/kernel/bare-off" --mem 64M --trace exits
	is "exit status" "$status" "$OFF"
	has "$T/err" '^vmm: trace: vCPU 0: MMIO write'
	has "$T/err" '^vmm: trace: vCPU 0: PSCI SYSTEM_OFF'
}
