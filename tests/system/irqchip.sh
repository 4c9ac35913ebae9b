# shellcheck shell=sh
# Interrupt controllers: each that the host's KVM offers, and a sentence for the others.

needs() { # CHECK
	[ "$(doctor "$1" ok)" = true ] || skip "this host's KVM has no $1"
}

driver() { # REGEX
	section log >"$T/log.guest"
	has "$T/log.guest" "$1"
	section warnings >"$T/warnings"
	lacks "$T/warnings" '[Gg][Ii][Cc]|[Ii][Rr][Qq]'
}

test_gicv3() {
	slow
	needs gicv3
	facts --irqchip gicv3 --cpus 2
	driver 'GICv3: CPU0: found redistributor 0'
	section interrupts | grep -q 'GICv3' || fail "no GICv3 in /proc/interrupts"
	section tree >"$T/tree"
	lacks "$T/tree" 'its@|msi-controller@'
}

test_gicv3_its() {
	needs gicv3-its
	facts --irqchip gicv3-its --cpus 2
	driver 'ITS \[mem 0x0*8080000-0x0*809ffff\]'
	section interrupts | grep -q 'GICv3' || fail "no GICv3 in /proc/interrupts"
}

test_gicv2() {
	needs gicv2
	facts --irqchip gicv2 --cpus 2
	section interrupts | grep -qE 'GICv2|GIC-0' || fail "no GICv2 in /proc/interrupts"
	section tree >"$T/tree"
	lacks "$T/tree" 'v2m@'
}

test_gicv2m() {
	needs gicv2
	facts --irqchip gicv2m --cpus 2
	driver 'GICv2m: '
	section interrupts | grep -qE 'GICv2|GIC-0' || fail "no GICv2 in /proc/interrupts"
}

test_auto_takes_the_best() {
	facts
	section interrupts >"$T/irq"
	section log >"$T/log.guest"
	if [ "$(doctor gicv3-its ok)" = true ]; then
		has "$T/log.guest" 'ITS \[mem'
	elif [ "$(doctor gicv3 ok)" = true ]; then
		has "$T/irq" GICv3
	else
		has "$T/log.guest" 'GICv2m: '
	fi
}

refused() { # IRQCHIP CHECK
	[ "$(doctor "$2" ok)" != true ] || skip "this host's KVM has it"
	run_vmm run --kernel "$IMAGE" --irqchip "$1"
	is "exit status" "$status" "$FAILED"
	one_sentence "$1|GIC"
}

test_gicv2_where_the_host_has_none() { refused gicv2 gicv2; }
test_gicv3_where_the_host_has_none() { refused gicv3 gicv3; }

test_more_than_eight_cpus_on_gicv2() {
	needs gicv2
	run_vmm run --kernel "$IMAGE" --irqchip gicv2 --cpus 9
	is "exit status" "$status" "$USAGE"
	one_sentence 'gicv2.*8.*9'
}
