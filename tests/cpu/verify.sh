#!/usr/bin/env bash
# Random programs on the translator, in lockstep with the interpreter, for PEARVISOR_VERIFY_SECONDS (20).
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
built=${PEARVISOR_BUILD:-$here/../../build}/tests/cpu
if [ "$(uname -m)" != x86_64 ]; then
    echo "the translator is for x86-64 hosts"
    exit 77
fi
exec python3 "$here/lockstep.py" --table "$built/forms.json" --run-programs "$built/run_programs" \
    --seconds "${PEARVISOR_VERIFY_SECONDS:-20}" "$@"
