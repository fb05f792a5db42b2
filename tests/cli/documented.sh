#!/usr/bin/env bash
# Every command, option and key of the configuration is in the help, the manual page, the completion and docs/vm.md.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
cd "$top" || exit 1
failures=0

needs() { # WORD FILE
    grep -qwF -- "$1" "$2" || { echo "FAIL: no $1 in $2"; failures=$((failures + 1)); }
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sed 's/\\f[A-Z]//g; s/\\-/-/g' share/pearvisor.1 >"$work/manual"
./pearvisor --help >"$work/help"
./pearvisor create --help >"$work/create"
./pearvisor run --help >"$work/run"
keys=$(sed -n 's/^    {"\([a-z]*\)", set_[a-z]*, \(true\|false\)},$/\1/p' src/vm/settings.c)
own_keys=$(sed -n '/own_keys\[\] =/s/"\([a-z]*\)"/\n\1\n/gp' src/manager/config.c | grep -x '[a-z]*')
commands=$(sed -n 's/^    {"\([a-z-]*\)", command_[a-z_]*},$/\1/p' src/cli/main.c)
options=$(grep -ohE '"--[a-z-]+", (true|false)' src/cli/*.c | sed 's/"\(.*\)".*/\1/' | sort -u)
[ "$(wc -w <<<"$keys $own_keys")" -ge 15 ] && [ "$(wc -w <<<"$commands")" -ge 20 ] && [ "$(wc -w <<<"$options")" -ge 30 ] ||
    { echo "FAIL: found only $keys $own_keys, $commands, $options"; exit 1; }

for key in $keys $own_keys; do
    needs "$key" docs/vm.md
    needs "--$key" "$work/create"
    needs "--$key" "$work/manual"
    needs "--$key" share/pearvisor.bash
done
for key in $keys; do needs "--$key" "$work/run"; done
for command in $commands; do
    needs "$command" "$work/help"
    needs "$command" "$work/manual"
    needs "$command" share/pearvisor.bash
done
for option in $options; do
    needs "$option" "$work/manual"
    needs "$option" share/pearvisor.bash
done
exit $((failures > 0))
