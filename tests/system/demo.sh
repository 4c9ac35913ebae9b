# shellcheck shell=sh
# vmm demo faults: what it shows, and that docs/fault-capture.md shows the same.

demo_faults() {
	if [ ! -e "$SHARED/demo" ]; then
		TMPDIR=$T run_vmm demo faults
		is "exit status" "$status" "$OFF"
		is "what it leaves behind" "$(find "$T" -name 'vmm-demo-*')" ""
		# As a terminal has it: both in one.
		timeout 60 vmm demo faults </dev/null 2>&1 | tr -d '\r' >"$SHARED/demo"
		cp "$T/err" "$SHARED/demo.err"
	fi
}

test_shows_every_kind_of_bad_access() {
	demo_faults
	for what in 'wrote 4 bytes to 0x0a000040, where nothing is' \
		'read 16 bytes from 0x0b000000, where nothing is' \
		'read 8 bytes from 0x09000000, where pl011 refuses' \
		'wrote 4 bytes to 0x04000100 in ROM demo.rom, which is read-only' \
		'read 16 bytes that begin in RAM and go beyond its end, at 0x44000000' \
		'fetched an instruction from 0x60001000, where nothing is' \
		'could not read 4 bytes: stage 1 looked for a descriptor at 0x20000000'; do
		has "$SHARED/demo.err" "^vmm: fault: vCPU 0 $what"
	done
	is "number of faults" "$(grep -c '^vmm: fault: ' "$SHARED/demo.err")" 7
	has "$SHARED/demo.err" '^vmm: faults: 7 in all, reported above$'
	has "$SHARED/demo.err" '^vmm:   pc               0x4000013c poke\+0x8/'
	has "$SHARED/demo.err" '^vmm:   called from      0x4000012c write_to_nothing\+0x'
	lacks "$SHARED/demo.err" 'but 0x' # the two ways to the virtual address agree
}

# What the guest says of ESR, FAR and ELR is what the report before it said.
test_guest_felt_what_the_report_says() {
	demo_faults
	awk '
		{ sub(/^vmm: */, "") }
		/^(vmm did )? *ESR 0x/ { esr = substr($2, 3, 8) }
		/^FAR 0x/ { far = substr($2, 3); sub(/,/, "", far); elr = substr($4, 3) }
		/^guest: exception taken/ {
			n++
			if ($5 != esr || $7 != far || $9 != elr) {
				print "the guest: " $0 "; the report: " esr, far, elr
				exit 1
			}
		}
		END { if (n != 7) { print n " exceptions"; exit 1 } }' "$SHARED/demo"
}

# Each indented block of the document that begins with "demo:" is a piece of the output, as it is.
test_document_shows_this_output() {
	demo_faults
	[ -e "$LAB/fault-capture.md" ] || skip "the document is not in this payload"
	mkdir -p "$T/blocks"
	awk -v dir="$T/blocks" '
		/^    demo: / { n++; inside = 1 }
		/^[^ ]/ { inside = 0 }
		inside { sub(/^    /, ""); print >(dir "/" n) }' "$LAB/fault-capture.md"
	is "number of blocks in the document" "$(find "$T/blocks" -type f | wc -l)" 7
	for block in "$T"/blocks/*; do
		while IFS= read -r line; do
			[ -z "$line" ] || grep -qxF -- "$line" "$SHARED/demo" || fail "not in the output: $line"
		done <"$block"
	done
}
