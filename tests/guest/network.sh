#!/usr/bin/env bash
# The network of guests that are busybox and a shell: what a capture holds, forwards that are changed while they run, one
# that is isolated, and two that know each other by name.
. "$(dirname "$0")/lib.sh"
echo true >"$work/suite.sh"
use_guest suite small "$work/suite.sh"
mkdir -p "$work/overlay"
cat >"$work/overlay/net_init" <<'S'
#!/bin/busybox sh
/bin/busybox mkdir -p /etc /tmp /sbin /usr/bin /usr/sbin
/bin/busybox --install -s
export PATH=/bin:/sbin:/usr/bin:/usr/sbin PS1= PS2=
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
while read -r module; do insmod /mod/$module; done </mod/order
ip link set lo up; ip link set eth0 up
udhcpc -i eth0 -n -q -t 20 -T 1 -s /net_dhcp >/tmp/dhcp 2>&1 || echo "NO-DHCP $(tail -n 1 /tmp/dhcp)"
echo "ADDRESS $(cat /tmp/address)"
grep -qw once /proc/cmdline && poweroff -f
stty -echo
echo "shell-is-$((40 + 2))"
exec setsid cttyhack sh
S
cat >"$work/overlay/net_dhcp" <<'S'
#!/bin/sh
[ "$1" = bound ] || exit 0
ip address add "$ip/$mask" dev eth0
ip route add default via "$router"
echo "nameserver $dns
search $domain" >/etc/resolv.conf
echo "$ip $domain" >/tmp/address
S
chmod +x "$work"/overlay/net_*
aarch64-linux-gnu-gcc -std=gnu17 -O2 -static "$here/udp_echo.c" -o "$work/overlay/udp_echo" || fail "cannot compile udp_echo"
(gzip -dc "$guest/initrd"; cd "$work/overlay" && find . | cpio -o -H newc --quiet) >"$work/initrd"
append="console=ttyAMA0 quiet rdinit=/net_init"

"${boot[@]}" --initrd "$work/initrd" --memory 256M --cpus 1 --gpu off --net "user,capture=$work/run.pcap" --display none --timeout 120 \
    --append "$append once" >"$work/out" 2>&1 </dev/null || fail "exit status $?" "$work/out"
expect_lines "$work/out" '^ADDRESS 10.0.2.15 *'
PYTHONPATH=$top/tests/support python3 "$here/network_session.py" dhcp "$work/run.pcap" || exit 1

export XDG_DATA_HOME=$work/data
pv() { timeout 120 "$top/pearvisor" "$@" </dev/null; }
trap 'for name in a b alone; do pv stop $name --force 2>/dev/null; done; rm -rf "$work"' EXIT
make() { # NAME NET
    pv create "$1" --kernel "$guest/kernel" --initrd "$work/initrd" --memory 256M --cpus 1 --gpu off --append "$append" \
        --engine "${PEARVISOR_ENGINE:-auto}" --net "$2" --ssh off || fail "create $1"
    pv start "$1" || fail "start $1"
}
make a user
make b user
make alone "isolated,capture=$work/alone.pcap"
PYTHONPATH=$top/tests/support python3 "$here/network_session.py" machines "$top/pearvisor" "$XDG_DATA_HOME/pearvisor/vms" || exit 1
kill -9 "$(pv status alone --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["pid"])')"
PYTHONPATH=$top/tests/support python3 "$here/network_session.py" dhcp "$work/alone.pcap" || exit 1
