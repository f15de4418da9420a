#!/bin/sh
# Licenses, bans and sources as deny.toml has them. Not part of `make test`: it needs cargo-deny, built once.
set -eu
. "$(dirname -- "$0")/environment.sh"
cd "$ROOT"
deny=$CACHE/tools/bin/cargo-deny
if command -v cargo-deny >/dev/null 2>&1; then
    deny=$(command -v cargo-deny)
elif [ ! -x "$deny" ]; then
    say "installing cargo-deny into $CACHE/tools (some minutes)"
    cargo install --quiet --locked --root "$CACHE/tools" cargo-deny || die "could not install cargo-deny"
fi
"$deny" check bans licenses sources
