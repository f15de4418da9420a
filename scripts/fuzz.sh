#!/usr/bin/env bash
# Fuzzes every decoder, guided by coverage: `fuzz.sh [SECONDS [TARGET...]]`, 10 s each if nothing is said, two at a time.
# Fails on a panic, on an input that takes more than 5 s by the clock, and on growth beyond 1 GiB. Needs nothing but the toolchain:
# the compiler's coverage pass works on stable Rust, and libFuzzer comes with the crate `libfuzzer-sys`.
set -euo pipefail
# shellcheck source=scripts/environment.sh
. "$(dirname -- "$0")/environment.sh"
cd "$ROOT"

seconds=${1:-10}
case $seconds in '' | *[!0-9]* | 0) die "usage: fuzz.sh [SECONDS [TARGET...]]; found \`$seconds\` for SECONDS" ;; esac
shift || true
[ "$#" -gt 0 ] || set -- $(cd fuzz/targets && printf '%s\n' *.rs | sed 's/\.rs$//')

forget_other_clone
# What is instrumented is kept apart: other flags make other code of every dependency. With --target they are for what
# is fuzzed alone, not for build scripts.
host=$(rustc -vV | sed -n 's/^host: //p')
target_dir=$CARGO_TARGET_DIR/fuzz
flags="-Cpasses=sancov-module"
for flag in coverage-level=4 coverage-inline-8bit-counters coverage-pc-table coverage-trace-compares; do
    flags="$flags -Cllvm-args=-sanitizer-$flag"
done
say "building the fuzz targets"
RUSTFLAGS=$flags CARGO_TARGET_DIR=$target_dir \
    cargo build --quiet --locked --profile fuzz --target "$host" --package berth-fuzz --bins
programs=$target_dir/$host/fuzz

# Seeds are made anew; what was found beyond them is kept for the next time.
work=$(mktemp -d "${TMPDIR:-/tmp}/berth-fuzz.XXXXXX")
trap 'rm -rf "$work"' EXIT
"$programs/seeds" "$work/seeds"
findings=$CACHE/fuzz-findings
mkdir -p "$findings"

fuzz() { # fuzz TARGET: its log is in $work, with its exit status in the last line
    local corpus=$CACHE/fuzz-corpus/$1 status=0
    mkdir -p "$corpus" "$work/seeds/$1"
    # Users' files may be long; the rest is bounded by its own limits long before.
    "$programs/$1" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=1024 -max_len=8192 -print_final_stats=1 \
        -dict=fuzz/dictionary.txt \
        -artifact_prefix="$findings/$1-" "$corpus" "$work/seeds/$1" >"$work/$1.log" 2>&1 9>&- || status=$?
    echo "exit $status" >>"$work/$1.log"
}

say "fuzzing $# decoders for $seconds s each, two at a time"
running=0
for target in "$@"; do
    [ -x "$programs/$target" ] || die "there is no target \`$target\`; there are: $(cd fuzz/targets && echo *.rs)"
    if [ "$running" -ge 2 ]; then
        wait -n
        running=$((running - 1))
    fi
    fuzz "$target" &
    running=$((running + 1))
done
wait

failed=0
printf '%-16s %12s %10s %10s  %s\n' decoder executions coverage "peak MiB" result
for target in "$@"; do
    log=$work/$target.log
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -1)
    peak=$(sed -n 's/^stat::peak_rss_mb: *//p' "$log" | tail -1)
    coverage=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -1)
    result=ok
    if [ "$(tail -1 "$log")" != "exit 0" ]; then
        result=FAILED
    elif [ "${coverage:-0}" -lt 50 ]; then
        result="FAILED (not instrumented)"
    fi
    printf '%-16s %12s %10s %10s  %s\n' "$target" "${executions:-0}" "${coverage:-0}" "${peak:-0}" "$result"
    if [ "$result" != ok ]; then
        failed=$((failed + 1))
        say "the end of $target's log; the input is in $findings:"
        tail -n 25 "$log" >&2
    fi
done
[ "$failed" -eq 0 ]
