#!/bin/bash
# Builds with a sanitizer and runs the fast tests under it; words after its name choose tests, as in jikji_tests.
#   tools/sanitize.sh asan [WORD]...     AddressSanitizer, LeakSanitizer, UndefinedBehaviorSanitizer (gcc)
#   tools/sanitize.sh tsan [WORD]...     ThreadSanitizer (clang, libomp and Archer, which teaches it OpenMP's barriers)
set -eu
cd "$(dirname "$0")/.."
kind=${1:-}
case $kind in
asan | tsan) shift ;;
*)
    sed -n '2,4s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac

. tools/test-env.sh
cmake --preset "$kind" > /dev/null
cmake --build "build-$kind" | { grep -E 'warning:|error:|FAILED' || true; }
[ "${PIPESTATUS[0]}" -eq 0 ]

# intercept_tls_get_addr: LeakSanitizer's tracer dies of thread-local memory in libraries that dlclose has taken away (peers of bench).
export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1:intercept_tls_get_addr=0
export LSAN_OPTIONS=suppressions=$PWD/tools/leaks.supp:print_suppressions=0
export UBSAN_OPTIONS=print_stacktrace=1
# Code that was not built with TSan (Open MPI, ICU) synchronises in ways TSan cannot see; tests fork.
export TSAN_OPTIONS=ignore_noninstrumented_modules=1:die_after_fork=0
if [ "$kind" = tsan ]; then
    archer=$(ls /usr/lib/llvm-*/lib/libarcher.so 2> /dev/null | tail -n 1)
    [ -n "$archer" ] || { echo "libarcher.so is missing (libomp-dev): TSan would see races in OpenMP itself" >&2; exit 1; }
    export OMP_TOOL_LIBRARIES=$archer
fi
exec "build-$kind/jikji_tests" --jobs "$(nproc)" "$@"
