#!/usr/bin/env bash
# `pearvisor doctor` has a line for each thing that matters, also where nothing is there, and says what to install.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
fail() {
    echo "FAIL: $1"
    echo "$out"
    exit 1
}

out=$("$top/pearvisor" doctor 2>&1) || fail "exit status $?"
for thing in KVM translator 'render node' EGL virglrenderer OpenGL Vulkan 'Vulkan device' window network; do
    grep -qE "^(ok|--)  $thing +[^ ]" <<<"$out" || fail "nothing about $thing"
done
grep -vE '^(ok|--)  |^pearvisor [0-9.]+$' <<<"$out" && fail "other lines"

out=$(env -u DISPLAY -u WAYLAND_DISPLAY __EGL_VENDOR_LIBRARY_DIRS=/nowhere VK_DRIVER_FILES=/nowhere VK_ICD_FILENAMES=/nowhere \
    RENDER_SERVER_EXEC_PATH=/nowhere "$top/pearvisor" doctor 2>&1) || fail "exit status $?, on a bare host"
for thing in EGL OpenGL Vulkan 'Vulkan device' window; do
    grep -qE "^--  $thing +[^ ]" <<<"$out" || fail "$thing is found where it is not"
done

out=$("$top/pearvisor" doctor nonsense 2>&1)
[ $? = 2 ] && [ "$(wc -l <<<"$out")" = 1 ] || fail "an argument that there is not"
