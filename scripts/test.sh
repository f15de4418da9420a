#!/usr/bin/env bash
# Sets up what is missing, then runs every check and test; ends with one line that counts them all.
set -euo pipefail
# shellcheck source=scripts/environment.sh
. "$(dirname -- "$0")/environment.sh"

"$ROOT/scripts/setup.sh" servers
cd "$ROOT"
# Minutes, the first time: beside what cargo does until the first test starts.
{ scripts/s3.sh && scripts/helm.sh && scripts/kube.sh; } &
built=$!
lock_target
kube_programs=$(scripts/kube.sh path)
s3_program=$(scripts/s3.sh path)
helm_program=$(scripts/helm.sh path)

# Settings of the surroundings are not for the tests, but for those that say what the tests may use (BERTH_TEST_...).
for name in $(env | sed -n 's/^\(BERTH_[A-Z_]*\)=.*/\1/p' | grep -v '^BERTH_TEST_'); do
    unset "$name"
done
BERTH_PYTHON=$VENV/bin/python
BERTH_PYTHON_CELERY54=$VENV_CELERY54/bin/python
BERTH_KUBE_PROGRAMS=$kube_programs
BERTH_S3_PROGRAM=$s3_program
BERTH_HELM_PROGRAM=$helm_program
export BERTH_PYTHON BERTH_PYTHON_CELERY54 BERTH_KUBE_PROGRAMS BERTH_S3_PROGRAM BERTH_HELM_PROGRAM
PATH=$VENV/bin:$PATH

log=$(mktemp "${TMPDIR:-/tmp}/berth-test.XXXXXX")
trap 'rm -f "$log"' EXIT
passed=0
failed=0

step() { # step NAME COMMAND...: a check that passes or fails as a whole
    local name=$1
    shift
    say "$name"
    if "$@" 9>&-; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        say "$name FAILED"
    fi
}

# Before anything is built that embeds it.
if has_node; then
    "$ROOT/scripts/dashboard.sh" 9>&-
fi

step "cargo fmt --check" cargo fmt --all --check
step "cargo clippy" cargo clippy --quiet --locked --workspace --all-targets -- -D warnings

case $(uname -m) in aarch64 | arm64) platform=arm64 ;; *) platform=amd64 ;; esac
# The binary first: end-to-end tests start it.
say "cargo test"
# The lock is this script's alone: a server that outlived its test would keep it.
if cargo build --quiet --locked --package berth 9>&- &&
    # Shares all but its last step with the binary; tests on a real node import it.
    { [ "${BERTH_TEST_NODE:-}" != 1 ] || cargo xtask image --profile dev --platform "$platform" 9>&-; } &&
    cargo test --quiet --locked --workspace --no-run 9>&- &&
    wait "$built" &&
    cargo xtask test 2>&1 9>&- | tee "$log"; then
    whole=0
else
    whole=1
fi
# The last line: "P passed, F failed".
counts=$(sed -n '$s/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$log")
counts=${counts:-0 0}
passed=$((passed + ${counts% *}))
failed=$((failed + ${counts#* }))
# What doesn't build has counted nothing.
if [ "$whole" -ne 0 ] && [ "${counts#* }" -eq 0 ]; then
    failed=$((failed + 1))
fi

step "fuzzing the decoders" "$ROOT/scripts/fuzz.sh" 10

step "dashboard" "$ROOT/scripts/dashboard-test.sh"

# Once more where it is looked for first: other output is between it and the end.
sed -n '/^what failed:$/,$p' "$log" | sed '$d'
printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
