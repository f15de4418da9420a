# Sourced by the other scripts: where things are. Makes no change but to its own variables.
# shellcheck shell=sh

ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
CACHE=${BERTH_CACHE:-${XDG_CACHE_HOME:-${HOME:?HOME is not set}/.cache}/berth}

say() { printf '%s\n' "berth: $*" >&2; }
die() { say "$*"; exit 1; }

# A short name for the contents of files: what is made of them is kept under it.
key_of() { (cd "$ROOT" && cat "$@") | cksum | tr -s ' ' '-' | cut -d- -f1,2; }

# A rustup that is on the PATH knows its toolchains also when HOME is another one.
if [ -z "${RUSTUP_HOME:-}" ] && command -v rustup >/dev/null 2>&1; then
    rustup_bin=$(command -v rustup)
    rustup_home=$(dirname -- "$(dirname -- "$(dirname -- "$rustup_bin")")")/.rustup
    if [ ! -d "$HOME/.rustup" ] && [ -d "$rustup_home" ]; then
        RUSTUP_HOME=$rustup_home
        export RUSTUP_HOME
    fi
fi

# What is built is kept outside the clone, so that a fresh clone of the same dependencies starts warm.
if [ -z "${CARGO_TARGET_DIR:-}" ]; then
    CARGO_TARGET_DIR=$CACHE/target-$(key_of rust-toolchain.toml Cargo.lock)
fi
export CARGO_TARGET_DIR

# The dashboard's packages, by its lock file.
NODE_PACKAGES=$CACHE/npm-$(key_of dashboard/package-lock.json dashboard/package.json)
VENV=$CACHE/venv-$(key_of scripts/requirements.txt)
# The oldest Celery whose tools are tested, beside the newest.
VENV_CELERY54=$CACHE/venv-$(key_of scripts/requirements-celery54.txt)
export CACHE NODE_PACKAGES ROOT VENV VENV_CELERY54

# Two clones share the folder: one builds and tests at a time.
lock_target() {
    mkdir -p "$CARGO_TARGET_DIR"
    touch "$CARGO_TARGET_DIR"
    if command -v flock >/dev/null 2>&1; then
        exec 9>"$CARGO_TARGET_DIR/.berth-lock"
        if ! flock -n 9; then
            say "another build uses $CARGO_TARGET_DIR; waiting for it"
            flock 9
        fi
    fi
    forget_other_clone
    # Folders of old dependencies, not used for a month.
    find "$CACHE" -maxdepth 1 -name 'target-*' -mtime +30 ! -path "$CARGO_TARGET_DIR" -exec rm -rf {} + 2>/dev/null || true
}

# Cargo tells by the time of a file alone whether a crate must be built: a clone with older files than those of another
# clone that built last would be given that one's programs, with its paths and its code. So the crates that are ours are
# built anew when the clone is another one; their dependencies stay.
forget_other_clone() {
    [ "$(cat "$CARGO_TARGET_DIR/.berth-clone" 2>/dev/null)" != "$ROOT" ] || return 0
    find "$CARGO_TARGET_DIR" -maxdepth 4 -type d -name .fingerprint 2>/dev/null | while read -r kept; do
        rm -rf "$kept"/berth-* "$kept"/xtask-*
    done
    mkdir -p "$CARGO_TARGET_DIR"
    printf '%s\n' "$ROOT" >"$CARGO_TARGET_DIR/.berth-clone"
}

unlock_target() { exec 9>&-; }

# The dashboard is built where there is a Node that is new enough for it.
NODE_NEEDED=20.19
has_node() {
    found=$(node --version 2>/dev/null | sed 's/^v//')
    [ -n "$found" ] && command -v npm >/dev/null 2>&1 &&
        [ "$(printf '%s\n' "$NODE_NEEDED" "$found" | sort -V | head -n 1)" = "$NODE_NEEDED" ]
}

# What is needed before anything is built that has the dashboard in it. Takes the lock of the target folder.
prepare_build() {
    "$ROOT/scripts/setup.sh" build
    cd "$ROOT"
    lock_target
    if has_node; then scripts/dashboard.sh 9>&-; fi
}

# A Go that was unpacked by hand is often on nobody's PATH.
find_go() {
    for go in "$(command -v go || true)" /usr/local/go/bin/go /usr/lib/go/bin/go; do
        if [ -x "$go" ]; then
            printf '%s\n' "$go"
            return
        fi
    done
    return 1
}

new_enough() { # new_enough GO NEEDED
    found=$("$1" env GOVERSION 2>/dev/null | sed 's/^go//')
    [ -n "$found" ] && [ "$(printf '%s\n' "$2" "$found" | sort -V | head -n 1)" = "$2" ]
}

go_for() { # go_for MODULE: sets `go` to one that is new enough for it
    needed=$(sed -n 's/^go //p' "$1/go.mod")
    go=$(find_go) || die "Go is missing: run scripts/setup.sh test, or install Go $needed or newer"
    if ! new_enough "$go" "$needed"; then
        # Go publishes its toolchains as a module; one that is too old to switch by itself can still fetch them.
        toolchain=golang.org/toolchain@v0.0.1-go$needed.$("$go" env GOOS)-$("$go" env GOARCH)
        say "$go is older than Go $needed; fetching that"
        GOROOT=$("$go" mod download -json "$toolchain" | sed -n 's/^.*"Dir": "\(.*\)",\{0,1\}$/\1/p')
        [ -n "$GOROOT" ] || die "could not fetch Go $needed: install it, then run this again"
        # A module's files are kept without the right to run them, and read-only.
        chmod -R u+w "$GOROOT"
        chmod +x "$GOROOT"/bin/* "$GOROOT"/pkg/tool/*/*
        export GOROOT
        go=$GOROOT/bin/go
    fi
}
