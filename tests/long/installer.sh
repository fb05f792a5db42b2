#!/usr/bin/env bash
# Debian's installer, from a mini.iso, installs unattended over NAT on an empty qcow2 disk; what it installed boots by firmware
# to a login. The ISO is made as Debian makes its own, of the parts in debian-installer-13-netboot-arm64
# and GRUB's image for CDs. Needs the network: the host's Debian mirror, or PEARVISOR_MIRROR (http://HOST/DIRECTORY).
. "$(dirname "$0")/../guest/lib.sh"
guest=$cache/guests/installer
export ARCHITECTURE=arm64
"$top/tools/guest" native "$guest" debian-installer-13-netboot-arm64,grub-efi-arm64-unsigned,qemu-efi-aarch64 \
    >"$work/build.log" 2>&1 || fail "cannot fetch the installer" "$work/build.log"
firmware=$guest/root/usr/share/AAVMF/AAVMF_CODE.no-secboot.fd
parts=$guest/root/usr/lib/debian-installer/images/13/arm64/text/debian-installer/arm64

make_iso() {
    local tree=$work/tree mirror
    mirror=${PEARVISOR_MIRROR:-$(apt-get indextargets --format '$(ORIGIN) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
        awk '$1 == "Debian" && $2 == "main" && $3 !~ /security/ { print $3; exit }')}
    [[ $mirror =~ ^http://([^/]+)(/.*[^/])/*$ ]] || fail "the installer needs a mirror by HTTP, not '$mirror'"
    mkdir -p "$tree/.disk" "$tree/boot/grub"
    sed "s|MIRROR_HOST|${BASH_REMATCH[1]}|; s|MIRROR_DIRECTORY|${BASH_REMATCH[2]}|" "$top/tests/long/installer.preseed" >"$work/preseed.cfg"
    (cd "$work" && echo preseed.cfg | cpio --quiet -o -H newc) >"$tree/preseed.cpio" &&
        cp "$parts/linux" "$parts/initrd.gz" "$tree/" && : >"$tree/.disk/mini-info" || fail "the ISO's files"
    cat >"$tree/boot/grub/grub.cfg" <<'G'
set timeout=0
menuentry 'Automated install' {
    linux /linux auto=true priority=critical DEBIAN_FRONTEND=text console=ttyAMA0 --- console=ttyAMA0
    initrd /initrd.gz /preseed.cpio
}
G
    local efi=$tree/boot/grub/efi.img
    truncate -s 4M "$efi" && mformat -i "$efi" :: && mmd -i "$efi" ::EFI ::EFI/BOOT &&
        mcopy -i "$efi" "$guest/root/usr/lib/grub/arm64-efi/monolithic/gcdaa64.efi" ::EFI/BOOT/BOOTAA64.EFI || fail "the EFI image"
    xorriso -as mkisofs -quiet -r -J -V mini -c boot.cat -e boot/grub/efi.img -no-emul-boot -o "$work/mini.iso" "$tree" ||
        fail "xorriso"
}

start() { # SECONDS ARGUMENT...: as process $vm
    local limit=$1
    shift
    "$top/pearvisor" run --engine "${PEARVISOR_ENGINE:-auto}" --firmware "$firmware,vars=$work/vars" --disk "$work/disk.qcow2" \
        --cpus 2 --memory 1G --gpu off --display none --serial "unix:$work/serial" --timeout "$limit" "$@" >"$work/run" 2>&1 </dev/null &
    vm=$!
}

ends() {
    local status=0
    wait $vm || status=$?
    [ $status = 0 ] || fail "exit status $status" "$work/run"
    rm -f "$work/serial"
    qemu-img check -q "$work/disk.qcow2" || fail "the image is damaged"
}

make_iso
"$top/pearvisor" disk create "$work/disk.qcow2" 4G || fail "disk create"
start 14000 --disk "$work/mini.iso,ro"
status=0
PYTHONPATH=$top/tests/support python3 "$top/tests/long/installer_session.py" "$work/serial" "$work/log" || status=$?
[ $status = 77 ] && exit 77
[ $status = 0 ] || fail "the installation" "$work/log"
ends
start 900
PYTHONPATH=$top/tests/support python3 "$top/tests/long/login_session.py" "$work/serial" "$work/log" <<<$'grep root= /proc/cmdline\npoweroff' ||
    fail "no login" "$work/log"
ends
qemu-img convert -O raw "$work/disk.qcow2" "$work/raw"
start=$(sfdisk -l -o start,type "$work/raw" | awk '/Linux filesystem/ { print $1; exit }')
dd if="$work/raw" of="$work/root" bs=512 skip="$start" conv=sparse status=none
e2fsck -fn "$work/root" >"$work/fsck" 2>&1 || fail "the file system is not clean" "$work/fsck"
