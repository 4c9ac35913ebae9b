# shellcheck shell=sh
# Network cards, with Linux's own driver in the guest: it comes from vmm's initramfs. The host's end
# is a tap, passt, or a socket that passt listens on.

MIB=${MIB:-3} # how much goes each way

sum() { md5sum "$@" | cut -d' ' -f1; }

# What guests are asked to do begins with this.
# shellcheck disable=SC2016 # the guest's shell expands it
GUEST_NET='cd /tmp
card() { until [ -e /sys/class/net/eth0 ]; do usleep 50000; done; ip link set eth0 up; }
static() { card; ip addr add 10.9.0.2/24 dev eth0; }
cat >/dhcp <<"S"
[ "$1" = bound ] || exit 0
ip addr add $ip/$mask dev $interface
for r in $router; do ip route add default via $r dev $interface; done
[ -z "$mtu" ] || ip link set $interface mtu $mtu
echo "dhcp ip=$ip router=$router mtu=$mtu"
S
chmod +x /dhcp
dhcp() { card; udhcpc -i eth0 -n -q -t 20 -T 1 -s /dhcp 2>/dev/null; }
csum() { md5sum | cut -d" " -f1; }
get() { wget -q -O - "$1" | csum; }
'

# The guest's script is GUEST_NET and stdin.
net_script() {
	package 6.1
	{
		echo "$GUEST_NET"
		cat
	} >"$T/script"
	guest_script <"$T/script"
}

# A tap that stays, with the host's address on it.
host_tap() { # [WORD...] of ip tuntap
	only_in_the_lab "it makes a network device"
	host_module tun
	ip link del vt0 2>/dev/null || true
	tunctl -t vt0 >/dev/null
	ip addr add 10.9.0.1/24 dev vt0
	ip link set vt0 up
}

# Serves $T/www/file on port 8080, and takes what comes on port 9000 into $T/up0; or 8081, up1 ...
host_serves() { # ADDRESS [DIGIT]
	if [ ! -e "$T/www" ]; then
		mkdir "$T/www"
		head -c $((MIB << 20)) /dev/urandom >"$T/www/file"
		mkfifo "$T/hold"
	fi
	httpd -f -p "$1:808${2:-0}" -h "$T/www" &
	echo $! >>"$T/pids"
	# One whose own input ended would hang up.
	nc -l -p "900${2:-0}" <>"$T/hold" >"$T/up${2:-0}" &
	echo $! >>"$T/pids"
}

both_ways() { # of the guest's script: ADDRESS [DIGIT]
	echo "head -c $((MIB << 20)) /dev/urandom >up"
	echo "echo down${2:-0}=\$(get http://$1:808${2:-0}/file)"
	echo "nc $1 900${2:-0} <up; echo up${2:-0}=\$(csum <up)"
}

