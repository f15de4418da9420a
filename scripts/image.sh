#!/bin/sh
# The container image, of the program with its dashboard, into target/image: an OCI layout, and `image.tar`, its archive.
# Arguments go to `cargo xtask image`.
set -eu
. "$(dirname -- "$0")/environment.sh"

prepare_build
say "building; the first time takes about 15 minutes on 2 cores"
cargo xtask image --out "$ROOT/target/image" "$@" 9>&-
