#!/usr/bin/env bash
# Kept machines: errors, configurations, and a whole life, with a kernel that only turns on the spot.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
export XDG_DATA_HOME=$work/data HOME=$work
vms=$XDG_DATA_HOME/pearvisor/vms
trap 'for name in one two three big big2 big3 live net; do "$top/pearvisor" stop $name --force 2>/dev/null; done; rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0

fail() {
    echo "FAIL: $1"
    failures=$((failures + 1))
}

pv() {
    timeout 60 "$top/pearvisor" "$@" </dev/null
}

refused() { # STATUS PATTERN ARGUMENT...: one line on stderr that matches
    local status=$1 pattern=$2 got=0
    shift 2
    pv "$@" >out 2>err || got=$?
    [ "$got" = "$status" ] && [ "$(wc -l <err)" = 1 ] && grep -qE "$pattern" err || fail "$*: status $got (expected $status): $(cat err)"
}

works() { # ARGUMENT...
    pv "$@" >out 2>err || fail "$*: status $?: $(cat err)"
}

says() { # PATTERN, in what the last command printed
    grep -qE "$1" out || fail "no '$1' in: $(cat out)"
}

state_is() { # NAME STATE
    pv status "$1" --json | grep -q "\"state\":\"$2\"" || fail "$1 is not $2: $(pv status "$1")"
}

process_of() {
    pv status "$1" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["pid"])'
}

# A kernel header that the loader accepts; its first instruction branches to itself (arm64/booting.rst).
python3 - <<'P'
import struct
open("kernel", "wb").write(struct.pack("<IIQQQQQQ4sI", 0x14000000, 0, 0, 0x10000, 0xa, 0, 0, 0, b"ARM\x64", 0) + bytes(0x10000 - 64))
open("image", "wb").write(b"an image" + bytes(1 << 20))
P

# --- what is refused, and leaves nothing
refused 2 'usage: pearvisor create' create
refused 2 'a name has' create ../evil --kernel kernel
refused 2 'a name has' create .hidden --kernel kernel
refused 2 'a name has' create "$(printf 'x%.0s' $(seq 64))" --kernel kernel
refused 2 'cpus 0: expected' create one --kernel kernel --cpus 0
refused 2 'kernel nowhere: No such file' create one --kernel nowhere
refused 2 'disk nowhere,ro: No such file' create one --kernel kernel --disk nowhere,ro
refused 2 'image nowhere: No such file' create one --image nowhere
refused 2 'disk-size: the image is larger' create one --image image --disk-size 512K
refused 2 'line break' create one --kernel kernel --append $'a\nb'
refused 2 'unknown option' create one --frobnicate
refused 2 "no virtual machine 'one'" start one
[ -z "$(find "$XDG_DATA_HOME" -mindepth 3 2>/dev/null)" ] || fail "something is left: $(find "$XDG_DATA_HOME")"

# --- making one
works create one --kernel kernel --image image --disk-size 4M --cpus 1 --memory 64M --gpu off --net off
[ "$(stat -c %a "$vms/one")" = 700 ] || fail "others may look into the directory"
[ "$(stat -c %s "$vms/one/disk.img")" = $((4 << 20)) ] && cmp -n 8 image "$vms/one/disk.img" || fail "the disk is no copy of the image"
refused 2 "'one' already" create one --kernel kernel
state_is one created
works list && says '^one +created +1 +64 '
refused 2 'it does not run \(it is created\)' pause one
refused 2 'it does not run' console one
refused 2 'it does not run' screenshot one shot.png

# --- its configuration
works set one cpus=2 user=me
works set one user=
grep -qx 'cpus = 2' "$vms/one/config" && ! grep -q user "$vms/one/config" || fail "set: $(cat "$vms/one/config")"
refused 2 'cpus=99: expected' set one cpus=99
refused 2 'colour=red: no such key' set one colour=red
refused 2 'colour=: no such key' set one colour=
refused 2 'expected KEY=VALUE' set one cpus
EDITOR="sed -i s/64M/96M/" works edit one
grep -qx 'memory = 96M' "$vms/one/config" || fail "edit changed nothing"
EDITOR="sed -i s/96M/1X/" refused 2 'config.edited:[0-9]+: memory = 1X: expected' edit one
EDITOR=false refused 2 'editor' edit one
EDITOR="$top/pearvisor set one cpus=1; true" refused 2 'has changed meanwhile' edit one
works set one cpus=2
rm "$vms/one/config.edited"
grep -qx 'memory = 96M' "$vms/one/config" || fail "a failed edit changed the configuration"
rm -f "$vms/one/config.edited"
echo 'colour = red' >>"$vms/one/config"
refused 2 '/one/config:[0-9]+: colour = red: no such key' start one
refused 2 '/one/config:[0-9]+: colour = red: no such key' set one cpus=1
works list && says '^one +created +0 '
sed -i '/colour/d' "$vms/one/config"
works set one "disk=$work/nowhere"
refused 2 "disk $work/nowhere: No such file" start one
state_is one created
works set one disk=disk.img

