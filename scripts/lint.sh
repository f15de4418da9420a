#!/bin/sh
# Formatting, clippy without warnings, and the rules of the tree.
set -eu
. "$(dirname -- "$0")/environment.sh"
cd "$ROOT"
lock_target
cargo fmt --all --check
cargo clippy --quiet --locked --workspace --all-targets -- -D warnings
cargo run --quiet --locked --package xtask -- tidy
