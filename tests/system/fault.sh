# shellcheck shell=sh
# What the guest feels when nothing answers.

test_unclaimed_access_is_an_external_abort() {
	run_vmm run --kernel "$LAB/kernel/bare-abort" --mem 64M
	is "exit status" "$status" "$OFF"
	has "$T/text" '^aborts 4$'
	is "number of reports" "$(grep -c '^vmm: fault: vCPU 0 ' "$T/err")" 4
	has "$T/err" '^vmm: fault: vCPU 0 wrote 4 bytes to 0x0a000000, where nothing is\.$'
	has "$T/err" '^vmm: fault: vCPU 0 read 8 bytes from 0x09000000, where pl011 refuses '
	has "$T/err" '^vmm: faults: 4 in all'
}
