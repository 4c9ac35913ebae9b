# shellcheck shell=sh
# A bare-metal guest that attacks its devices, a group of attacks a test: tests/attack. vmm lives,
# answers in time, holds no more than before, and the disk that nobody attacks has its data.
# With QUICK each attack is on one device, by turns; in process it is on each, in any case.
# $ONLY names one attack of the group; $SEED and $STEPS are for fuzz_for_long.

attack() { # WORDS [OPTION...]
	doing=$1
	shift
	truncate -s 1M "$T/a.img" "$T/b.img" "$T/ro.img"
	head -c 4096 /dev/zero >"$T/rom"
	start vmm run --kernel "$LAB/kernel/attack" --mem 64M --cpus 2 --console stdio \
		--disk "$T/a.img,queues=2" --disk "$T/ro.img,ro" --rng --hvc file:"$T/hvc" \
		--disk "$T/b.img" \
		--rom "$T/rom@0x0c000000" "$@" \
		--cmdline "wait ${QUICK:+turns }rom=0x0c000000 $doing${ONLY:+ only=\"$ONLY\"}"
}

# In KiB, without the guest's, which is in the only large mappings.
memory_of_vmm() {
	awk '$1 == "Size:" { size = $2 }
		$1 == "Private_Dirty:" && size < 32768 { sum += $2 }
		END { print sum + 0 }' "/proc/$(inner)/smaps"
}

holdings() {
	echo "$(fds) $(threads) $(memory_of_vmm)"
}

attacks() { # GROUP [OPTION...]
	_group=$1
	shift
	does "attack=$_group" "$@"
}

does() { # WORDS [OPTION...]
	attack "$@"
	wait_for '^# here'
	${prepare:-true}
	echo >&7
	wait_for '^# ready'
	before=$(holdings)
	echo >&7
	wait_for '^# done'
	${finish:-true}
	after=$(holdings)
	echo >&7
	wait_end
	is "exit status" "$status" "$OFF"
	cp "$T/text" "$T/log.guest"
	grep -E '^(not ok|skip)' "$T/text" || true
	has "$T/text" "^[1-9][0-9]* passed, 0 failed, 0 skipped$"
	for _d in a b ro; do
		is "size of $_d.img" "$(stat -c %s "$T/$_d.img")" 1048576
	done
	# shellcheck disable=SC2086 # numbers
	set -- $before $after
	[ "$4" -le "$1" ] || fail "vmm has $4 file descriptors, and had $1"
	[ "$5" -le "$2" ] || fail "vmm has $5 threads, and had $2"
	[ "$(wc -c <"$T/err")" -le 1000000 ] || fail "vmm wrote $(wc -c <"$T/err") bytes to stderr"
	[ "$6" -le $(($3 + 1024)) ] || fail "vmm has $6 KiB of memory, and had $3"
	tell "descriptors, threads, KiB of memory: before $1 $2 $3, after $4 $5 $6"
}

test_ring() { attacks ring; }
test_indirect() { attacks indirect; }
test_state() { attacks state; }
test_mmio() { attacks mmio; }
test_reset() { attacks reset; }
test_race() { attacks race; }
test_resources() { attacks resources; }
test_cpu() {
	slow
	attacks cpu
}
test_blk() { attacks blk; }
test_rng() { attacks rng; }
test_uart() { attacks uart; }
# vmm makes the tap, with several queues; its address makes the host answer.
tap_address() {
	ip addr add 192.0.2.1/24 dev vt1
	ip link set vt1 up
}

test_net() {
	only_in_the_lab "it makes a network device"
	host_module tun
	prepare=tap_address
	attacks net --net tap=vt1,queues=2,vhost=off
}

test_console() { attacks console --port one,to=null --port two,to=null; }
# What the guest sent to one who does not read waits until that one is gone, with its descriptor.
peers_gone() {
	kill -KILL "$_pid"
	_n=0
	until [ "$(fds)" -le "${before%% *}" ] || [ $_n -gt 100 ]; do
		_n=$((_n + 1))
		sleep 0.1
	done
}

# Somebody reads at one port of the host, and one who was stopped at another.
test_vsock() {
	for _p in 1000 1001; do
		vsockpeer serve "unix:$T/v_$_p" >"$T/served$_p" 2>&1 &
		_pid=$!
		echo $_pid >>"$T/pids"
		until grep -q '^serving' "$T/served$_p"; do sleep 0.1; done
	done
	kill -STOP "$_pid"
	finish=peers_gone
	attacks vsock --vsock "cid=77,uds=$T/v"
}

test_balloon() { attacks balloon --balloon 0; }

# Another seed each time that it has time: the guest says which.
test_fuzz() { does "fuzz=1 steps=3000"; }
test_fuzz_for_long() {
	slow
	does "fuzz=${SEED:-$(od -An -tu4 -N4 /dev/urandom | tr -d ' ')} steps=${STEPS:-100000}"
}

# Each group of the table has its test here.
test_every_group_is_here() {
	attack attack=list
	wait_end
	sed -n 's/^group \([a-z_]*\) .*/\1/p' "$T/text" | sort >"$T/groups"
	sed -n 's/^[^#]*attacks \([a-z_]*\).*/\1/p' "$LAB/system/attack.sh" | sort >"$T/tests"
	[ -s "$T/groups" ] || fail "the guest did not say which groups there are"
	diff "$T/groups" "$T/tests" || fail "groups and tests are not the same"
}
