#!/bin/sh
# Installs what is missing: `setup.sh build` what building needs, `setup.sh test` also what the tests need. Of that,
# `setup.sh servers` leaves out what scripts/s3.sh, scripts/helm.sh and scripts/kube.sh build, which takes minutes: test.sh
# does it beside the rest.
# Idempotent; says what it installs; without root it names what is missing and fails.
set -eu
. "$(dirname -- "$0")/environment.sh"

what=${1:-test}
case $what in build | servers | test) ;; *) die "usage: setup.sh build|servers|test" ;; esac

# --- system packages -------------------------------------------------------------------------------------------

missing=""
need() { # need PACKAGE TEST...
    package=$1
    shift
    "$@" >/dev/null 2>&1 || missing="$missing $package"
}
has() { command -v "$1" || [ -x "/usr/sbin/$1" ] || [ -x "/usr/local/sbin/$1" ]; }
has_postgres() { has postgres || ls /usr/lib/postgresql/*/bin/postgres; }
has_venv() { python3 -c 'import venv, ensurepip'; }

need build-essential has cc
need make has make
need git has git
# For the dashboard, where the system's packages are new enough for it: without them, all but the page is built.
candidate() { apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: \(.*:\)\{0,1\}\([0-9][0-9.]*\).*/\2/p'; }
if ! has_node; then
    offered=$(candidate nodejs)
    if [ -n "$offered" ] && [ "$(printf '%s\n' "$NODE_NEEDED" "$offered" | sort -V | head -n 1)" = "$NODE_NEEDED" ]; then
        missing="$missing nodejs npm"
    else
        say "Node $NODE_NEEDED or newer is not here, and the system's packages have ${offered:-none}: the dashboard is left out"
    fi
fi
if [ "$what" != build ]; then
    need rabbitmq-server has rabbitmq-server
    need redis-server has redis-server
    need prometheus has promtool
    need postgresql has_postgres
    need util-linux has runuser
    # Looks at Flower's pages, and at the dashboard.
    need chromium has chromium
    need python3 has python3
    need python3-venv has_venv
    need golang-go find_go
    # A real node, where the surroundings ask for one and the machine may have it.
    if [ "${BERTH_TEST_NODE:-}" = 1 ] && [ "$(id -u)" -eq 0 ]; then
        need containerd has containerd
        need runc has runc
        need containernetworking-plugins [ -x /usr/lib/cni/bridge ]
        need busybox-static has busybox
        need iproute2 has ip
    fi
fi
if ! has cargo >/dev/null 2>&1 && ! has rustup >/dev/null 2>&1; then
    if apt-cache policy rustup 2>/dev/null | grep -q "Candidate: [0-9]"; then
        missing="$missing rustup"
    else
        die "Rust is missing: install rustup (https://rustup.rs), then run this again"
    fi
fi

if [ -n "$missing" ]; then
    has apt-get >/dev/null 2>&1 || die "missing:$missing; install them with this system's package manager"
    [ "$(id -u)" -eq 0 ] || die "missing:$missing; as root: apt-get install$missing"
    say "installing$missing"
    # Debian starts a service when its package is installed; tests start servers of their own, on free ports.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        trap 'rm -f "$policy"' EXIT INT TERM
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q >&2 || say "the package lists could not be updated; trying with those there are"
    # shellcheck disable=SC2086 # a list of packages
    apt-get install -q -y --no-install-recommends $missing >&2 || die "could not install:$missing"
fi

# --- Rust ------------------------------------------------------------------------------------------------------

cd "$ROOT"
if ! cargo --version >/dev/null 2>&1; then
    has rustup >/dev/null 2>&1 || die "cargo does not run here, and rustup is missing to install the toolchain"
    channel=$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
    say "installing Rust $channel"
    rustup toolchain install "$channel" --profile minimal --component clippy --component rustfmt >&2 ||
        die "could not install Rust $channel"
fi

# --- Python, for the tests with stock clients ------------------------------------------------------------------

stock_clients() { # stock_clients FILE FOLDER: the packages of a requirements file, in an environment of their own
    [ ! -e "$2/.complete" ] || return 0
    say "installing the stock clients of $1 into $2"
    rm -rf "$2"
    mkdir -p "$CACHE"
    python3 -m venv "$2" || die "could not make a Python environment (python3-venv)"
    "$2/bin/pip" install --quiet --disable-pip-version-check -r "$1" >&2 ||
        die "could not install the Python packages of $1"
    touch "$2/.complete"
}

if [ "$what" != build ]; then
    stock_clients scripts/requirements.txt "$VENV"
    stock_clients scripts/requirements-celery54.txt "$VENV_CELERY54"
fi

# --- an S3 server, Helm and Kubernetes -------------------------------------------------------------------------

if [ "$what" = test ]; then
    scripts/s3.sh
    scripts/helm.sh
    scripts/kube.sh
fi