went_both_ways() { # [DIGIT]
	is "what came down" "$(sed -n "s/^down${1:-0}=//p" "$T/text")" "$(sum "$T/www/file")"
	_n=0
	# It has all of it when it ends, and that may be after the guest.
	until [ "$(sum "$T/up${1:-0}")" = "$(sed -n "s/^up${1:-0}=//p" "$T/text")" ]; do
		_n=$((_n + 1))
		[ $_n -lt 100 ] || fail "what went up is not what came"
		sleep 0.2
	done
}

net_boots() { boots --modules "$LAB/package-6.1" "$@"; }
net_start() { start_guest --modules "$LAB/package-6.1" "$@"; }

# The host's module for it, or this test cannot be.
host_vhost() {
	for _m in vhost_iotlb vhost tap vhost_net; do
		host_module $_m
	done
	[ -c /dev/vhost-net ] || skip "this host has no vhost_net"
}

test_tap() {
	host_tap
	host_serves 10.9.0.1
	net_script <<-SCRIPT
		static
		ping -c 3 10.9.0.1 >ping && grep received ping
		$(both_ways 10.9.0.1)
		echo "mac=\$(cat /sys/class/net/eth0/address) carrier=\$(cat /sys/class/net/eth0/carrier)"
		echo "features=\$(cat /sys/class/net/eth0/device/features)"
	SCRIPT
	net_boots --net tap=vt0,vhost=off
	has "$T/text" '^3 packets transmitted, 3 packets received'
	went_both_ways
	has "$T/text" '^mac=02:.* carrier=1'
	is "what vmm says" "$(cat "$T/err")" ""
}

# The same with the kernel moving the frames, and offloads that it checks.
test_tap_by_the_kernel() {
	host_tap
	host_vhost
	host_serves 10.9.0.1
	net_script <<-SCRIPT
		static
		ping -c 3 10.9.0.1 >ping && grep received ping
		$(both_ways 10.9.0.1)
	SCRIPT
	net_boots --net tap=vt0,vhost=on
	has "$T/text" '^3 packets transmitted, 3 packets received'
	went_both_ways
	is "what vmm says" "$(cat "$T/err")" ""
}

# Several pairs, which the guest uses as it has CPUs, and a reset of the guest with traffic on them.
several_queues() { # on|off: vhost
	slow
	host_tap
	ip link del vt0
	truncate -s 4k "$T/count"
	limit=250
	MIB=1
	net_script <<-SCRIPT
		read -r boots rest </dev/vda
		case \$boots in boot1) ;; *) echo "boot1 " | dd of=/dev/vda bs=512 conv=sync,fsync 2>/dev/null ;; esac
		until [ -e /sys/class/net/eth0 ]; do usleep 50000; done
		echo "queues \$(ls -d /sys/class/net/eth0/queues/rx-* | wc -l)"
		static
		until ping -c 1 -W 1 10.9.0.1 >/dev/null; do :; done
		echo "up"
		for i in 1 2 3; do wget -q -O - http://10.9.0.1:8080/file | csum >down\$i & done
		if [ "\$boots" != boot1 ]; then
			head -c 50000000 /dev/zero | nc 10.9.0.1 9000 &
			usleep 500000
			reboot -f
		fi
		wait
		for i in 1 2 3; do echo "down\$i=\$(cat down\$i)"; done
	SCRIPT
	net_start --net "tap=vt0,queues=2,vhost=$1" --cpus 2 --disk "$T/count"
	until ip link show vt0 >/dev/null 2>&1; do sleep 0.1; done
	ip addr add 10.9.0.1/24 dev vt0
	ip link set vt0 up
	host_serves 10.9.0.1
	wait_end
	is "exit status" "$status" "$OFF"
	is "boots" "$(grep -c '^queues 2' "$T/text")" 2
	is "right downloads" "$(grep -c "^down[123]=$(sum "$T/www/file")" "$T/text")" 3
}

test_tap_with_several_queues() { several_queues off; }

test_tap_with_several_queues_by_the_kernel() {
	host_vhost
	several_queues on
}

# What a guest leaves to the host and takes from it unfinished, as a capture on the host sees it; then
# the same when the guest has turned it off.
offloads() { # on|off: vhost
	slow
	host_tap
	MIB=1
	host_serves 10.9.0.1 0
	host_serves 10.9.0.1 1
	netcapture vt0 8080 9000 8081 9001 >"$T/capture" &
	capture=$!
	echo $capture >>"$T/pids"
	wait_for '^capturing' "$T/capture"
	net_script <<-SCRIPT
		static
		until ping -c 1 -W 1 10.9.0.1 >/dev/null; do :; done
		$(both_ways 10.9.0.1 0)
		/tools/ethtool -K eth0 tso off gso off tx off rx-gro-hw off 2>/dev/null
		/tools/ethtool -k eth0 | grep -E '^(tx-checksumming|tcp-segm.*|rx-gro-hw): on'
		$(both_ways 10.9.0.1 1)
	SCRIPT
	guest_has_tools
	net_boots --net "tap=vt0,vhost=$1"
	kill -TERM $capture
	wait $capture
	cat "$T/capture"
	went_both_ways 0
	went_both_ways 1
	lacks "$T/text" '^(tx-checksumming|tcp-segm.*|rx-gro-hw): on'
	lacks "$T/capture" 'wrong=[1-9]'
	has "$T/capture" '^9000 from-guest gso=[1-9].* partial=[1-9].* largest=([2-9][0-9]{3}|[0-9]{5})$'
	has "$T/capture" '^8080 to-guest gso=[1-9].* partial=[1-9].* largest=([2-9][0-9]{3}|[0-9]{5})$'
	has "$T/capture" '^9001 from-guest gso=0 partial=0 complete=[1-9].* largest=1514$'
	has "$T/capture" '^8081 to-guest gso=0 .* largest=1514$'
}

test_tap_offloads() { offloads off; }

test_tap_offloads_by_the_kernel() {
	host_vhost
	offloads on
}

