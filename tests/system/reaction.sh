# shellcheck shell=sh
# What a stock Linux guest does about a bad access, and whether what it says of it is what vmm says.

# --- what was said --------------------------------------------------------------------------------

# A row of the first report in FILE, its first line.
row() { # LABEL FILE
	sed -n "s/^vmm:   $1  *//p" "$2" | head -n1
}

# A member of the first object in FILE, of the object itself or of its member "guest".
member() { # NAME FILE
	sed -n '1 { s/"stage1":.*//; s/.*"'"$1"'":"\{0,1\}\([^",}]*\).*/\1/p; }' "$2"
}

given() { # NAME FILE
	sed -n '1 { s/.*"guest":{//; s/}.*//; s/.*"'"$1"'":"\([^"]*\)".*/\1/p; }' "$2"
}

# The backtrace of the first report in FILE: names, one a line.
called_from() { # FILE
	sed -n '1 { s/.*"backtrace":\[//; s/\].*//; p; }' "$1" | tr '}' '\n' |
		sed -n 's/.*"name":"\([^"]*\)".*/\1/p'
}

# --- a process ------------------------------------------------------------------------------------

HOLE=0x10000000

test_process_that_touches_a_hole_gets_sigbus_and_the_guest_lives() {
	guest_script <<-G
		busybox devmem $HOLE 32
		echo "status \$?"
		echo "alive on \$(nproc) CPU"
	G
	boots --fault-log "$T/faults"
	has "$T/text" '^status 135$' # 128 + SIGBUS
	has "$T/text" '^alive on 1 CPU$'

	is "sentence" "$(head -n1 "$T/err")" \
		"vmm: fault: vCPU 0 read 4 bytes from $HOLE, where nothing is."
	is "cpu" "$(row cpu "$T/err")" "vCPU 0, EL0t, AArch64"
	has "$T/err" '^vmm: .*Data Abort from EL0, synchronous External abort'
	is "last line" "$(tail -n1 "$T/err")" "vmm: faults: 1 in all, reported above"

	is "lines of the log" "$(wc -l <"$T/faults")" 2
	is "text" "vmm: fault: $(sed -n '1s/^{"text":"\([^"]*\)".*/\1/p' "$T/faults")" \
		"$(head -n1 "$T/err")"
	is "exception level" "$(member el "$T/faults")" 0
	is "IPA" "$(member ipa "$T/faults")" "$HOLE"
	is "pc" "$(printf '0x%08x' "$(member pc "$T/faults")")" "$(row pc "$T/err" | cut -d' ' -f1)"
	is "virtual address" "$(member va "$T/faults")" "$(row 'virtual address' "$T/err" | cut -d, -f1)"
	is "ESR of the guest" "$(given esr "$T/faults")" 0x92000010
	is "FAR of the guest" "$(given far "$T/faults")" "$(member va "$T/faults")"
	has "$T/faults" '^[{]"summary":{"faults":1,'
}

# --- the kernel -----------------------------------------------------------------------------------

# A tree with a device where nothing is: the kernel reads its identification before all else.
tree_with_a_ghost() { # FILE
	run_vmm run --kernel "$LAB/kernel/bare-off" --dump-dtb "$T/dtb"
	is "exit status of vmm" "$status" "$OFF"
	device_tree_compiler -q -I dtb -O dts -o "$T/dts" "$T/dtb"
	cat >>"$T/dts" <<-'D'
		/ {
			ghost@a000000 {
				compatible = "arm,pl031", "arm,primecell";
				reg = <0 0x0a000000 0 0x1000>;
				clocks = <&{/apb-pclk}>;
				clock-names = "apb_pclk";
			};
		};
	D
	device_tree_compiler -q -I dts -O dtb -o "$1" "$T/dts"
}

# Boots $kernel with that tree until it dies: $oops has text, err and faults. Each kind only once.
# It dies before it knows pvpanic: vmm hears of it by the reset that panic=-1 asks for.
oops() { # WORDS OPTION...
	oops=$SHARED/oops-$(echo "${kernel##*/} $*" | tr -c 'A-Za-z0-9\n' _)
	[ ! -e "$oops" ] || return 0
	tree_with_a_ghost "$T/ghost.dtb"
	rm -f "$T/faults"
	words="panic=-1 $1"
	shift
	boot --dtb "$T/ghost.dtb" --fault-log "$T/faults" "$@"
	is "exit status of vmm" "$status" "$PANIC"
	mkdir "$oops.new"
	sed 's/^\[ *[0-9]*\.[0-9]*\] //' "$T/text" >"$oops.new/text"
	cp "$T/err" "$T/faults" "$oops.new"
	mv "$oops.new" "$oops"
}

register() { # NAME: of the oops
	sed -n "s/.*\\b$1 *: \([0-9a-f]\{16\}\).*/0x\1/p" "$oops/text" | head -n1
}

# The address that an instruction with one of the forms [x1], [x1, #2], [x1, x2] is about.
address_in_oops() { # INSTRUCTION
	inside=$(echo "$1" | sed -n 's/.*\[\([^]]*\)\]$/\1/p')
	sum=$(register "$(echo "$inside" | cut -d, -f1)")
	case $inside in
	*', #'*) sum=$((sum + ${inside##*#})) ;;
	*', x'*) sum=$((sum + $(register "${inside##* }"))) ;;
	esac
	printf '0x%x' "$sum"
}

# The guest's words about its death, and vmm's.
agree_on_the_death() { # WORDS OPTION...
	oops "$@"
	has "$oops/text" '^Internal error: synchronous external abort: '
	is "number of oopses" "$(grep -c '^Internal error' "$oops/text")" 1
	is "number of reports" "$(grep -c '^vmm: fault: ' "$oops/err")" 1
	has "$oops/err" '^vmm: fault: vCPU 0 read 4 bytes from 0x0a000f[ef][048c], where nothing is\.$'
	is "cpu" "$(row cpu "$oops/err")" "vCPU 0, EL1h, AArch64"

	pc=$(sed -n 's/^pc : //p' "$oops/text")
	case $pc in amba_*+0x*/0x*) ;; *) fail "the guest's own pc is '$pc'" ;; esac
	is "symbol of pc in the report" "$(row pc "$oops/err" | cut -d' ' -f2)" "$pc"
	is "symbol of pc in the log" "$(member pc_name "$oops/faults")" "$pc"
	is "ESR" "$(given esr "$oops/faults")" \
		"0x$(sed -n 's/^Internal error: [^:]*: 0*\([0-9a-f]*\) .*/\1/p' "$oops/text")"
	is "word of the instruction" "$(member insn "$oops/faults")" \
		"0x$(sed -n 's/^Code: .*(\([0-9a-f]*\)).*/\1/p' "$oops/text")"

	insn=$(sed -n '1s/.*"insn_text":"\([^"]*\)".*/\1/p' "$oops/faults")
	va=$(member va "$oops/faults")
	is "virtual address, by the registers of the oops," "$(address_in_oops "$insn")" "$va"
	is "its source" "$(member va_source "$oops/faults")" both
	is "FAR of the guest" "$(given far "$oops/faults")" "$va"
	is "virtual address in the report" "$(row 'virtual address' "$oops/err" | cut -d, -f1)" "$va"
}

# The guest's "Call trace:" begins with pc itself.
agree_on_the_way_there() { # WORDS OPTION...
	oops "$@"
	sed -n '/^Call trace:/,/^Code:/ s/^ \([^ ]*+0x[^ ]*\).*/\1/p' "$oops/text" | tail -n +2 >"$T/guest"
	called_from "$oops/faults" >"$T/vmm"
	[ "$(wc -l <"$T/guest")" -ge 5 ] || fail "the guest's call trace is too short to compare"
	cat "$T/vmm"
	cmp "$T/guest" "$T/vmm" || fail "the backtraces differ"
	is "first name in the text" "$(row 'called from' "$oops/err" | cut -d' ' -f2)" \
		"$(head -n1 "$T/guest")"
}

test_kernel_that_touches_a_hole_dies_of_what_vmm_reports() {
	agree_on_the_death ''
}

test_backtrace_is_the_one_the_guest_prints() {
	slow
	agree_on_the_way_there ''
}

test_kernel_without_kaslr_says_the_same_as_vmm() {
	slow
	agree_on_the_death nokaslr
	agree_on_the_way_there nokaslr
}

other_kernel() { # NAME
	kernel=$LAB/kernel/Image-$1
	[ -e "$kernel" ] || skip "the kernel $1 is not in this payload"
}

test_linux_6_12_says_the_same_as_vmm() {
	slow
	other_kernel 6.12
	agree_on_the_death ''
	agree_on_the_way_there ''
}

test_linux_7_2_says_the_same_as_vmm() {
	slow
	other_kernel 7.2
	agree_on_the_death ''
	agree_on_the_way_there ''
}

# --- names from a file ----------------------------------------------------------------------------

# A System.map of $kernel as it was linked, from a guest that lies where it was linked: of its 45000
# lines those that the reports of the oops can need, since they come through a serial console.
system_map() { # FILE
	oops nokaslr
	{
		member pc_name "$oops/faults"
		called_from "$oops/faults"
		given vector_name "$oops/faults"
	} | sed 's/+.*//' | sort -u >"$T/wanted"
	mkdir -p "$T/add/tests"
	cp "$T/wanted" "$T/add/tests"
	guest_script <<-'G'
		echo 0 >/proc/sys/kernel/kptr_restrict
		# Each with the one behind it, where it ends.
		awk 'FNR == NR { want[$1] = 1; next }
			NF > 3 { next }
			$3 == "_text" || $3 == "_stext" || $3 in want { print; on = $1; next }
			on != "" && tolower($2) == "t" { print; if ($1 != on) on = "" }' \
			/tests/wanted /proc/kallsyms | sed 's/^/map: /'
	G
	words='quiet vmmtest=script nokaslr'
	boots
	sed -n 's/^map: //p' "$T/text" >"$1"
	[ "$(wc -l <"$1")" -ge 10 ] || fail "the guest's kallsyms gave too little"
}

test_names_by_system_map_are_those_of_kallsyms() {
	slow
	# One name is spelled differently in the file, which shows that it is the file that is read.
	system_map "$T/map.right"
	sed 's/ amba_device_add$/ amba_device_add_in_the_file/' "$T/map.right" >"$T/System.map"
	{
		member pc_name "$oops/faults"
		called_from "$oops/faults"
	} | sed 's/^amba_device_add+/amba_device_add_in_the_file+/' >"$T/by_kallsyms"
	has "$T/by_kallsyms" _in_the_file+
	for kaslr in nokaslr ''; do
		oops "$kaslr" --symbols "$T/System.map"
		{
			member pc_name "$oops/faults"
			called_from "$oops/faults"
		} >"$T/by_file"
		cat "$T/by_file"
		cmp "$T/by_kallsyms" "$T/by_file" || fail "names differ, with the words '$kaslr'"
		lacks "$oops/err" '^vmm: .*--symbols'
	done
}

# --- a storm --------------------------------------------------------------------------------------

test_storm_from_two_vcpus_is_counted_to_the_last_one_and_told_in_few_words() {
	each=2000
	mkdir -p "$T/add/tests"
	cp "$LAB/bin/holestorm" "$T/add/tests"
	guest_script <<-G
		/tests/holestorm $HOLE $each 2
		echo "status \$?"
	G
	boots --cpus 2 --fault-log "$T/faults"
	has "$T/text" '^status 0$'
	has "$T/text" "^caught $((2 * each))$"
	has "$T/err" '^vmm: faults: 4,000 in all, of 6 kinds; 6 reported above$'
	has "$T/err" '^vmm: .*vCPU 0: 2,000, vCPU 1: 2,000$'
	has "$T/faults" "^[{]\"summary\":{\"faults\":$((2 * each)),\"kinds\":6,.*\"vcpus\":\[$each,$each\]"
	between "lines on stderr" "$(wc -l <"$T/err")" 7 300
	between "bytes of the log" "$(wc -c <"$T/faults")" 1000 65536
}
