#!/usr/bin/env bash
# Boots each bare-metal test and looks at its verdicts: "PASS name" or "FAIL name: what", then "DONE".
#   bare.sh [NAME...]
set -uo pipefail
here=$(dirname "$(readlink -f "$0")")
top=$here/../..
built=${PEARVISOR_BUILD:-$top/build}/tests/bare
if [ ! -f "$built/exceptions.image" ]; then
    echo "no images were built: no aarch64-linux-gnu-gcc (Debian: gcc-aarch64-linux-gnu)"
    exit 77
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed=0

boot() { # NAME CPUS
    local status=0
    "$top/pearvisor" run --kernel "$built/$1.image" --cpus "$2" --memory 256M --serial stdio --display none --net off \
        --gpu off --timeout 60 >"$log" </dev/null || status=$?
    local passes
    passes=$(grep -ac '^PASS ' "$log")
    if [ $status = 0 ] && ! grep -aq '^FAIL ' "$log" && grep -aq '^DONE' "$log"; then
        echo "ok     $1, $2 CPUs: $passes tests"
        return
    fi
    failed=$((failed + 1))
    echo "FAILED $1, $2 CPUs: exit status $status, $passes tests passed, then:"
    grep -a -v '^PASS ' "$log" | tail -n 20 | sed 's/^/    /'
}

for test in ${*:-exceptions:1 mmu:1 system:1 interrupts:1 interrupts:4 smp:2 smp:4 nonsense:2}; do
    cpus=${test#*:}
    [ "$cpus" = "$test" ] && cpus=2
    boot "${test%%:*}" "$cpus"
done
exit $((failed > 0))
