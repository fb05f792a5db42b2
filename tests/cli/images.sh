#!/usr/bin/env bash
# Images: what is refused, imports, and downloads from a server on this host that hangs up in between.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
export HOME=$work/home XDG_DATA_HOME=$work/data XDG_CACHE_HOME=$work/cache PEARVISOR_CACHE= no_proxy=127.0.0.1 NO_PROXY=127.0.0.1
images=$XDG_DATA_HOME/pearvisor/images
trap 'kill "${server:-}" 2>/dev/null; rm -rf "$work"' EXIT
mkdir -p "$HOME"
cd "$work" || exit 1
failures=0

fail() {
    echo "FAIL: $1"
    failures=$((failures + 1))
}

pv() {
    timeout 60 "$top/pearvisor" "$@" </dev/null
}

refused() { # PATTERN ARGUMENT...: status 2, and the last line on stderr matches
    local pattern=$1 got=0
    shift
    pv "$@" >out 2>err || got=$?
    [ "$got" = 2 ] && tail -n 1 err | grep -qE "$pattern" || fail "$*: status $got: $(cat err)"
}

works() { # ARGUMENT...
    pv "$@" >out 2>err || fail "$*: status $?: $(cat err)"
}

nothing_is_left() {
    [ -z "$(find "$images" -mindepth 1 -not -name .lock 2>/dev/null)" ] || fail "something is left: $(find "$images")"
}

# A disk with a partition table's signature, in both formats.
python3 - <<'P'
import random
data = bytearray(random.Random(1).randbytes(3 << 20))
data[510:512] = b"\x55\xaa"
open("disk.raw", "wb").write(data)
P
qemu-img convert -O qcow2 disk.raw disk.img
qemu-img create -q -f qcow2 -b disk.img -F qcow2 overlay.qcow2
head -c 1000000 disk.img >short.img
gzip -k disk.raw

refused 'expected list, build' image frobnicate
refused 'an argument is missing' image import disk.raw
refused 'a name has' image import disk.raw ../evil
refused 'no disk image' image import disk.raw.gz one
refused 'No such file' image import nowhere one
refused 'needs its backing file' image import overlay.qcow2 one
refused 'short.img' image import short.img one
refused 'need --kernel' image import disk.raw one --append quiet
refused 'no such build' image build plan9
refused "'Vim': no name of a package" image build debian:13 --packages vim,Vim
refused "'': no name of a package" image build debian:13 --packages ,
refused "'-ofoo': no name of a package" image build debian:13 --packages=-ofoo
refused 'not in the catalogue' image pull plan9
refused 'checksum: expected' image pull debian:13 --checksum 12
refused "no image 'one'" image remove one
nothing_is_left

works image import disk.raw one --kernel disk.raw --append 'console=ttyAMA0 root=/dev/vda1'
works image import disk.img two
refused "an image 'one' already" image import disk.img one
[ "$(stat -c %a "$images/one")" = 700 ] || fail "others may look into the directory"
works image list
grep -qE '^one .*kernel +disk.raw' out && grep -qE '^two .*firmware +disk.img' out || fail "list: $(cat out)"
works image list --json
python3 -c 'import json; a = json.load(open("out")); assert [i["format"] for i in a] == ["raw", "qcow2"], a' || fail "list --json: $(cat out)"

# A disk that boots by itself needs neither a kernel beside it nor firmware.
mkdir -p tree/boot
echo kernel >tree/boot/vmlinuz-6.1
mke2fs -q -F -t ext4 -d tree root.raw 8M
qemu-img convert -O qcow2 root.raw root.qcow2
works image import root.qcow2 three
works image list
grep -qE '^three .*kernel +root.qcow2' out || fail "list: $(cat out)"
works create direct --image three
works create copied --image root.qcow2 --disk-size 16M
for name in direct copied; do
    config=$XDG_DATA_HOME/pearvisor/vms/$name/config
    grep -qx 'disk = disk.qcow2' "$config" && ! grep -qE '^(kernel|firmware)' "$config" || fail "config: $(cat "$config")"
    refused 'kernel /boot/vmlinuz-6.1 on disk.qcow2: is a text file' start $name
    works delete $name
done
works image remove three
mv root.qcow2 root.img
refused 'name it so .FILE.qcow2.' create copied --image root.img

# A machine of an image is an overlay, with a seed that says who it is.
ssh-keygen -q -t ed25519 -N '' -f mine -C 'a "key" of mine'
works create it --image one --user me --ssh-key mine.pub
vm=$XDG_DATA_HOME/pearvisor/vms/it
grep -qx "kernel = $images/one/kernel" "$vm/config" && grep -qx 'append = console=ttyAMA0 root=/dev/vda1' "$vm/config" &&
    grep -qx 'disk = disk.qcow2' "$vm/config" && grep -qx 'disk = seed.iso,ro' "$vm/config" || fail "config: $(cat "$vm/config")"
