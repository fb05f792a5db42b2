#!/usr/bin/env bash
# Guest programs that come and go and leave contexts, memory and mappings behind cost the host nothing in the end: its
# memory, descriptors and processes are where they were.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/program.sh"
need_virglrenderer

state() { # of the machine's process: MiB, descriptors, processes below it
    sleep 1
    echo $(($(awk '/^VmRSS/ { print $2 }' /proc/$vm/status) / 1024)) "$(find /proc/$vm/fd | wc -l)" \
        "$(pgrep -P "$(pgrep -d, -P $vm)" | wc -l)"
}

start_program gpu_churn "${PEARVISOR_CHURN:-150}" --display none --gpu 3d
await WARM
read -r memory descriptors processes <<<"$(state)"
await CHURNED
read -r memory2 descriptors2 processes2 <<<"$(state)"
echo "$memory to $memory2 MiB, $descriptors to $descriptors2 descriptors, $processes to $processes2 workers"
[ "$memory2" -le $((memory + 24)) ] || fail "memory: $memory MiB, then $memory2"
[ "$descriptors2" -le $((descriptors + 4)) ] || fail "descriptors: $descriptors, then $descriptors2"
[ "$processes2" -le $((processes + 1)) ] || fail "workers: $processes, then $processes2"
kill -TERM $vm
wait $vm
tail -n 1 "$work/out" | python3 -c 'import json, sys; s = json.load(sys.stdin)["gpu"]; assert s["errors"] == 0' || fail "--stats" "$work/out"
