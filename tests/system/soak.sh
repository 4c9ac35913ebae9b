# shellcheck shell=sh
# Hours of verified disk and network load in a guest, while the host does something to vmm every now and
# then, and the guest resets in between. What the guest reads is what it wrote; and when all is over vmm
# has as many descriptors, threads and mappings, and as much memory, as after the first reset.
#
#   SOAK=SECONDS      how long; without it there is nothing: `make soak`
#   SOAK_EVERY=20     seconds between two faults
#   SOAK_SEED=N       which faults; it is said

# shellcheck source=/dev/null
. "$LAB/system/net.sh"
# shellcheck source=/dev/null
. "$LAB/system/disk_errors.sh"

MEM=192 # MiB of the guest

# Kilobytes that are vmm's own: dirty ones of all mappings but the guest's RAM.
own_kb() {
	awk -v ram=$((MEM * 1024)) '/^[0-9a-f]+-/ { next } $1 == "Size:" { size = $2 }
		$1 == "Private_Dirty:" && size < ram / 2 { sum += $2 } END { print sum + 0 }' "/proc/$(inner)/smaps"
}
maps() { wc -l <"/proc/$(inner)/maps"; }

# Waits for this many more lines in what the guest says: load that goes on.
more() { # REGEX TIMES
	_m=$(grep -cE "$1" "$T/out" || true)
	_n=0
	until [ "$(grep -cE "$1" "$T/out" || true)" -ge $((_m + $2)) ]; do
		_n=$((_n + 1))
		[ $_n -lt $((limit * 2)) ] || fail "no more '$1' within $limit s, after: $fault"
		[ -d "/proc/$pid" ] || fail "vmm ended after: $fault"
		if grep -a MISMATCH "$T/out"; then fail "after: $fault"; fi
		sleep 0.5
	done
}

# All of the load has been seen to work since.
load_goes_on() {
	more '^/dev/vda verified' 2
	more '^/dev/vdb verified' 1
	more '^/dev/vdc verified' 1
	more '^net verified' 1
}

# The same moment of each life: a while after a reset, with everything under load.
measure() {
	load_goes_on
	now_fds=$(fds) now_threads=$(threads) now_maps=$(maps) now_kb=$(own_kb)
}

reset_guest() {
	_boots=$(grep -c '^soak: up' "$T/out")
	echo reset >&7
	_n=0
	until [ "$(grep -c '^soak: up' "$T/out")" -gt "$_boots" ]; do
		_n=$((_n + 1))
		[ $_n -lt $((limit * 2)) ] || fail "the guest did not come back after a reset, after: $fault"
		[ -d "/proc/$pid" ] || fail "vmm ended at a reset, after: $fault"
		sleep 0.5
	done
	resets=$((resets + 1))
}

random() { # BELOW
	_random=$(awk -v s="$seed" -v n="$1" 'BEGIN { srand(s); rand(); print int(rand() * n) }')
	seed=$(((seed * 1103515245 + 12345) % 2147483648))
}

FAULTS=8
one_fault() {
	random $FAULTS
	case $_random in
	0)
		random 8
		fault="stopped for $_random s"
		kill -STOP "$(inner)"
		sleep "$_random"
		kill -CONT "$pid"
		;;
	1)
		fault="passt is killed"
		kill -KILL "$(pidof passt)" 2>/dev/null || true
		;;
	2)
		fault="the disk is full for 5 s"
		dd if=/dev/zero of="$T/small/ballast" bs=64k 2>/dev/null || true
		sleep 5
		rm -f "$T/small/ballast"
		;;
	3)
		random 172800
		fault="the clock jumps by $((_random - 86400)) s"
		date -s "@$(($(date +%s) + _random - 86400))" >/dev/null
		;;
	4)
		fault="the page cache is dropped"
		echo 3 >/proc/sys/vm/drop_caches
		;;
	5)
		fault="a disk has bad sectors for 3 s"
		random 700
		bad $((_random + 1)) 200
		sleep 3
		well
		;;
	6)
		fault="sixty connections at once that nobody takes"
		_n=0
		while [ $_n -lt 60 ]; do
			_n=$((_n + 1))
			(echo "CONNECT 77" | timeout -s KILL 3 unixcat "$T/v" >/dev/null 2>&1 || true) &
		done
		sleep 4
		;;
	7)
		fault="a hundred SIGUSR1 and SIGWINCH"
		_n=0
		while [ $_n -lt 50 ]; do
			_n=$((_n + 1))
			kill -USR1 "$pid"
			kill -WINCH "$pid"
		done
		;;
	esac
	faults=$((faults + 1))
	echo "$(cut -d. -f1 /proc/uptime) $fault" >>"$T/done"
}