qemu-img info "$vm/disk.qcow2" | grep -q "backing file: $images/one/disk.img" || fail "no overlay"
[ "$(file -b - <"$vm/seed.iso" 2>/dev/null | grep -c CIDATA)" = 1 ] || ! command -v file >/dev/null || fail "the seed: $(file "$vm/seed.iso")"
python3 - "$vm/seed.iso" "$vm/ssh/id_ed25519.pub" <<'P' || fail "the seed"
import sys
disk = open(sys.argv[1], "rb").read()
le = lambda at, n: int.from_bytes(disk[at:at + n], "little")
files = []
for sector, joliet in ((16, False), (17, True)):
    d = sector * 2048
    assert disk[d + 1:d + 6] == b"CD001" and le(d + 80, 4) * 2048 == len(disk), sector
    label = disk[d + 40:d + 72].decode("utf-16-be" if joliet else "ascii").rstrip()
    assert label == "CIDATA", label
    at, found = le(d + 158, 4) * 2048, {}
    while disk[at]:
        name = disk[at + 33:at + 33 + disk[at + 32]]
        assert le(at + 2, 4) == int.from_bytes(disk[at + 6:at + 10], "big")
        if len(name) > 1:
            start = le(at + 2, 4) * 2048
            found[name.decode("utf-16-be" if joliet else "ascii")] = disk[start:start + le(at + 10, 4)].decode()
        at += disk[at]
    files.append(found)
assert sorted(files[0].values()) == sorted(files[1].values())
seed = files[1]
assert list(seed) == ["meta-data", "pearvisor", "user-data"], list(seed)
own, mine = open(sys.argv[2]).read().strip(), open("mine.pub").read().strip()
lines = seed["pearvisor"].splitlines()
assert {"hostname=it", "user=me", "key=" + own, "key=" + mine} <= set(lines), lines
assert seed["user-data"].startswith("#cloud-config\n") and 'name: "me"' in seed["user-data"]
assert mine.replace('"', '\\"') in seed["user-data"]
P
refused "the disk of 'it' needs it" image remove one
works clone it that
cmp -s "$vm/seed.iso" "$XDG_DATA_HOME/pearvisor/vms/that/seed.iso" && fail "a clone has the seed of the first"
refused 'the image is larger' create other --image one --disk-size 1M
refused 'not a public key' create other --image one --ssh-key mine
refused 'only with --image' create other --kernel disk.raw --ssh-key mine.pub
works delete it
works delete that
works image remove one
works image remove two
nothing_is_left

# --- downloads: the server sends half of a file once, and knows ranges, but for /plain
mkdir -p served/images/cloud/trixie/latest
cp disk.img served/images/cloud/trixie/latest/debian-13-generic-arm64.qcow2
(cd served/images/cloud/trixie/latest && sha512sum debian-13-generic-arm64.qcow2 >SHA512SUMS)
cp disk.raw served/plain.img
cat >server.py <<'P'
import http.server, os, re, sys
cut = set()
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path = "served" + self.path
        if not os.path.isfile(path):
            return self.send_error(404)
        data = open(path, "rb").read()
        ranged = re.match(r"bytes=(\d+)-$", self.headers.get("Range", "")) if "plain" not in path else None
        start = int(ranged[1]) if ranged else 0
        self.send_response(206 if ranged else 200)
        if ranged:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        print(self.path, start, file=sys.stderr, flush=True)
        if os.path.exists("hang-up") and len(data) > 100000:
            self.wfile.write(data[start:len(data) // 2])
            os.unlink("hang-up")
            return
        self.wfile.write(data[start:])
    def log_message(self, *args):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
open("port.new", "w").write(str(server.server_port))
os.rename("port.new", "port")
server.serve_forever()
P
python3 server.py 2>requests &
server=$!
for _ in $(seq 100); do [ -e port ] && break; sleep 0.1; done
url=http://127.0.0.1:$(cat port)
export PEARVISOR_IMAGE_MIRROR=$url
touch hang-up
refused 'goes on where it was' image pull debian:13
nothing_is_left
works image pull debian:13
grep -qE '/debian-13-generic-arm64.qcow2 [1-9][0-9]+$' requests || fail "it was not resumed: $(cat requests)"
cmp -s disk.img "$images/debian:13/disk.qcow2" || fail "the download is another file"
[ -z "$(find "$XDG_CACHE_HOME" -type f)" ] || fail "the cache keeps $(find "$XDG_CACHE_HOME" -type f)"
works image remove debian:13
echo damage >>served/images/cloud/trixie/latest/debian-13-generic-arm64.qcow2
refused 'its checksum is wrong' image pull debian:13
touch hang-up
refused 'goes on where it was' image pull "$url/plain.img"
works image pull "$url/plain.img" --checksum "$(sha256sum <disk.raw | cut -c1-64)"
cmp -s disk.raw "$images/plain/disk.img" || fail "what a server without ranges sent is another file"
works image remove plain
refused 'did not end' image pull "$url/nowhere.img"
refused 'no disk image' image pull "$url/images/cloud/trixie/latest/SHA512SUMS" sums
nothing_is_left
exit $((failures > 0))