test_tap_that_goes_away_is_a_link_that_is_down() {
	slow
	host_tap
	net_script <<-'SCRIPT'
		static
		ping -c 1 10.9.0.1 >/dev/null && echo "reached"
		until [ "$(cat /sys/class/net/eth0/carrier)" = 0 ]; do usleep 50000; done
		before=$(cut -d' ' -f1 /proc/uptime)
		ping -c 1 -W 1 10.9.0.1 >/dev/null || echo "gone"
	SCRIPT
	net_start --net tap=vt0,vhost=off
	wait_for '^reached'
	ip link del vt0
	sleep 1
	used=$(awk '{ print $14 + $15 }' "/proc/$(inner)/task/$(grep -l net/0 "/proc/$(inner)"/task/*/comm | cut -d/ -f5)/stat")
	between "ticks of the card's thread" "$used" 0 50
	wait_end
	is "exit status" "$status" "$OFF"
	has "$T/text" '^gone'
	is "lines" "$(wc -l <"$T/err")" 1
	has "$T/err" '^vmm: net0 \(vt0\): the tap device is gone'
}

# --- passt ------------------------------------------------------------------------------------------

# A network for passt to find, and passt, which wants a root that it can leave: not an initramfs.
host_passt() {
	only_in_the_lab "it makes a network device"
	chmod 777 "$T"
	chmod 666 /dev/kvm
	[ ! -d /newroot ] || return 0
	host_module dummy
	ip link set dummy0 up
	ip addr add 192.0.2.2/24 dev dummy0
	ip route add default via 192.0.2.1
	ip -6 addr add 2001:db8::2/64 dev dummy0
	ip -6 route add default via 2001:db8::1 dev dummy0
	echo "0 2147483647" >/proc/sys/net/ipv4/ping_group_range
	mkdir -p /lib /newroot
	cp "$LAB"/passt/lib/* /lib
}

# Runs a command with that root; to passt it must not look like a chroot, either.
# shellcheck disable=SC2016 # the inner shell expands it
ROOTED='mount --rbind / /newroot && cd /newroot && mount --move . / && exec chroot . "$@"'

# vmm as a user without rights.
user_start() { # OPTION...
	start unshare -m sh -c "$ROOTED" sh su nobody -c "cd '$T' && PATH='$PATH:$LAB/passt/bin' exec vmm run --kernel '$kernel' \
		--initrd '$initrd' --modules '$LAB/package-6.1' --cmdline 'console=ttyAMA0 $words' $*"
}

test_user() {
	host_passt
	host_serves 127.0.0.1
	net_script <<-SCRIPT
		dhcp
		gw=\$(ip route | sed -n 's/^default via \([^ ]*\).*/\1/p')
		$(both_ways "\$gw")
		until ip -6 addr show dev eth0 | grep -q 'inet6 2001.*global'; do usleep 100000; done
		gw6=\$(ip -6 route | sed -n 's/^default via \([^ ]*\).*/\1/p')
		ping6 -c 2 -I eth0 \$gw6 >ping6; grep received ping6 | sed 's/^/six: /'
		echo listening
		nc -l -p 22 </dev/null
		echo "mtu=\$(cat /sys/class/net/eth0/mtu)"
	SCRIPT
	user_start --net user,host-loopback,forward=tcp:2222:22
	wait_for '^listening'
	sleep 1
	echo "came=in by the forward" | nc 127.0.0.1 2222
	wait_end
	is "exit status" "$status" "$OFF"
	has "$T/text" '^dhcp ip=192.0.2.2 router=192.0.2.1'
	has "$T/text" '^six: 2 packets transmitted, 2 packets received'
	has "$T/text" '^came=in by the forward'
	has "$T/text" '^mtu=65520'
	went_both_ways
	is "what vmm says" "$(cat "$T/err")" ""
	sleep 1
	! pidof passt || fail "passt is still there"
}

