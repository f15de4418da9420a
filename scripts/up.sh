#!/bin/sh
# Builds what is missing and runs everything in one process, until it is interrupted.
set -eu
. "$(dirname -- "$0")/environment.sh"

"$ROOT/scripts/build.sh"
cd "$ROOT"
say "the program is $CARGO_TARGET_DIR/release/berth"
exec "$CARGO_TARGET_DIR/release/berth" up "$@"
