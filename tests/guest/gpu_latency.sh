#!/usr/bin/env bash
# Fences of submits that do nothing come back, thousands of times, and soon; 64 MiB of the host's memory are mapped soon.
# Prints the figures. The limits are those of a busy machine: docs/performance.md has what a quiet one does.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/program.sh"
need_virglrenderer

start_program gpu_latency "${PEARVISOR_SUBMITS:-2000}" --display none --gpu 3d
await MEASURED
wait $vm
grep -E '^(FENCE|MAP)' "$work/out"
expect_lines "$work/out" '^FENCE virgl: .*median [0-9]{1,4}\.' '^FENCE venus: .*median [0-9]{1,4}\.' '^MAP .*median [0-9]{1,5}\.'
tail -n 1 "$work/out" | python3 -c 'import json, sys; s = json.load(sys.stdin)["gpu"]
print("kick to interrupt:", s["fence_ns"])
assert s["errors"] == 0 and s["fence_ns"]["count"] >= 4000 and s["fence_ns"]["p50"] < 10e6' || fail "--stats" "$work/out"
