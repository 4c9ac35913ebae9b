# shellcheck shell=sh
# A distribution's kernel on a root file system, with nothing between but what vmm makes: on a small
# disk of our own (tests/lab/root-image), and on one that debootstrap made (tests/lab/debian-image).

cmdline='console=ttyAMA0 quiet'

# Boots $kernel from the small disk; its init comes to its end.
boots_root() { # OPTION...
	run_vmm run --kernel "$kernel" --cmdline "$cmdline" "$@"
	is "exit status of vmm" "$status" "$OFF"
	is "what vmm says" "$(cat "$T/err")" ""
	lacks "$T/text" '^vmm-init:'
}

# Fails to, with this status, and these words of vmm or of the guest.
no_root() { # STATUS WORDS OPTION...
	wanted=$1 words=$2
	shift 2
	run_vmm run --kernel "$kernel" --cmdline "$cmdline" "$@"
	is "exit status of vmm" "$status" "$wanted"
	if [ "$wanted" = "$PANIC" ]; then
		has "$T/text" "^vmm-init: $words\$"
	else
		one_sentence "$words"
	fi
}

# Copies the small disk, and takes the kernel of package VERSION.
small() { # VERSION
	package "$1"
	cp "$LAB/root.img" small.img
}

test_root_by_its_place() {
	small 6.1
	before=$(md5sum <small.img)
	boots_root --disk small.img --root vda1
	has "$T/text" '^root: /dev/(root|vda1) / ext4 ro,'
	has "$T/text" '^devices: /dev/vda1 /sys/block/vda$'
	has "$T/text" '^console: /dev/console pid=1$'
	has "$T/text" '^boots: 0$'
	lacks "$T/text" '^written'
	[ "$(md5sum <small.img)" = "$before" ] || fail "the image changed under a root that is read-only"
}

test_what_the_root_is_given_stays() {
	small 6.1
	boots_root --disk small.img --root LABEL=small-root,rw
	has "$T/text" '^root: /dev/(root|vda1) / ext4 rw,'
	has "$T/text" '^boots: 0$'
	has "$T/text" '^written$'
	boots_root --disk small.img,snapshot --root UUID=11111111-2222-4333-8444-555555555555,rw
	has "$T/text" '^boots: 1$'
	has "$T/text" '^written$'
	if [ -z "${QUICK:-}" ]; then
		boots_root --disk small.img --root PARTLABEL=main
		has "$T/text" '^boots: 1$'
	fi
}

# Debian's usual kernel: the file system is a module, as the drivers are.
test_root_whose_file_system_is_a_module() {
	small 6.1-full
	boots_root --disk small.img --root PARTUUID=C0FFEE00-1111-4222-8333-444444444444,rw
	has "$T/text" '^root: /dev/(root|vda1) / ext4 rw,'
	has "$T/text" '^written$'
}

test_root_by_its_file_and_modules_elsewhere() {
	slow
	small 6.12
	cp "$(readlink -f "$kernel")" vmlinuz
	kernel=vmlinuz
	cmdline='console=ttyAMA0 quiet rootdelay=1 -- one two'
	boots_root --modules "$LAB/package-6.12" --disk small.img --root small.img
	has "$T/text" '^boots: 0$'
	has "$T/text" '^arguments: one two$'
	no_root "$PANIC" 'no /dev/vda1 after 1 s; the block devices here: none' --disk small.img --root vda1
	has "$T/text" '^vmm-init: vmm found no modules for this kernel; .*--modules'
}

test_root_that_has_no_init() {
	small 6.1
	no_root "$PANIC" 'no init on /dev/vda2: tried /sbin/init, /etc/init, /bin/init and /bin/sh' \
		--disk small.img --root LABEL=nothing
	if [ -z "${QUICK:-}" ]; then
		head -c 1048576 /dev/zero >empty.img
		no_root "$PANIC" 'this kernel knows no file system that could be what /dev/vda has on it' \
			--disk empty.img --root vda
		cmdline='console=ttyAMA0 quiet init=/sbin/nowhere'
		no_root "$PANIC" '/sbin/nowhere on /dev/vda1: not found.*' --disk small.img --root vda1
	fi
}

test_wrong_root_is_one_sentence() {
	small 6.1
	no_root "$FAILED" "--root: small.img has no partition 7: there is vda1 ext4 'small-root', vda2" \
		--disk small.img --root vda7
	no_root "$FAILED" "--root: there is no disk for vdb1" --disk small.img --root vdb1
	no_root "$FAILED" "--root: there is no disk for vda1: add --disk FILE" --root vda1
	head -c 1048576 /dev/zero >empty.img
	no_root "$FAILED" "--root: empty.img has no partition 1: there is vda \(nothing known\)" \
		--disk empty.img --root vda1
	no_root "$FAILED" "--root: nothing on the disks has 'LABEL=other': there is vda1 ext4" \
		--disk small.img --root LABEL=other
	no_root "$FAILED" "small.img has partitions; name one of vda1" --disk small.img --root vda
	no_root "$FAILED" "'other.img' is none of the disks" --disk small.img --root other.img
	no_root "$FAILED" "driver for the root file system: .*btrfs" --disk small.img --root vda3
	no_root "$FAILED" "--modules: .*nowhere" --disk small.img --root vda1 --modules "$T/nowhere"
	no_root "$FAILED" "--modules: .*has no kernel modules" --disk small.img --root vda1 --modules "$T"
}

