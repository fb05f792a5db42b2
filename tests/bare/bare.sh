#!/usr/bin/env bash
# Boots each bare-metal test and looks at its verdicts: "PASS name" or "FAIL name: what", then "DONE".
#   bare.sh [NAME[:CPUS[:OPTION...]]...]    an OPTION is one more argument of pearvisor run
set -uo pipefail
here=$(dirname "$(readlink -f "$0")")
top=$here/../..
built=${PEARVISOR_BUILD:-$top/build}/tests/bare
if [ ! -f "$built/exceptions.image" ]; then
    echo "no images were built: no aarch64-linux-gnu-gcc (Debian: gcc-aarch64-linux-gnu)"
    exit 77
fi
log=$(mktemp)
disk=$(mktemp)
trap 'rm -f "$log" "$disk"' EXIT
failed=0

boot() { # NAME CPUS OPTIONS...
    local name=$1 cpus=$2 status=0
    shift 2
    "$top/pearvisor" run --kernel "$built/$name.image" --cpus "$cpus" --memory 256M --serial stdio --display none --net off \
        --gpu off --timeout 120 "$@" >"$log" </dev/null || status=$?
    local passes
    passes=$(grep -ac '^PASS ' "$log")
    if [ $status = 0 ] && ! grep -aq '^FAIL ' "$log" && grep -aq '^DONE' "$log"; then
        echo "ok     $name, $cpus CPUs $*: $passes tests"
        return
    fi
    failed=$((failed + 1))
    echo "FAILED $name, $cpus CPUs $*: exit status $status, $passes tests passed, then:"
    grep -a -v '^PASS ' "$log" | tail -n 20 | sed 's/^/    /'
}

truncate -s 1M "$disk"
for test in ${*:-exceptions:1 mmu:1 system:1 interrupts:1 interrupts:4 smp:2 smp:4 litmus:2 litmus:4 reset:2 nonsense:2 \
    nonsense:2:--disk:$disk:--net:user:--gpu:2d}; do
    IFS=: read -ra words <<<"$test"
    boot "${words[0]}" "${words[1]:-2}" "${words[@]:2}"
done
exit $((failed > 0))
