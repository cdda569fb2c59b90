#!/bin/bash
# Replays what is kept of a fuzz target, then looks further: run.sh PROGRAM SECONDS
# What is found new stays beside the program.  A crash there belongs, once mended, into regress/.
set -euo pipefail

program=$1 target=${1##*/} here=$(dirname "$0")
mkdir -p "$program.corpus"

kept=()
for dir in "$here/corpus/$target" "$here/regress/$target"; do
    [ ! -d "$dir" ] || kept+=("$dir")
done
n=$(find "${kept[@]}" -type f | wc -l)
[ "$n" -gt 0 ] || { echo "$target: has no seeds in $here/corpus"; exit 1; }

"$program" -max_total_time="$2" -timeout=10 -max_len=8192 -print_final_stats=1 \
    -artifact_prefix="$program-" "$program.corpus" "${kept[@]}" >"$program.log" 2>&1 || {
    grep -v '^#' "$program.log" | tail -n 60
    echo "$target: FAILED, see $program.log"
    exit 1
}
echo "$target: $n inputs kept, $(sed -n 's/^stat::number_of_executed_units: //p' "$program.log") runs"