# --- Debian ---------------------------------------------------------------------------------------

debian() {
	slow
	img=$LAB/debian.img
	[ -e "$img" ] || skip "the lab has no Debian disk: --debian gives it one"
}

# Boots Debian with these options; the unit on it runs the script on stdin, from the second disk.
boots_debian() { # VERSION DISK-OPTIONS OPTION...
	package "$1"
	disk=$img$2
	shift 2
	{
		cat <<-'SAY'
			say() { printf '\n%s\n' "guest: $*"; }
		SAY
		cat
		echo 'poweroff'
	} | dd of=script bs=64k conv=sync 2>/dev/null
	run_vmm run --kernel "$kernel" --mem 512M --cpus 2 --disk "$disk" --disk script,ro \
		--cmdline "console=ttyAMA0 quiet" "$@"
	is "exit status of vmm" "$status" "$OFF"
	is "what vmm says" "$(cat "$T/err")" ""
	lacks "$T/text" '^vmm-init:'
}

# What every boot has to say.
debian_is_up() {
	boots_debian "$@" <<-'G'
		say "state=$(systemctl is-system-running --wait)"
		say "failed=$(systemctl --failed --plain --no-legend | cut -d' ' -f1 | xargs)"
		say "root=$(findmnt -no SOURCE,FSTYPE,LABEL,PARTUUID /)"
		say "options=$(findmnt -no OPTIONS /)"
		say "kernel=$(uname -r)"
		say "getty=$(systemctl is-active serial-getty@ttyAMA0)"
		echo gone >/root/gone && sync && say "written"
	G
	has "$T/text" '^guest: written$'
	has "$T/text" '^guest: state=running$'
	has "$T/text" '^guest: failed=$'
	has "$T/text" '^guest: root=/dev/vda1 +ext4 +debian-root +7b2e8c14-93f5-4a0d-8e61-c3d4f5061728$'
	has "$T/text" '^guest: options=rw,'
	is "kernel" "$(sed -n 's/^guest: kernel=//p' "$T/text")" "${kernel##*/vmlinuz-}"
	has "$T/text" '^guest: getty=active$'
}

test_debian_by_its_place() { debian; debian_is_up 6.1 ,snapshot --root vda1; }
test_debian_with_all_in_modules() { debian; debian_is_up 6.1-full ,snapshot --root LABEL=debian-root; }
test_debian_on_6_12() {
	debian
	debian_is_up 6.12 ,snapshot --root PARTUUID=7b2e8c14-93f5-4a0d-8e61-c3d4f5061728
}
test_debian_on_7_2() {
	debian
	debian_is_up 7.2 ,snapshot --root "$img" --modules "$LAB/package-7.2/lib/modules"
}

test_debian_keeps_what_it_writes() {
	debian
	boots_debian 6.1 '' --root UUID=5f1c9a52-7d0e-4b6a-9c11-0d2f3e4a5b60 <<-'G'
		[ -e /root/gone ] && say "it is there from a snapshot"
		head -c 20000000 /dev/urandom >/root/kept && say "sum=$(md5sum </root/kept)"
	G
	lacks "$T/text" '^guest: it is there'
	sum=$(grep '^guest: sum=' "$T/text")
	boots_debian 6.1 ,cache=none,queues=2 --root vda1 <<-'G'
		say "sum=$(md5sum </root/kept)"
		rm /root/kept
	G
	is "what the second boot finds" "$(grep '^guest: sum=' "$T/text")" "$sum"
	package 6.1
	run_vmm run --kernel "$kernel" --disk "$img,ro" --root vda1 \
		--cmdline 'console=ttyAMA0 quiet panic=-1 init=/sbin/e2fsck -- -fn /dev/vda1'
	has "$T/text" '^debian-root: [0-9]+/[0-9]+ files .* blocks$'
	lacks "$T/text" '[Ff]ix\?|errors'
	is "exit status of a kernel whose init has ended" "$status" "$PANIC"
}

# Who logs in on hvc0 gets a shell; vmm's own command line is enough for that.
test_debian_s_login_on_hvc0() {
	debian
	package 6.1
	start vmm run --kernel "$kernel" --mem 512M --disk "$img,snapshot" --root vda1 --hvc stdio
	wait_for 'debian login:'
	echo root >&7
	wait_for 'root@debian:~#'
	# shellcheck disable=SC2016 # the guest's shell expands it
	echo 'echo "tty=$(tty) $((40 + 2))"; poweroff' >&7
	wait_for 'tty=/dev/hvc0 42'
	wait_end
	is "exit status" "$status" "$OFF"
}
