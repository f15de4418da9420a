#!/bin/sh
# Builds what is missing and runs everything in one process, until it is interrupted.
set -eu
. "$(dirname -- "$0")/environment.sh"

"$ROOT/scripts/setup.sh" build
cd "$ROOT"
lock_target
if has_node; then scripts/dashboard.sh 9>&-; fi
cargo build --quiet --locked --release --package berth
unlock_target
say "the program is $CARGO_TARGET_DIR/release/berth"
exec "$CARGO_TARGET_DIR/release/berth" up "$@"
