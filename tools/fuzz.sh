#!/bin/bash
# Fuzzes every *_fuzz.c (or those whose name holds a WORD) until the first limit, each after its seeds in tests/fuzz/NAME/.
#   tools/fuzz.sh [-n RUNS] [-t SECONDS] [-b SECONDS] [-s SEED] [WORD]...
#     -n  executions of each fuzzer (1000000)      -t  seconds for each (120)
#     -b  seconds for all together: each gets its part, if that is less than -t. One runs on each core
#     -s  seed of the fuzzers' random numbers, so that a run can be repeated (0: another each time)
# What a fuzzer finds lies in build-fuzz/found/; copy it to tests/fuzz/NAME/ with the fix.
set -eu
cd "$(dirname "$0")/.."
runs=1000000 seconds=120 budget= seed=0
while getopts n:t:b:s: option; do
    case $option in
    n) runs=$OPTARG ;;
    t) seconds=$OPTARG ;;
    b) budget=$OPTARG ;;
    s) seed=$OPTARG ;;
    *) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 2 ;;
    esac
done
shift $((OPTIND - 1))

cmake --preset fuzz > /dev/null
cmake --build build-fuzz --target fuzzers | { grep -E 'warning:|error:|FAILED' || true; }
[ "${PIPESTATUS[0]}" -eq 0 ]

fuzzers=()
for source in $(find src -name '*_fuzz.c' | sort); do
    name=$(basename "$source" .c)
    wanted=$([ $# -eq 0 ] && echo yes || echo no)
    for word in "$@"; do
        [[ $name != *$word* ]] || wanted=yes
    done
    [ $wanted = no ] || fuzzers+=("$name")
done
[ ${#fuzzers[@]} -gt 0 ] || { echo "no fuzzer has such a name" >&2; exit 2; }
share=$((${budget:-0} * $(nproc) / ${#fuzzers[@]}))
if [ -n "$budget" ] && [ $share -lt "$seconds" ]; then
    seconds=$share
    [ $seconds -gt 0 ] || seconds=1
fi

# One fuzzer, alone on a core; its line is printed whole.
fuzz_one() {
    local name=$1 log=build-fuzz/$1.log seeds=()
    mkdir -p "build-fuzz/corpus/$name"
    [ ! -d "tests/fuzz/$name" ] || seeds=("tests/fuzz/$name")
    if "build-fuzz/$name" -seed="$seed" -runs="$runs" -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=2048 \
        -print_final_stats=1 -artifact_prefix="build-fuzz/found/$name-" "build-fuzz/corpus/$name" "${seeds[@]}" > "$log" 2>&1; then
        echo "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") executions, nothing found"
    else
        echo "$name: FAILED (build-fuzz/$name.log) $(grep -m 1 -E 'ERROR|SUMMARY|Assertion' "$log" || tail -n 1 "$log")"
        grep -m 12 -E '^ +#[0-9]+ .* in ' "$log" || true
        grep -E '^artifact_prefix|^Base64:' "$log" || true
        return 1
    fi
}
export -f fuzz_one
export runs seconds seed

mkdir -p build-fuzz/found
printf '%s\n' "${fuzzers[@]}" | xargs -P "$(nproc)" -I NAME bash -c 'fuzz_one NAME'
