#!/usr/bin/env bash
# What a guest draws is in the screenshot to the pixel: by DRM in the mode that the GPU proposes, in another resolution,
# and in a mode of the guest's own choice.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pattern.sh"

shows() { # SIZE PATTERN-ARGUMENTS PEARVISOR-OPTIONS...
    local size=$1 arguments=$2
    shift 2
    rm -f "$work/a.png"
    start_pattern "$arguments" --display none --screenshot "$work/a.png" "$@"
    await "SHOWN $size"
    kill -USR1 $vm
    await_file "$work/a.png"
    "$here/check_pattern.py" "$work/a.png" "$size" || fail "the screenshot by SIGUSR1, $size"
    rm "$work/a.png"
    kill -TERM $vm
    wait $vm
    "$here/check_pattern.py" "$work/a.png" "$size" || fail "the screenshot at exit, $size"
    tail -n 1 "$work/out" | python3 -c 'import json, sys; s = json.load(sys.stdin)["gpu"]
assert s["frames"] > 0 and s["errors"] == 0 and s["commands"]["UPDATE_CURSOR"] > 0' || fail "--stats" "$work/out"
}

shows 1280x800 --follow
shows 1366x768 --follow --resolution 1366x768
shows 800x600 800x600
