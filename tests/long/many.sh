#!/usr/bin/env bash
# PEARVISOR_MANY (20) machines of 256 MiB at once: started together, each answers ssh, and then has nothing to do for a minute.
# Says what they took: seconds until all answered, and of each then, CPU and memory; and the host's load.
. "$(dirname "$0")/../guest/lib.sh"
count=${PEARVISOR_MANY:-20}
idle=${PEARVISOR_IDLE_SECONDS:-60}
export HOME=$work/home XDG_DATA_HOME= PEARVISOR_CACHE=$cache
mkdir -p "$HOME"
pv() { timeout 900 "$top/pearvisor" "$@" </dev/null; }
names=$(seq -f 'm%g' "$count")
each() { # COMMAND ARGUMENT...: of every machine, at once; NAME stands for its name
    local name pids=() pid
    for name in $names; do pv "${@//NAME/$name}" >"$work/$name.out" 2>&1 & pids+=($!); done
    for pid in "${pids[@]}"; do wait "$pid" || fail "$*" <(tail -n 5 "$work"/*.out); done
}
trap 'for name in $names; do pv stop $name --force 2>/dev/null; done; rm -rf "$work"' EXIT

pv image build debian:13 || fail "build"
for name in $names; do
    pv create "$name" --image debian:13 --memory 256M --cpus "${PEARVISOR_CPUS:-1}" --gpu off --engine "${PEARVISOR_ENGINE:-auto}" || fail "create"
done
start=$SECONDS
each start NAME
echo "$count machines run after $((SECONDS - start)) s"
each ssh --timeout 800 NAME hostname
for name in $names; do grep -qx "$name" "$work/$name.out" || fail "$name" "$work/$name.out"; done
echo "all answer ssh after $((SECONDS - start)) s; load $(cut -d' ' -f1-3 /proc/loadavg)"
each ssh NAME 'systemctl is-system-running --wait'
echo "all have started what they start after $((SECONDS - start)) s"
sleep 30

python3 - "$idle" <<P
import json, os, subprocess, sys, time
idle = float(sys.argv[1])
pids = [m["pid"] for m in json.loads(subprocess.run(["$top/pearvisor", "list", "--json"], capture_output=True).stdout) if "pid" in m]
def cpu(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
def memory(pid, what):
    return next(int(line.split()[1]) for line in open(f"/proc/{pid}/smaps_rollup") if line.startswith(what)) / 1024
def switches(pid):
    return sum(int(line.split()[1]) for task in os.listdir(f"/proc/{pid}/task")
               for line in open(f"/proc/{pid}/task/{task}/status") if "ctxt_switches" in line)
before, switched, start = [cpu(p) for p in pids], [switches(p) for p in pids], time.monotonic()
time.sleep(idle)
took = time.monotonic() - start
used = [(cpu(p) - b) / took * 100 for p, b in zip(pids, before)]
wakes = [(switches(p) - b) / took for p, b in zip(pids, switched)]
print(f"idle for {took:.0f} s: {sum(used) / len(used):.2f} % of a core each (at most {max(used):.2f}), "
      f"{sum(wakes) / len(wakes):.0f} context switches a second each; load {open('/proc/loadavg').read().split()[0]}")
resident, shared = [memory(p, "Rss:") for p in pids], [memory(p, "Pss:") for p in pids]
print(f"resident: {sum(resident) / len(resident):.0f} MiB each; {sum(shared):.0f} MiB all together, what they share counted once")
P
start=$SECONDS
each stop NAME
echo "all stopped after $((SECONDS - start)) s"
each delete NAME
