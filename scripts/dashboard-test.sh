#!/bin/sh
# Checks the dashboard: its code's form and types, its pure functions, and then every view in a real browser against a real
# `berth up`. A screenshot of each is kept in BERTH_TEST_SCREENSHOTS, or in dashboard/test-results.
set -eu
. "$(dirname -- "$0")/environment.sh"

"$ROOT/scripts/dashboard.sh"
cd "$ROOT"
# What is looked at has to have the page that was just built.
if [ -z "${BERTH_BINARY:-}" ]; then
    cargo build --quiet --locked --package berth
fi
cd "$ROOT/dashboard"
npm run --silent lint
npm run --silent types
npm run --silent test -- --reporter=dot
BERTH_TEST_SCREENSHOTS=${BERTH_TEST_SCREENSHOTS:-$ROOT/dashboard/test-results}
export BERTH_TEST_SCREENSHOTS
BERTH_BINARY=${BERTH_BINARY:-$CARGO_TARGET_DIR/debug/berth} npm run --silent browser
say "a screenshot of each view is in $BERTH_TEST_SCREENSHOTS"
