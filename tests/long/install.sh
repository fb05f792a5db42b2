#!/usr/bin/env bash
# Debian is installed over NAT on an empty qcow2 disk, by debootstrap in a guest, with a kernel and GRUB of its own; what comes out
# boots by firmware and directly, each to a login, also with what was changed in the guest. Needs the host's Debian mirror, or
# PEARVISOR_MIRROR.
. "$(dirname "$0")/../guest/lib.sh"
mirror=${PEARVISOR_MIRROR:-$(apt-get indextargets --format '$(ORIGIN) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
    awk '$1 == "Debian" && $2 == "main" && $3 !~ /security/ { print $3; exit }')}
sed "s|@MIRROR@|${mirror%/}|" "$top/tests/long/install.suite" >"$work/suite.sh"
export EXTRA=debootstrap,wget,perl-base,dpkg,xz-utils,zstd,gpgv,debian-archive-keyring,fdisk,e2fsprogs,dosfstools,iproute2
EXTRA+=,qemu-efi-aarch64
export MODULES="vfat nls_cp437 nls_ascii"
use_guest suite install "$work/suite.sh"
"$top/pearvisor" disk create "$work/disk.qcow2" 3G || fail "disk create"
"${boot[@]}" --disk "$work/disk" --disk "$work/disk.qcow2" --cpus 2 --memory 2G --gpu off --display none \
    --timeout "${PEARVISOR_INSTALL_SECONDS:-5000}" >"$work/out" 2>&1 </dev/null
expect_lines "$work/out" '^INSTALLED'
grep -E '^[a-z]+: [0-9]+ s' "$work/out"

boots() { # COMMANDS PEARVISOR-OPTION...: to a login, with the commands in its shell
    local commands=$1 status=0
    shift
    "$top/pearvisor" run --engine "${PEARVISOR_ENGINE:-auto}" "$@" --disk "$work/disk.qcow2" --cpus 2 --memory 1G --gpu off --display none \
        --net off --serial "unix:$work/serial" --timeout 900 >"$work/run" 2>&1 </dev/null &
    PYTHONPATH=$top/tests/support python3 "$top/tests/long/login_session.py" "$work/serial" "$work/log" <<<"$commands" >"$work/session" ||
        fail "no session: $(cat "$work/session")" "$work/log"
    cat "$work/session"
    wait $! || status=$?
    [ $status = 0 ] || fail "exit status $status" "$work/run"
    rm -f "$work/serial"
    qemu-img check -q "$work/disk.qcow2" || fail "the image is damaged"
}

firmware=$guest/root/usr/share/AAVMF/AAVMF_CODE.no-secboot.fd
boots 'systemctl is-system-running --wait || { systemctl --failed; false; }
grep ^BOOT_IMAGE=/boot/vmlinuz-.*root=UUID= /proc/cmdline && [ -d /sys/firmware/efi ]
sed -i "s/console=ttyAMA0/& changed=once/" /etc/default/grub.d/serial.cfg && update-grub 2>&1 && sync
poweroff' --firmware "$firmware,vars=$work/vars"
# Directly: as the guest has changed it; and after a reboot, the kernel that it has installed meanwhile.
boots '[ ! -d /sys/firmware/efi ] && grep ^BOOT_IMAGE=/boot/vmlinuz-.*root=UUID=.*changed=once /proc/cmdline
cd /boot && cp vmlinuz-* vmlinuz-99-new && cp initrd.img-* initrd.img-99-new && update-grub 2>&1 && sync
poweroff'
boots 'grep ^BOOT_IMAGE=/boot/vmlinuz-99-new /proc/cmdline
poweroff'
boots 'grep ^BOOT_IMAGE=/boot/vmlinuz-99-new /proc/cmdline
poweroff' --firmware "$firmware,vars=$work/vars"
qemu-img convert -O raw "$work/disk.qcow2" "$work/raw" && dd if="$work/raw" of="$work/root" bs=1M skip=65 conv=sparse status=none
e2fsck -fn "$work/root" >"$work/fsck" 2>&1 || fail "the file system is not clean" "$work/fsck"
