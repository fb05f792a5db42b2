# What the tests of disk images share.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
exercise=${PEARVISOR_BUILD:-$top/build}/tests/storage/exercise
command -v qemu-img >/dev/null || { echo "qemu-img is not installed"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() { # MESSAGE [LOG]
    echo "FAIL: $1"
    [ $# -gt 1 ] && tail -n 40 "$2"
    exit 1
}
