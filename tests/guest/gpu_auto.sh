#!/usr/bin/env bash
# The GPU that comes without asking: 3D where virglrenderer works, else 2D, and one line that says what is missing.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/program.sh"
need_virglrenderer

shows() { # RENDERER LINES
    start_program drm_pattern "" --display none
    await "SHOWN 1280x800"
    kill -TERM $vm
    wait $vm
    [ "$(grep -c '^pearvisor: no 3D in the guest: ' "$work/out")" = "$2" ] || fail "not $2 lines about 3D" "$work/out"
    tail -n 1 "$work/out" | grep -q "\"renderer\": \"$1\"" || fail "not drawn by $1" "$work/out"
}

shows "virgl and venus" 0
RENDER_SERVER_EXEC_PATH=/nowhere shows soft2d 1
__EGL_VENDOR_LIBRARY_DIRS=/nowhere shows soft2d 1
