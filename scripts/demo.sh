#!/bin/sh
# Shows one run from YAML to `succeeded`: builds, starts everything in one process on a free port and in a folder of
# its own, submits examples/quickstart.yaml, follows its log. Ends with 0 if the run succeeded, else with 1.
set -eu
. "$(dirname -- "$0")/environment.sh"

"$ROOT/scripts/build.sh"
cd "$ROOT"
berth=$CARGO_TARGET_DIR/release/berth

# Settings of the surroundings are not for the demo.
for name in $(env | sed -n 's/^\(BERTH_[A-Z_]*\)=.*/\1/p'); do
    unset "$name"
done

folder=$(mktemp -d "${TMPDIR:-/tmp}/berth-demo.XXXXXX")
server=
# shellcheck disable=SC2329 # called by the traps
clean_up() {
    trap - EXIT INT TERM
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || true
        waited=0
        while kill -0 "$server" 2>/dev/null && [ "$waited" -lt 120 ]; do
            sleep 0.1
            waited=$((waited + 1))
        done
        kill -9 "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

XDG_CONFIG_HOME=$folder/config
export XDG_CONFIG_HOME
: >"$folder/ready"
say "starting \`berth up\` on a free port"
"$berth" up --listen 127.0.0.1:0 --data-dir "$folder/data" >"$folder/ready" 2>"$folder/log" &
server=$!

waited=0
until url=$(sed -n 's/^berth is ready: \(http[^ ]*\).*/\1/p' "$folder/ready") && [ -n "$url" ]; do
    if ! kill -0 "$server" 2>/dev/null || [ "$waited" -ge 300 ]; then
        cat "$folder/log" >&2
        die "\`berth up\` did not become ready"
    fi
    sleep 0.1
    waited=$((waited + 1))
done
say "ready: $url"

if "$berth" run --host "$url" -f examples/quickstart.yaml --follow; then
    say "the run succeeded; this is what the server kept of it:"
    "$berth" ops ls --host "$url"
    cat >&2 <<END

Where to look next:
  make up                                     the same, to stay, on http://127.0.0.1:8000
  berth run -f examples/params.yaml --follow  another run; berth is $berth
  berth ops ls, berth ops why RUN             what runs, and why something waits
  docs/first-run.md                           the same by hand, step by step
END
    exit 0
fi
say "the run did not succeed; the last lines of the server's log:"
tail -n 30 "$folder/log" >&2
exit 1
