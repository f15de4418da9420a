#!/bin/sh
# Measures ours and the others in turn, on this machine. Arguments go to the bench (`--quick` for a first look).
set -eu
. "$(dirname -- "$0")/environment.sh"
"$ROOT/scripts/setup.sh" test
cd "$ROOT"
lock_target
cargo build --quiet --locked --release --package berth --package berth-bench
BERTH_BINARY=$CARGO_TARGET_DIR/release/berth
BERTH_PYTHON=$VENV/bin/python
scripts/kube.sh
BERTH_KUBE_PROGRAMS=$(scripts/kube.sh path)
PATH=$VENV/bin:$PATH
export BERTH_BINARY BERTH_PYTHON BERTH_KUBE_PROGRAMS PATH
"$CARGO_TARGET_DIR/release/berth-bench" "$@" 9>&-
