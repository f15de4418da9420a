#!/usr/bin/env bash
# The long fault-injection run: each decoder fuzzed for DURATION seconds, then each broker's installation broken at random
# for as long (an hour each if nothing is said). SEED repeats the faults of an earlier one. Arguments go to the program.
set -euo pipefail
# shellcheck source=scripts/environment.sh
. "$(dirname -- "$0")/environment.sh"
duration=${DURATION:-3600}
case $duration in '' | *[!0-9]*) die "DURATION is \`$duration\`: use whole seconds" ;; esac
"$ROOT/scripts/setup.sh" test
cd "$ROOT"
lock_target

# One program at a time: what is promised within a time is held to it.
export BERTH_TEST_SLACK=1
status=0
"$ROOT/scripts/fuzz.sh" "$duration" || status=1

# One after the other, as the tests build them: together, other features of dependencies would be chosen.
cargo build --quiet --locked --package berth 9>&-
cargo build --quiet --locked --package berth-integration-tests --bin chaos 9>&-
json=$CACHE/chaos/$(date -u +%Y%m%dT%H%M%SZ).json
"$CARGO_TARGET_DIR/debug/chaos" --duration "$duration" ${SEED:+--seed "$SEED"} --json "$json" "$@" 9>&- || status=1
# Agents of two clusters lost again and again: seven each time, five of them fenced before they are replaced.
scripts/kube.sh
BERTH_KUBE_PROGRAMS=$(scripts/kube.sh path)
export BERTH_KUBE_PROGRAMS
BERTH_TEST_ROUNDS=${ROUNDS:-10} \
    cargo test --quiet --locked --package berth-integration-tests --test kubernetes -- losses 9>&- || status=1
# An agent's connections ended a thousand times on each broker, in every way; from SEED, too.
cargo build --quiet --locked --package berth 9>&- || status=1
env BERTH_TEST_DISCONNECTS="${DISCONNECTS:-1000}" ${SEED:+"BERTH_TEST_SEED=$SEED"} \
    cargo test --quiet --locked --package berth-integration-tests --test delivery -- disconnects --nocapture 9>&- || status=1
# A master of Redis lost, and its replica taken instead.
cargo test --quiet --locked --package berth-broker --test sentinel 9>&- || status=1
# What else is promised within a time: answers to Celery's tools when a scheduler has died, an end without a collector.
cargo build --quiet --locked --package berth 9>&- || status=1
BERTH_PYTHON=$VENV/bin/python BERTH_PYTHON_CELERY54=$VENV_CELERY54/bin/python \
    cargo test --quiet --locked --package berth-integration-tests --test celery_tools --test traces -- inspect collector 9>&- || status=1
# Thousands of runs whose every role is killed, pods of an agent whose replicas are, and tasks of a Celery application.
cargo build --quiet --locked --package berth 9>&- || status=1
export BERTH_PYTHON=$VENV/bin/python BERTH_PYTHON_CELERY54=$VENV_CELERY54/bin/python
for whole in '50000 end_to_end no_more_than_the_window' '2000 end_to_end survival' \
    '1000 kubernetes replicas' '500 celery_tools submissions' '200 celery_tools python_agent'; do
    read -r runs program tests <<<"$whole"
    BERTH_TEST_RUNS=$runs \
        cargo test --quiet --locked --package berth-integration-tests --test "$program" -- "$tests" 9>&- || status=1
done
# Ten thousand runs over six queues and four projects, with limits of every kind that change, schedulers killed every 2 s.
cargo build --quiet --locked --package berth 9>&- || status=1
BERTH_TEST_RUNS=${RUNS:-10000} \
    cargo test --quiet --locked --package berth-integration-tests --test end_to_end -- load --test-threads 1 9>&- || status=1
# What a round of admission reads of a million waiting runs, and of a million more behind one blocked pipeline.
BERTH_TEST_BACKLOG=${BACKLOG:-1000000} \
    cargo test --quiet --locked --package berth-store --test conformance -- plans 9>&- || status=1
# And with nothing broken: ten minutes of steady load, in which a real Prometheus has nothing to alert.
cargo build --quiet --locked --package berth 9>&- || status=1
BERTH_TEST_HEALTHY_SECONDS=${HEALTHY:-600} \
    cargo test --quiet --locked --package berth-integration-tests --test observability -- healthy --nocapture 9>&- || status=1
say "the same as JSON: $json"
exit "$status"
