# shellcheck shell=sh
# Kernel files: every format boots, every wrong file is refused in one sentence.

quick_guest() {
	guest_script <<-'G'
		echo "release=$(uname -r)"
	G
}

boots_format() { # FILE
	quick_guest
	kernel=$LAB/kernel/$1
	boots
	has "$T/text" '^release=6\.1\.'
}

test_raw_image() { boots_format Image; }
test_gzip_image() { boots_format Image.gz; }
test_zstd_image() {
	slow
	boots_format Image.zst
}
test_efi_zboot_gzip() {
	slow
	boots_format zboot-gzip
}
test_efi_zboot_zstd22() { boots_format zboot-zstd22; }
test_efi_zboot_zstd() {
	slow
	boots_format zboot-zstd
}
test_elf_vmlinux() { boots_format vmlinux; }

test_bare_metal_binary_with_image_header() {
	run_vmm run --kernel "$LAB/kernel/bare-off" --mem 16M
	is "exit status" "$status" "$OFF"
	is "output" "$(cat "$T/out")" bare
}

test_default_command_line_gives_a_console() {
	guest_script <<-'G'
		echo "unused"
	G
	start vmm run --kernel "$IMAGE" --initrd "$GUEST"
	wait_for '^This is the guest'
	echo poweroff -f >&7
	wait_end
	is "exit status" "$status" "$OFF"
}

test_without_initrd_the_guest_panics_for_want_of_a_root() {
	run_vmm run --kernel "$IMAGE" --cmdline "console=ttyAMA0 panic=-1"
	has "$T/text" 'Unable to mount root fs'
	is "exit status" "$status" "$PANIC"
}

test_initrd_of_odd_size_arrives_whole() {
	guest_script <<-'G'
		echo "sum=$(md5sum </tests/blob | cut -d' ' -f1)"
	G
	mkdir -p "$T/add/tests"
	head -c 3000001 "$IMAGE" >"$T/add/tests/blob"
	(cd "$T/add" && echo tests/blob | cpio -o -H newc 2>/dev/null) >>"$T/initrd"
	boots
	has "$T/text" "^sum=$(md5sum <"$T/add/tests/blob" | cut -d' ' -f1)\$"
}

refuses() { # FILE REGEX
	run_vmm run --kernel "$1" --initrd "$GUEST"
	is "exit status" "$status" "$FAILED"
	one_sentence "${1##*/}"
	has "$T/err" "$2"
}

test_absent_kernel_is_refused() { refuses "$T/nothing" 'No such file'; }
test_empty_kernel_is_refused() { : >"$T/nil"; refuses "$T/nil" 'empty'; }
test_directory_is_refused() { mkdir "$T/folder"; refuses "$T/folder" 'directory'; }

test_text_file_is_refused() {
	yes 'this is no kernel' | head -n 1000 >"$T/prose"
	refuses "$T/prose" 'not a|no kernel|unknown|neither'
}

test_x86_bzimage_is_refused() {
	{ head -c 510 /dev/zero; printf '\125\252'; printf '\353\146HdrS\0\0'; head -c 8192 /dev/zero; } >"$T/bz"
	refuses "$T/bz" 'x86'
}

test_elf_of_another_machine_is_refused() {
	# An x86-64 executable: e_machine is 62.
	{ printf '\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\76\0\1\0\0\0'; head -c 8192 /dev/zero; } >"$T/x86.elf"
	refuses "$T/x86.elf" 'x86|machine|arm64|AArch64'
}

test_truncated_image_is_refused() {
	head -c 40 "$IMAGE" >"$T/cut"
	refuses "$T/cut" 'short|truncated|not a|neither|header'
}

test_truncated_gzip_is_refused() {
	head -c 100000 "$LAB/kernel/Image.gz" >"$T/cut.gz"
	refuses "$T/cut.gz" 'gzip|truncated|short|end'
}

test_damaged_zstd_is_refused() {
	{ head -c 500000 "$LAB/kernel/Image.zst"; head -c 9000000 /dev/zero; } >"$T/bad.zst"
	refuses "$T/bad.zst" 'zstd|damaged|corrupt'
}

test_truncated_zboot_is_refused() {
	head -c 200000 "$LAB/kernel/zboot-gzip" >"$T/cut.efi"
	refuses "$T/cut.efi" 'truncated|short|end|payload'
}

test_truncated_elf_is_refused() {
	head -c 200000 "$LAB/kernel/vmlinux" >"$T/cut.elf"
	refuses "$T/cut.elf" 'truncated|short|end|segment'
}

test_kernel_too_big_for_the_memory_is_refused() {
	run_vmm run --kernel "$IMAGE" --mem 16M
	is "exit status" "$status" "$FAILED"
	one_sentence 'Image'
	has "$T/err" 'mem|fit'
}

test_initrd_too_big_for_the_memory_is_refused() {
	dd if=/dev/zero of="$T/huge" bs=1 count=0 seek=200M 2>/dev/null ||
		dd if=/dev/zero of="$T/huge" bs=1 count=0 seek=209715200 2>/dev/null
	run_vmm run --kernel "$IMAGE" --initrd "$T/huge" --mem 128M
	is "exit status" "$status" "$FAILED"
	one_sentence 'initrd.*200.*128'
}
