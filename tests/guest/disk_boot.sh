#!/usr/bin/env bash
# A GPT disk boots by its own grub.cfg, without a kernel or firmware given, from raw and from an overlay on qcow2: /boot is a partition
# of its own, with two initrds. A reset boots what the guest has changed there meanwhile.
. "$(dirname "$0")/lib.sh"
cat >"$work/suite.sh" <<'S'
echo "BOOTED $(cat /proc/cmdline)"
grep -q once /proc/cmdline && mkdir boot && mount -t ext4 /dev/vda2 boot && sed -i s/once/again/ boot/grub/grub.cfg && umount boot && busybox reboot -f
S
use_guest suite small "$work/suite.sh"

# The guest's initrd mounts /dev/vda; the second one replaces its init with one that mounts the third partition.
mkdir "$work/init" "$work/boot" "$work/boot/grub"
(cd "$work/init" && zcat "$guest/initrd" | cpio --quiet -i init && sed -i 's|/dev/vda|/dev/vda3|g' init && echo init | cpio --quiet -o -H newc) \
    >"$work/boot/second.img" || fail "the second initrd"
cp "$guest/kernel" "$work/boot/vmlinuz-1"
cp "$guest/initrd" "$work/boot/initrd.img-1"
uuid=01234567-89ab-cdef-0123-456789abcdef
cat >"$work/boot/grub/grub.cfg" <<G
set default="0"
menuentry 'Debian' --class os \$menuentry_id_option 'debian' {
	insmod part_gpt
	if [ x\$feature_platform_search_hint = xy ]; then
	  search --no-floppy --fs-uuid --set=root --hint-efi=hd0,gpt2 $uuid
	else
	  search --no-floppy --fs-uuid --set=root $uuid
	fi
	linux /vmlinuz-1 root=/dev/vda3 console=ttyAMA0 quiet once
	initrd /initrd.img-1 /second.img
}
G
truncate -s 3400M "$work/gpt"
printf 'label: gpt\nsize=16M, type=uefi\nsize=256M\ntype=linux\n' | sfdisk -q "$work/gpt" || fail "sfdisk"
mke2fs -q -F -t ext4 -U $uuid -E offset=$((17 << 20)) -d "$work/boot" "$work/gpt" 256M || fail "/boot"
dd if="$guest/disk" of="$work/gpt" bs=1M seek=273 conv=notrunc,sparse status=none

boots() { # DISK
    "$top/pearvisor" run --engine "${PEARVISOR_ENGINE:-auto}" --disk "$1" --append added --memory 512M --gpu off --net off --display none \
        --timeout 200 >"$work/out" 2>&1 </dev/null || fail "$1: exit status $?" "$work/out"
    expect_lines "$work/out" '^BOOTED BOOT_IMAGE=/vmlinuz-1 root=/dev/vda3 console=ttyAMA0 quiet once added' \
        '^BOOTED BOOT_IMAGE=/vmlinuz-1 root=/dev/vda3 console=ttyAMA0 quiet again added'
}

qemu-img convert -O qcow2 "$work/gpt" "$work/base.qcow2"
"$top/pearvisor" disk create "$work/overlay.qcow2" --backing "$work/base.qcow2" || fail "the overlay"
boots "$work/gpt"
boots "$work/overlay.qcow2"
