#!/bin/bash
# The tests that have to do with months, as if it were another day: tools/test-dates.sh [DATE...]
# Without a date: in the midst of next month, and of the next February.
set -euo pipefail
cd "$(dirname "$0")/.."

# libfaketime and jemalloc wait for each other for ever; and a store has no need of it
bin=$PWD/build/dates
mkdir -p "$bin"
for program in redis-server redis-cli; do
    real=$(command -v $program)
    [ "$real" != "$bin/$program" ] || continue
    printf '#!/bin/sh\nunset LD_PRELOAD\nexec %s "$@"\n' "$real" > "$bin/$program"
    chmod +x "$bin/$program"
done

if [ $# = 0 ]; then
    middle=$(date +%Y-%m-15)
    set -- "$(date -d "$middle +1 month" +%F)" "$(date -d "$middle +10 months" +%Y)-02-15"
fi

for day; do
    echo "dates: $day"
    PATH=$bin:$PATH PGUARD_AUDIT=$PWD/build/paas-guard-audit FAKETIME_DONT_FAKE_MONOTONIC=1 \
        faketime "$day 12:00:00" prove --directives -j"${JOBS:-2}" t/06*.t t/074*.t t/075*.t t/076*.t t/085-replay.t \
        tests/audit/303*.t tests/audit/304*.t tests/monitoring/425*.t
done
