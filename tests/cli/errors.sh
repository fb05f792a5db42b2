#!/usr/bin/env bash
# What a user gets wrong ends in one line that names it and in status 2, and nothing is created or changed.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0

expect() { # STATUS PATTERN ARGUMENT...
    local status=$1 pattern=$2 got=0 before after
    shift 2
    before=$(find . -printf '%p %s %T@ %m\n' | sort)
    timeout 20 "$top/pearvisor" "$@" >out 2>err </dev/null || got=$?
    local lines message
    lines=$(grep -c '' err)
    message=$(cat err)
    rm -f out err
    after=$(find . -printf '%p %s %T@ %m\n' | sort)
    if [ "$got" != "$status" ] || [ "$lines" != 1 ] || ! grep -qE "$pattern" <<<"$message"; then
        echo "FAIL: pearvisor $*: status $got (expected $status), $lines lines: $message"
        failures=$((failures + 1))
    fi
    if [ "$(sed '1d' <<<"$before")" != "$(sed '1d' <<<"$after")" ]; then
        echo "FAIL: pearvisor $*: files were created or changed:"
        diff <(echo "$before") <(echo "$after")
        failures=$((failures + 1))
    fi
}

# A kernel header that the loader accepts, to get past it: one instruction, then zeroes (arm64/booting.rst).
python3 - <<'P'
import struct
head = struct.pack("<IIQQQQQQ4sI", 0x14000000, 0, 0, 0x10000, 0xa, 0, 0, 0, b"ARM\x64", 0)
open("kernel", "wb").write(head + bytes(0x10000 - len(head)))
open("big-endian", "wb").write(struct.pack("<IIQQQQQQ4sI", 0x14000000, 0, 0, 0x10000, 1, 0, 0, 0, b"ARM\x64", 0) + bytes(65472))
open("truncated", "wb").write(head[:40])
open("huge", "wb").write(struct.pack("<IIQQQQQQ4sI", 0x14000000, 0, 0, 1 << 40, 0xa, 0, 0, 0, b"ARM\x64", 0) + bytes(65472))
P
echo "this is no kernel, it is a text" >text
printf '\x1f\x8b\x08\x00nonsense nonsense' >bad-gzip
: >empty
mkdir folder read-only
truncate -s 1M disk
cp disk protected
chmod 444 protected
run="run --display none --timeout 5"

