#!/bin/sh
# Measures ours and the others in turn, on this machine, and then the dashboard in a browser. Arguments go to the bench
# (`--quick` for a first look, `--only B1,B2`); `page` measures the dashboard alone.
set -eu
. "$(dirname -- "$0")/environment.sh"
cd "$ROOT"
BERTH_BINARY=$CARGO_TARGET_DIR/release/berth
export BERTH_BINARY

page() {
    BERTH_BENCH_JSON=${BERTH_BENCH_JSON:-$ROOT/bench/results/$(date -u +%Y-%m-%d)-page.json}
    export BERTH_BENCH_JSON
    (cd dashboard && npm run --silent budgets)
    say "every value is in $BERTH_BENCH_JSON"
}

if [ "${1:-}" = page ]; then
    "$ROOT/scripts/dashboard.sh"
    cargo build --quiet --locked --release --package berth
    page
    exit
fi
"$ROOT/scripts/setup.sh" test
lock_target
# What is measured has the page in it.
if has_node; then "$ROOT/scripts/dashboard.sh"; fi
cargo build --quiet --locked --release --package berth --package berth-bench
BERTH_PYTHON=$VENV/bin/python
scripts/kube.sh
BERTH_KUBE_PROGRAMS=$(scripts/kube.sh path)
PATH=$VENV/bin:$PATH
export BERTH_PYTHON BERTH_KUBE_PROGRAMS PATH
"$CARGO_TARGET_DIR/release/berth-bench" "$@" 9>&-
case " $* " in *" --only"*) exit ;; esac
if has_node; then page; else say "the page's budgets were not measured: there is no Node $NODE_NEEDED"; fi
