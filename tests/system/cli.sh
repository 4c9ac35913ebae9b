# shellcheck shell=sh
# What vmm says outside of running a guest.

test_version() {
	run_vmm version
	is "exit status" "$status" 0
	has "$T/out" '^vmm [0-9]+\.[0-9]+'
}

test_help_names_every_subcommand() {
	run_vmm help
	is "exit status" "$status" 0
	for s in run doctor help version; do
		has "$T/out" "(^| )$s( |\$)"
	done
}

test_help_of_run_names_its_options() {
	run_vmm run --help
	is "exit status" "$status" 0
	for o in kernel initrd cmdline mem cpus dtb dump-dtb hugepages irqchip console on-reset on-panic grace pin cpu; do
		has "$T/out" "--$o( |=|,|\$)"
	done
}

test_doctor_finds_this_host_usable() {
	run_vmm doctor
	is "exit status" "$status" 0
	has "$T/out" '^vmm can run guests here$'
	has "$T/out" '^yes .*(GICv3|GICv2)'
	# Every "no" comes with advice.
	awk '/^no / { if (no) bad = 1; no = 1; next } /^ +->/ { no = 0; next } { if (no) bad = 1; no = 0 }
		END { exit bad || no }' "$T/out" || fail "a 'no' without advice"
}

test_doctor_json_has_what_the_text_has() {
	run_vmm doctor --json
	is "exit status" "$status" 0
	for c in kvm gicv3 gicv2 ipa-bits page-size sve mte pmu max-vcpus transparent-huge-pages; do
		has "$T/out" "\"$c\""
	done
	between "bits of guest addresses" "$(doctor ipa-bits value)" 32 52
}

test_configuration_goes_out_and_comes_in() {
	run_vmm run --kernel "$LAB/kernel/bare-off" --mem 48M --cpus 2 --cpu pmu=off --print-config
	is "exit status" "$status" 0
	cp "$T/out" "$T/config.json"
	has "$T/config.json" '"cpus": *2'
	run_vmm run --config "$T/config.json" --print-config
	is "exit status" "$status" 0
	cmp "$T/out" "$T/config.json" || fail "it does not come back the same"
	run_vmm run --config "$T/config.json"
	is "exit status" "$status" "$OFF"
	is "output" "$(cat "$T/out")" bare
}

test_configuration_with_an_error_names_the_place() {
	echo '{ "kernel": "x", "cpus": "many" }' >"$T/bad.json"
	run_vmm run --config "$T/bad.json"
	is "exit status" "$status" "$USAGE"
	has "$T/err" 'bad.json'
	has "$T/err" 'cpus'
}
