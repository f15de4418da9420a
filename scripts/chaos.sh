#!/bin/sh
# The long fault-injection run.
set -eu
. "$(dirname -- "$0")/environment.sh"
die "the long fault-injection run is not built yet; the faults that \`make test\` injects are in integration-tests/"
