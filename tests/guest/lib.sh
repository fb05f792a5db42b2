# What the guest tests share. A test sources it, builds or finds its guest in the cache, and boots copies of it.
# PEARVISOR_ENGINE chooses the engine, such as soft,interp.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache=${PEARVISOR_CACHE:-$top/.cache}
work=$(mktemp -d)
trap 'jobs -p | xargs -r kill 2>/dev/null; rm -rf "$work"' EXIT

fail() { # MESSAGE [LOG]
    echo "FAIL: $1"
    [ $# -gt 1 ] && tail -n 40 "$2"
    exit 1
}

# The guest NAME, in $guest, and the command that boots it, in $boot; its disk is only ever used as a copy, in $work/disk.
use_guest() { # KIND NAME [SCRIPT]
    guest=$cache/guests/$2
    "$top/tools/guest" "$1" "$guest" "${3:-}" >"$work/build.log" 2>&1 || fail "cannot build the guest $2" "$work/build.log"
    boot=("$top/pearvisor" run --engine "${PEARVISOR_ENGINE:-auto}" --kernel "$guest/kernel" --initrd "$guest/initrd")
    fresh_disk
}

# A guest with Mesa and what draws with it.
use_gpu_guest() { # SCRIPT
    export EXTRA=libegl1,libegl-mesa0,libgles2,libgl1-mesa-dri,mesa-vulkan-drivers,mesa-utils,vulkan-tools,kmscube
    EXTRA+=,vkmark,vulkan-validationlayers,weston
    use_guest suite gpu "$1"
}

fresh_disk() {
    cp --sparse=always --reflink=auto "$guest/disk" "$work/disk"
}

# Compiles one of the programs beside this file for the guest, into FILE.
guest_program() { # NAME FILE [GCC-OPTION]...
    mkdir -p "$(dirname "$2")"
    aarch64-linux-gnu-gcc -std=gnu17 -O2 "${@:3}" "$here/$1.c" -o "$2" || fail "cannot compile $1"
}

expect_lines() { # LOG PATTERN...
    local log=$1 pattern
    shift
    for pattern in "$@"; do
        grep -qE "$pattern" "$log" || fail "no line matches '$pattern'" "$log"
    done
}

# Skips the test where there is no 3D.
need_virglrenderer() {
    grep -q libvirglrenderer "${PEARVISOR_BUILD:-$top/build}/src/cli/pearvisor" || { echo "built without virglrenderer"; exit 77; }
}

# vulkan_work.c, for the guest or for this host; it finds the Vulkan loader when it runs.
build_vulkan_work() { # COMPILER PROGRAM
    local include=$top/.cache/sysroot/usr/include
    [ -e "$include/vulkan/vulkan.h" ] || include=/usr/include
    mkdir -p "$work/include"
    ln -sfn "$include"/{vulkan,vk_video} "$work/include/"
    "$1" -std=gnu17 -O2 -isystem "$work/include" "$here/vulkan_work.c" -o "$2" || fail "cannot compile vulkan_work"
}

free_port() {
    python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