# --- a life
works start one
state_is one running
[ "$(stat -c %a "$vms/one/control")$(stat -c %a "$vms/one/console")" = 600600 ] || fail "others may use the sockets"
refused 2 'running \(process [0-9]+\)' start one
refused 2 'running' delete one
refused 2 'no screen' screenshot one shot.png
refused 2 'no port for ssh' ssh one true
works set one cpus=1 && says 'next start'
works pause one
state_is one paused
pid=$(process_of one)
ticks() { awk '{ print $14 }' "/proc/$pid/stat"; } # of its CPUs: nothing of the guest runs in the kernel
before=$(ticks)
sleep 0.5
[ $(($(ticks) - before)) -lt 5 ] || fail "a paused machine computes"
refused 2 'it is paused: only' pause one
works resume one
refused 2 'not paused' resume one
works reset one
state_is one running
refused 1 'did not power off within 0.2 s' stop one --timeout 0.2
state_is one running
printf 'nonsense\n{"jsonrpc":"2.0","method":"version","id":1}\n' | timeout 5 socat -t 1 - "UNIX-CONNECT:$vms/one/control" >answers
grep -q -- '-32700' answers && grep -q '"protocol":1' answers || fail "the control socket: $(cat answers)"
python3 "$top/tests/cli/control_nonsense.py" "$vms/one/control" "$work" || fail "nonsense on the control socket"
state_is one running
works stop one --force
state_is one stopped
[ ! -e "$vms/one/control" ] && [ ! -e "$vms/one/console" ] || fail "sockets are left"
works logs one && says 'starting' && says 'stopped'

# --- crashes
works start one
pid=$(process_of one)
kill -9 "$pid"
while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
state_is one crashed
works start one
grep -qE "one: its process was killed or crashed.*process $pid" err || fail "nothing about the crash: $(cat err)"
works stop one --force
sed -i "s/.*/running 4242 00000000-0000-0000-0000-000000000000/" "$vms/one/lock"
works start one
grep -q 'the host went down' err || fail "nothing about the host's crash: $(cat err)"
# SIGTERM is a shutdown: the guest gets the power key, the second one ends it.
pid=$(process_of one)
kill -TERM "$pid"
sleep 0.3
state_is one stopping
kill -TERM "$pid"
while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
state_is one stopped

# --- its network: forwards that come and go while it runs
free_port() { python3 -c 'import socket, sys; s = socket.socket(type=getattr(socket, sys.argv[1])); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])' "SOCK_$1"; }
works create net --kernel kernel --cpus 1 --memory 64M --gpu off --net "user,capture=net.pcap" --ssh off
grep -qx "net = user,capture=$work/net.pcap" "$vms/net/config" || fail "the capture: $(cat "$vms/net/config")"
refused 2 'it does not run' forward net
refused 2 'usage: pearvisor forward' forward
refused 2 'usage: pearvisor forward' forward net add
refused 2 'usage: pearvisor forward' forward net list tcp:1-2
refused 2 "no virtual machine 'nobody'" forward nobody
works start net
works forward net
[ ! -s out ] || fail "forwards from nowhere: $(cat out)"
tcp=$(free_port STREAM) udp=$(free_port DGRAM)
works forward net add "tcp:$tcp-80"
works forward net add "udp:0.0.0.0:$udp-53"
works forward net list && says "^tcp:127.0.0.1:$tcp-80$" && says "^udp:0.0.0.0:$udp-53$"
python3 -c 'import socket, sys; socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)' "$tcp" || fail "nothing listens on $tcp"
refused 2 'forwarded already' forward net add "tcp:$tcp-81"
refused 2 'no such forward' forward net remove "tcp:$tcp-81"
refused 2 'expected tcp:' forward net add "sctp:$tcp-81"
works forward net remove "tcp:$tcp-80"
python3 -c 'import socket, sys; socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)' "$tcp" 2>/dev/null && fail "$tcp is still open"
python3 -c 'import socket, sys, time; s = socket.create_server(("127.0.0.1", int(sys.argv[1]))); print(flush=True); time.sleep(60)' "$tcp" >listening &
while [ ! -s listening ]; do sleep 0.05; done
refused 2 "port $tcp of 127.0.0.1: another program uses it" forward net add "tcp:$tcp-80"
kill $!
works stop net --force
works set net net=off
works start net
refused 2 'it has no network' forward net add "tcp:$tcp-80"
works stop net --force
works delete net

# --- a disk with much in it: a base that both share, and what each writes from then on
head -c 40000000 /dev/urandom >large
truncate -s 40M large
works create big --kernel kernel --image large --memory 64M --gpu off --net off
works clone big big2
works clone big2 big3 # nothing was written: as it is
[ "$(cat "$vms"/big*/disk.qcow2 | wc -c)" -lt 8000000 ] || fail "clones copied their data"
grep -qx 'disk = disk.qcow2' "$vms/big/config" && cmp -s "$vms/big/config" "$vms/big2/config" && [ ! -e "$vms/big/disk.img" ] ||
    fail "the configurations: $(cat "$vms/big/config" "$vms/big2/config")"