expect 2 'unknown command' frobnicate
expect 2 '\-\-kernel FILE or \-\-firmware FILE is missing' run
expect 2 'no kernel to boot on 1 partition .*--firmware FILE or --kernel FILE' $run --disk disk
expect 2 'initrd is given, but no kernel' $run --disk disk --initrd kernel
expect 2 'unknown option' $run --kernel kernel --frobnicate
expect 2 'value is missing' run --kernel
expect 2 'nowhere' $run --kernel nowhere
expect 2 'text' $run --kernel text
expect 2 'truncated' $run --kernel truncated
expect 2 'bad-gzip' $run --kernel bad-gzip
expect 2 'empty' $run --kernel empty
expect 2 'folder' $run --kernel folder
expect 2 'big.endian' $run --kernel big-endian
expect 2 'huge' $run --kernel huge
expect 2 'firmware nowhere: No such' $run --firmware nowhere
expect 2 'firmware empty: is empty' $run --firmware empty
expect 2 'firmware folder: is not' $run --firmware folder
expect 2 'variables folder: Is a dir' $run --firmware text,vars=folder
expect 2 'cannot be given with it' $run --firmware text --kernel kernel
expect 2 'nowhere: No such' $run --kernel kernel --share nowhere
expect 2 'text: Not a dir' $run --kernel kernel --share text
expect 2 'expected a tag' $run --kernel kernel --share /
expect 2 'up to 31 bytes' $run --kernel kernel --share folder,0123456789abcdef0123456789abcdef
expect 2 'nowhere' $run --kernel kernel --initrd nowhere
expect 2 'folder' $run --kernel kernel --initrd folder
expect 2 'folder' $run --kernel kernel --disk folder
expect 2 'nowhere' $run --kernel kernel --disk nowhere
expect 2 'not a qcow2 image' $run --kernel kernel --disk disk,format=qcow2
expect 2 'format=raw or format=qcow2' $run --kernel kernel --disk disk,format=vmdk
expect 2 'disk frobnicate' disk frobnicate
expect 2 'nowhere' disk info nowhere
expect 2 'cpus 0' $run --kernel kernel --cpus 0
expect 2 'cpus 99' $run --kernel kernel --cpus 99
expect 2 'cpus two' $run --kernel kernel --cpus two
expect 2 'cpus -1' $run --kernel kernel --cpus -1
expect 2 'memory' $run --kernel kernel --memory 100T
expect 2 'memory' $run --kernel kernel --memory 1
expect 2 'memory' $run --kernel kernel --memory lots
expect 2 'memory' $run --kernel kernel --memory 99999999999999999999
expect 2 'engine' $run --kernel kernel --engine warp
expect 2 'gpu' $run --kernel kernel --gpu 9d
expect 2 'outputs=N' $run --kernel kernel --gpu 2d,outputs=17
expect 2 'outputs=N' $run --kernel kernel --gpu 2d,outputs=0
expect 2 'outputs=N' $run --kernel kernel --gpu 2d,inputs=1
expect 2 'window=SIZE' $run --kernel kernel --gpu 3d,outputs=2,window=1
RENDER_SERVER_EXEC_PATH=/nowhere expect 2 'virglrenderer' $run --kernel kernel --gpu 3d
expect 2 'resolution' $run --kernel kernel --resolution 0x0
expect 2 'resolution' $run --kernel kernel --resolution 1280
expect 2 'timeout' $run --kernel kernel --timeout never
expect 2 'net' $run --kernel kernel --net carrier-pigeon
expect 2 'forward' $run --kernel kernel --net user,forward=tcp:99999-22
expect 2 'forward' $run --kernel kernel --net user,forward=22
expect 2 'forward=tcp:1.2.3:99-22: expected' $run --kernel kernel --net user,forward=tcp:1.2.3:99-22
expect 2 'no such address' $run --kernel kernel --net isolated,forward=tcp:192.0.2.1:9999-22
expect 2 'forward.* or capture' $run --kernel kernel --net off,capture=file.pcap
expect 2 'nowhere/file.pcap: cannot create' $run --kernel kernel --net user,capture=nowhere/file.pcap
expect 2 'serial' $run --kernel kernel --serial morse
expect 2 'nowhere/log' $run --kernel kernel --serial file:nowhere/log
expect 2 'nowhere/shot.png' $run --kernel kernel --screenshot nowhere/shot.png
expect 2 'folder' $run --kernel kernel --screenshot folder
DISPLAY=:77777 expect 2 'window' run --kernel kernel --display window --timeout 5
expect 2 'gpu 2d' run --kernel kernel --display window --gpu off --timeout 5
# The last check comes after the serial port was given: its file must not be there then.
expect 2 'nowhere' $run --kernel kernel --serial file:log --screenshot nowhere/shot.png
expect 2 'nowhere' $run --kernel kernel --serial file:log --disk nowhere
expect 2 'nowhere' $run --kernel kernel --profile nowhere/folded
expect 2 'nowhere' $run --kernel kernel --profile folded,symbols=nowhere
expect 2 'symbols=FILE' $run --kernel kernel --profile folded,names=nowhere

python3 - >port <<'P' &
import socket, sys, time
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(); print(s.getsockname()[1], flush=True); time.sleep(60)
P
listener=$!
while [ ! -s port ]; do sleep 0.1; done
expect 2 "$(cat port)" $run --kernel kernel --net "user,forward=tcp:$(cat port)-22"
kill $listener
wait $listener 2>/dev/null

# As root, permissions stop nobody; a process without the capability sees them.
if [ "$(id -u)" = 0 ]; then
    chmod 755 "$work"
    chmod 555 read-only
    drop="setpriv --reuid=65534 --regid=65534 --clear-groups"
    if $drop "$top/pearvisor" --version >/dev/null 2>&1; then
        for arguments in "--screenshot read-only/shot.png" "--disk protected"; do
            got=0
            # shellcheck disable=SC2086
            message=$($drop "$top/pearvisor" $run --kernel kernel $arguments 2>&1 </dev/null) || got=$?
            if [ $got != 2 ] || [ "$(wc -l <<<"$message")" != 1 ]; then
                echo "FAIL: as nobody, $arguments: status $got: $message"
                failures=$((failures + 1))
            fi
        done
    fi
fi

for command in "--help" "--version" "run --help" "disk --help"; do
    # shellcheck disable=SC2086
    "$top/pearvisor" $command >out 2>err || { echo "FAIL: $command"; failures=$((failures + 1)); }
    [ -s out ] && [ ! -s err ] || { echo "FAIL: $command prints on the wrong stream"; failures=$((failures + 1)); }
done
exit $((failures > 0))