# By IPv4 and IPv6, TCP and UDP, both ways, several at once; and a server in the guest behind a forward.
test_user_iperf3() {
	slow
	host_passt
	net_script <<-'SCRIPT'
		dhcp
		until ip -6 addr show dev eth0 | grep -q 'inet6 2001.*global'; do usleep 100000; done
		load() { # NAME OPTION...
			name=$1
			shift
			/tools/iperf3 --connect-timeout 20000 -c "$@" >out 2>&1 || { echo "failed $name"; cat out; }
			echo "$name received $(sed -n 's/.* sec *\([0-9.]* .\)Bytes .*receiver.*/\1/p' out | tail -n1)B"
		}
		load up 192.0.2.1 -n 8M
		load down 192.0.2.1 -n 8M -R
		load four 192.0.2.1 -n 2M -P 4
		load udp 192.0.2.1 -u -b 4M -t 2
		load up6 2001:db8::1 -n 8M
		load down6 2001:db8::1 -n 8M -R
		/tools/iperf3 -s -1 >out 2>&1 && echo "served"
	SCRIPT
	guest_has_tools
	tool iperf3 -s >"$T/server" 2>&1 &
	echo $! >>"$T/pids"
	user_start --net user,host-loopback,forward=tcp:5301:5201
	wait_for '^down6 received'
	until tool iperf3 -c 127.0.0.1 -p 5301 -n 4M >"$T/forward" 2>&1; do
		kill -0 "$pid"
		sleep 1
	done
	wait_end
	is "exit status" "$status" "$OFF"
	lacks "$T/text" '^failed'
	for _p in up down four udp up6 down6; do
		has "$T/text" "^$_p received [1-9]"
	done
	has "$T/text" '^served'
	has "$T/forward" 'receiver'
	is "what vmm says" "$(cat "$T/err")" ""
}

test_passt_that_dies_comes_back() {
	slow
	host_passt
	host_serves 127.0.0.1
	net_script <<-'SCRIPT'
		dhcp
		reach() { until nc -w 3 192.0.2.1 8080 </dev/null >/dev/null; do usleep 100000; done; }
		for i in 1 2; do
			reach
			echo "reached $i"
			until [ "$(cat /sys/class/net/eth0/carrier)" = 0 ]; do usleep 20000; done
			echo "down $i"
			until [ "$(cat /sys/class/net/eth0/carrier)" = 1 ]; do usleep 20000; done
			echo "up $i"
		done
		reach
	SCRIPT
	user_start --net user,host-loopback
	for i in 1 2; do
		wait_for "^reached $i"
		kill -KILL "$(pidof passt)"
		wait_for "^up $i"
	done
	wait_end
	is "exit status" "$status" "$OFF"
	is "messages of ends" "$(grep -c '^vmm: net0 (passt): .*signal 9.*; the link is down until it is back' "$T/err")" 2
	is "messages of returns" "$(grep -c '^vmm: net0 (passt): it is back, and so is the link' "$T/err")" 2
}

# The same program, started by hand, at the other end of a socket.
test_socket() {
	slow
	host_passt
	host_serves 127.0.0.1
	unshare -m sh -c "$ROOTED" sh "$LAB/passt/bin/passt" -f -q -s "$T/sock" &
	echo $! >>"$T/pids"
	until [ -S "$T/sock" ]; do sleep 0.1; done
	net_script <<-SCRIPT
		dhcp
		$(both_ways 192.0.2.1)
	SCRIPT
	net_boots --net "socket=$T/sock,mac=02:00:00:00:00:77"
	went_both_ways
}

# --- what a user may type wrong ---------------------------------------------------------------------

wrong() { # REGEX NET
	run_vmm run --kernel "$IMAGE" --net "$2"
	[ "$status" = "$USAGE" ] || [ "$status" = "$FAILED" ] || fail "status $status for $2"
	one_sentence "$1"
}

test_wrong_options_are_one_sentence_each() {
	wrong 'net: one of user, tap, fd=N and socket=PATH must say' queues=2
	wrong 'net: forward goes with user alone' tap,forward=tcp:1:2
	wrong "net: forward: '22' is no forward; write one like tcp:2222:22" user,forward=22
	wrong "net: mac: '1' is not a MAC address" tap,mac=1
	wrong "queues: '0' is not a number from 1 to 8" tap,queues=0
	wrong "'usr' is not known; did you mean user" usr
	wrong 'net0: tap: fd 0 is no tap device' fd=0
	[ -e /dev/vhost-net ] || wrong 'vhost: /dev/vhost-net is not there' tap,vhost=on
	wrong 'net0: .*nobody' socket=/nobody/there
}

test_passt_that_is_not_installed() {
	! command -v passt >/dev/null || skip "passt is installed here"
	run_vmm run --kernel "$IMAGE" --net user
	is "exit status" "$status" "$FAILED"
	one_sentence 'net0: passt is not installed; install the package'
}
