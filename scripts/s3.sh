#!/bin/sh
# An S3 server for tests, versitygw: `s3.sh` builds it, once, from the module that integration-tests/s3/go.mod pins, into
# the cache; `s3.sh path` prints where it is.
set -eu
. "$(dirname -- "$0")/environment.sh"

module=$ROOT/integration-tests/s3
folder=$CACHE/s3-$(key_of integration-tests/s3/go.mod integration-tests/s3/go.sum)
program=$folder/versitygw

case ${1:-build} in
build) ;;
path)
    printf '%s\n' "$program"
    exit
    ;;
*) die "usage: s3.sh [build|path]" ;;
esac
[ -x "$program" ] && exit

go_for "$module"
cd "$module"
mkdir -p "$folder"
if command -v flock >/dev/null 2>&1; then
    exec 8>"$folder/.lock"
    flock 8
    [ -x "$program" ] && exit
fi
say "building an S3 server for the tests into $folder, once (about 2 minutes on 2 cores)"
export CGO_ENABLED=0 GOTOOLCHAIN=local GOWORK=off
# Moved into place when it is whole, so that a build that was cut off is not taken for one.
"$go" build -trimpath -buildvcs=false -mod=readonly -ldflags "-s -w" -o "$folder/.versitygw" \
    github.com/versity/versitygw/cmd/versitygw 8>&- &&
    mv "$folder/.versitygw" "$program" || die "could not build the S3 server"
# Those of other versions, not used for a month.
touch "$folder"
find "$CACHE" -maxdepth 1 -name 's3-*' -mtime +30 -exec rm -rf {} + 2>/dev/null || true