test_load_with_faults_of_the_host() {
	[ -n "${SOAK:-}" ] || skip "takes an hour: make soak"
	host_passt
	MIB=1
	host_serves 127.0.0.1
	host_disk
	chmod 666 "$node"
	mkdir "$T/small"
	mount -t tmpfs -o size=24m,mode=1777 tmp "$T/small"
	truncate -s 32M "$T/disk"
	truncate -s 20M "$T/small/disk"
	chmod 666 "$T/disk" "$T/small/disk"
	seed=${SOAK_SEED:-$(date +%s)}
	tell "soak: $SOAK s, seed $seed"
	guest_has soakload
	net_script <<-'SCRIPT'
		echo "soak: up"
		boot=$(date +%s)$(cut -d. -f1 /proc/uptime)
		# Before there is load. By address: names are more than a static wget can look up.
		gw=
		until [ -n "$gw" ]; do
			dhcp
			gw=$(ip route | sed -n 's/^default via \([^ ]*\).*/\1/p')
		done
		soakload /dev/vda 0 4096 1$boot &
		soakload /dev/vda 4096 4096 2$boot &
		soakload /dev/vdb 0 5120 3$boot &
		soakload /dev/vdc 0 128 4$boot lenient &
		(
			sum=
			while :; do
				rm -f got
				if timeout 20 wget -q -O got "http://$gw:8080/file"; then
					s=$(csum <got)
					[ "${sum:=$s}" = "$s" ] || echo "net MISMATCH $s $sum"
					echo "net verified $s"
				else
					usleep 300000
				fi
			done
		) &
		while read -r line; do
			[ "$line" != reset ] || { echo "soak: resets"; reboot -f; }
			[ "$line" != end ] || break
		done
	SCRIPT
	fault="nothing" faults=0 resets=0
	user_start --mem ${MEM}M --cpus 2 --net user,host-loopback --disk "$T/disk,queues=2" --disk "$T/small/disk" \
		--disk "$node,cache=none" --rng --balloon 0 --vsock "cid=7,uds=$T/v"
	wait_for '^net verified'
	load_goes_on
	reset_guest
	measure
	fds0=$now_fds threads0=$now_threads maps0=$now_maps kb0=$now_kb
	tell "soak: begins with $fds0 descriptors, $threads0 threads, $maps0 mappings, $kb0 KiB"
	begin=$(cut -d. -f1 /proc/uptime)
	while [ $(($(cut -d. -f1 /proc/uptime) - begin)) -lt "$SOAK" ]; do
		sleep "${SOAK_EVERY:-20}"
		one_fault
		load_goes_on
		[ $((faults % 3)) -ne 0 ] || reset_guest
	done
	reset_guest
	measure
	tell "soak: ends with $now_fds descriptors, $now_threads threads, $now_maps mappings, $now_kb KiB"
	tell "soak: $faults faults, $resets resets, $(grep -c '^net verified' "$T/out") downloads," \
		"$(awk '/^.dev.vd[abc] verified/ { if ($3 < last[$1]) sum += last[$1]; last[$1] = $3 }
			END { for (d in last) sum += last[d]; print sum }' "$T/out") blocks or more verified"
	cut -d' ' -f2- "$T/done" | sed 's/[-0-9]* s$/N s/' | sort | uniq -c >>"$T/told"
	# A reset may cut a line; what is whole is right.
	is "right downloads" "$(tr -d '\r' <"$T/out" | grep -E '^net verified [0-9a-f]{32}$' | sort -u)" \
		"net verified $(sum "$T/www/file")"
	echo end >&7
	wait_end
	is "exit status" "$status" "$OFF"
	umount "$T/small"
	gone
	lacks "$T/text" "MISMATCH"
	is "descriptors" "$now_fds" "$fds0"
	is "threads" "$now_threads" "$threads0"
	between "mappings" "$now_maps" $((maps0 - 4)) $((maps0 + 4))
	between "KiB of its own" "$now_kb" 1 $((kb0 + 512))
	[ ! -e "$T/v" ] || fail "the socket is left"
}
