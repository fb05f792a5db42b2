#!/usr/bin/env bash
# Stock firmware boots a disk: AAVMF through systemd-boot, which it remembers; U-Boot through its EFI.
. "$(dirname "$0")/lib.sh"
cat >"$work/suite.sh" <<'S'
[ -d /sys/firmware/efi ] && echo "EFI $(cat /sys/firmware/efi/fw_platform_size)"
[ -e /sys/firmware/devicetree/base/fw-cfg@9020000 ] && echo FW-CFG
mkdir -p /efi && mount -t efivarfs efivarfs /efi 2>/dev/null &&
    printf '\7\0\0\0kept' >/efi/PearTest-12345678-1234-1234-1234-123456789abc
ls /efi | grep -E '^(LoaderInfo|PearTest)'
S
export EXTRA=systemd-boot-efi,qemu-efi-aarch64,u-boot-qemu MODULES=efivarfs
use_guest suite firmware "$work/suite.sh"
aavmf=$guest/root/usr/share/AAVMF/AAVMF_CODE.no-secboot.fd uboot=$guest/root/usr/lib/u-boot/qemu_arm64/u-boot.bin

# A disk as installers make it: GPT, a system partition with the boot loader, its entry and the kernel.
esp=$work/esp@@1M
truncate -s 128M "$work/esp"
printf 'label: gpt\nstart=2048, size=258048, type=uefi\n' | sfdisk -q "$work/esp" || fail "sfdisk"
printf 'timeout 0\n' >"$work/loader.conf"
printf 'title test\nlinux /kernel\ninitrd /initrd\noptions console=ttyAMA0 quiet\n' >"$work/test.conf"
mformat -i "$esp" -F -T 258048 && mmd -i "$esp" ::EFI ::EFI/BOOT ::loader ::loader/entries &&
    mcopy -i "$esp" "$guest/root/usr/lib/systemd/boot/efi/systemd-bootaa64.efi" ::EFI/BOOT/BOOTAA64.EFI &&
    mcopy -i "$esp" "$work/loader.conf" ::loader/ && mcopy -i "$esp" "$work/test.conf" ::loader/entries/ &&
    mcopy -i "$esp" "$guest/kernel" ::kernel && mcopy -i "$esp" "$guest/initrd" ::initrd || fail "the system partition"

boot_by() { # FIRMWARE...: the root disk comes first, as the guest's initrd expects
    timeout 240 "$top/pearvisor" run --engine "${PEARVISOR_ENGINE:-auto}" --firmware "$@" --disk "$work/disk" --disk "$work/esp,ro" \
        --memory 1G --net off --display none --gpu 2d >"$work/out" 2>&1 </dev/null || fail "the run with $1" "$work/out"
    expect_lines "$work/out" '^GUEST-UP' '^EFI 64' '^FW-CFG'
}

boot_by "$aavmf,vars=$work/vars"
expect_lines "$work/out" '^LoaderInfo' '^PearTest'
fresh_disk
boot_by "$aavmf,vars=$work/vars"
[ "$(stat -c %a "$work/vars")" = 600 ] && grep -qa 'P.e.a.r.T.e.s.t' "$work/vars" || fail "the variables' file"
boot_by "$uboot"
