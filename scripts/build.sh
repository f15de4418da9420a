#!/bin/sh
# Builds the program as it is released, with the dashboard in it where there is a Node for that, and what building needs.
# `make demo` and `make up` run the same one, so that it is built once.
set -eu
. "$(dirname -- "$0")/environment.sh"

prepare_build
[ -x "$CARGO_TARGET_DIR/release/berth" ] || say "building; the first time takes about 15 minutes on 2 cores"
# Whoever looks on sees how far it is.
quiet=--quiet
if [ -t 2 ]; then quiet=; fi
# shellcheck disable=SC2086 # an option or none
cargo build $quiet --locked --release --package berth
[ -x "$CARGO_TARGET_DIR/release/berth" ] || die "there is no $CARGO_TARGET_DIR/release/berth after the build"