works start big
works stop big --force
works delete big
for name in big2 big3; do
    works disk convert "$vms/$name/disk.qcow2" read --format raw
    cmp -s large read || fail "$name lost data with the machine that it was cloned from"
    rm -f read
done
works start big2
works start big3
works stop big2 --force
works stop big3 --force
works delete big2
works delete big3
# An image is needed also by what lies upon it through a base.
works disk create stock.qcow2 8M
works image import stock.qcow2 stock --kernel kernel
works create big --image stock --memory 64M --gpu off --net off
fallocate -o 1M -l 20M "$vms/big/disk.qcow2"
works clone big big2
works delete big
refused 2 "the disk of 'big2' needs it" image remove stock
works disk check "$vms/big2/disk.qcow2"
works delete big2
works image remove stock

# --- the same while it runs, its disks raw, qcow2 and small; and they become larger
holds() { # NAME FILE: of the disk that the configuration names
    local disk
    disk=$(sed -n 's/^disk = \([a-z0-9.-]*\).*/\1/p' "$vms/$1/config" | head -1)
    rm -f read
    works disk convert "$vms/$1/$disk" read --format raw
    cmp -s -n 40000000 "$2" read || fail "$1: its $disk has another content"
}
size_is() { # FILE BYTES
    works disk info "$1" --json
    says "\"size\":$2[,}]"
}
works create live --kernel kernel --image large --memory 64M --gpu off --net off
"$top/pearvisor" disk convert large "$vms/live/second.qcow2"
cp image "$vms/live/third.img"
works set live disk= # in the order of the lines
printf 'disk = disk.img\ndisk = second.qcow2\ndisk = third.img,format=raw\n' >>"$vms/live/config"
works start live
works clone live big
works pause live
works clone live big2 # upon the overlays, which are small
state_is live paused
works resume live
[ "$(grep ^disk "$vms/live/config" | tr '\n' ' ')" = 'disk = disk.qcow2 disk = second.qcow2 disk = third.img,format=raw ' ] ||
    fail "the configuration: $(cat "$vms/live/config")"
refused 2 'in use by another process' disk check "$vms/live/disk.qcow2"
works disk resize "$vms/live/second.qcow2" 60M
works disk resize "$vms/live/third.img" 3M
refused 2 'cannot become smaller' disk resize "$vms/live/second.qcow2" 50M
refused 2 'only while its machine does not run' disk resize "$vms/live/second.qcow2" 50M --shrink
printf '{"jsonrpc":"2.0","method":"disk_resize","params":{"path":"/etc/passwd","size":1048576},"id":1}
{"jsonrpc":"2.0","method":"clone","params":{"path":"%s/live"},"id":2}
{"jsonrpc":"2.0","method":"clone","params":{"path":"/tmp"},"id":3}\n' "$vms" | timeout 5 socat -t 1 - "UNIX-CONNECT:$vms/live/control" >answers
[ "$(grep -c '"code":1,' answers)" = 3 ] && grep -q 'no disk of this' answers && grep -q 'empty directory beside' answers ||
    fail "answers: $(cat answers)"
pid=$(process_of live)
kill -9 "$pid"
while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
for name in live big big2; do
    holds $name large
    rm -f read
    works disk convert "$vms/$name/second.qcow2" read --format raw
    cmp -s -n 41943040 large read || fail "$name: its second disk has another content"
done
size_is "$vms/live/second.qcow2" $((60 << 20))
size_is "$vms/big/second.qcow2" $((40 << 20))
[ "$(stat -c %s "$vms/live/third.img")" = $((3 << 20)) ] || fail "the third disk has another size"
for name in live big big2; do works delete $name; done
# Killed at any moment of it, the machine has its disk, and starts.
for delay in 0 1 2 3 4 5 6 8 10 15 20 30; do
    works create live --kernel kernel --image large --memory 64M --gpu off --net off
    works start live
    pid=$(process_of live)
    pv clone live big 2>/dev/null &
    sleep "0.$(printf %03d $((delay * 2)))"
    kill -9 "$pid"
    wait $!
    while kill -0 "$pid" 2>/dev/null; do sleep 0.02; done
    holds live large
    works clone live big2
    [ -z "$(ls -A "$vms/live" | grep -E '^\.(next|clone)')" ] || fail "the interrupted clone left: $(ls -A "$vms/live")"
    works start live
    works stop live --force
    holds big2 large
    [ ! -e "$vms/big" ] || { holds big large && works delete big; }
    works delete live
    works delete big2
done

# --- copies, several at once, and the end
works clone one two
works clone one three
refused 2 "'two' already" clone one two
cmp -s "$vms/one/disk.img" "$vms/two/disk.img" || fail "the clone's disk is another"
for name in one two three; do pv start $name & done
wait
[ "$(pv list --json | grep -o '"state":"running"' | wc -l)" = 3 ] || fail "not all three run: $(pv list)"
kill -9 "$(process_of two)"
sleep 0.2
state_is one running
state_is two crashed
state_is three running
for name in one three; do works stop $name --force; done
for name in one two three; do works delete $name; done
[ -z "$(ls -A "$vms")" ] || fail "something is left: $(find "$vms")"
exit $((failures > 0))
