#!/bin/sh
# Builds the dashboard into dashboard/dist, if what it is made of has changed since; the next build of the binary puts it
# in. `dashboard.sh packages` only installs what it is built with, outside of the clone.
set -eu
. "$(dirname -- "$0")/environment.sh"

has_node || die "the dashboard needs Node $NODE_NEEDED or newer, and npm; here is $(node --version 2>/dev/null || echo none)"
cd "$ROOT/dashboard"

if [ ! -e "$NODE_PACKAGES/.complete" ]; then
    say "installing the dashboard's packages into $NODE_PACKAGES"
    rm -rf "$NODE_PACKAGES"
    mkdir -p "$NODE_PACKAGES"
    cp package.json package-lock.json .npmrc "$NODE_PACKAGES"
    (cd "$NODE_PACKAGES" && npm ci --no-progress >&2) || die "could not install the dashboard's packages"
    touch "$NODE_PACKAGES/.complete"
fi
# A folder of that name is somebody's own `npm install`, which serves as well.
if [ -L node_modules ] || [ ! -e node_modules ]; then
    ln -sfn "$NODE_PACKAGES/node_modules" node_modules
fi
[ "${1:-}" != packages ] || exit 0

# Building anew would have cargo build what embeds it, too.
sources=$(find src ../docs/runbooks index.html vite.config.ts tsconfig.json package.json package-lock.json -type f | LC_ALL=C sort)
# shellcheck disable=SC2086 # a list of files, none with a space
made_of=$(for file in $sources; do printf '%s\n' "$file" && cat "$file"; done | cksum)
if [ -e dist/index.html ] && [ "$(cat dist/.made-of 2>/dev/null)" = "$made_of" ]; then
    exit 0
fi
say "building the dashboard"
npm run --silent build -- --logLevel warn >&2 || die "the dashboard does not build"
printf '%s\n' "$made_of" >dist/.made-of
