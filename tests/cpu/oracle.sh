#!/usr/bin/env bash
# Every instruction form and random programs on the software CPU, compared with qemu-aarch64 (check.py says more).
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
built=${PEARVISOR_BUILD:-$here/../../build}/tests/cpu
if [ ! -x "$built/oracle" ]; then
    echo "no oracle was built: no aarch64-linux-gnu-gcc (Debian: gcc-aarch64-linux-gnu, libc6-dev-arm64-cross)"
    exit 77
fi
exec python3 "$here/check.py" --table "$built/forms.json" --oracle "$built/oracle" --run-cases "$built/run_cases" "$@"
