#!/bin/sh
# Helm for tests: `helm.sh` builds it, once, from the module that integration-tests/helm/go.mod pins, into the cache;
# `helm.sh path` prints where it is. Beside it are `compose`, which loads a Compose file as Docker Compose does, and what
# the Prometheus operator says a PodMonitor and a ServiceMonitor are.
set -eu
. "$(dirname -- "$0")/environment.sh"

module=$ROOT/integration-tests/helm
folder=$CACHE/helm-$(key_of integration-tests/helm/go.mod integration-tests/helm/go.sum integration-tests/helm/compose/main.go)
program=$folder/helm

case ${1:-build} in
build) ;;
path)
    printf '%s\n' "$program"
    exit
    ;;
*) die "usage: helm.sh [build|path]" ;;
esac
is_whole() { [ -x "$program" ] && [ -e "$folder/servicemonitors.yaml" ]; }
is_whole && exit

go_for "$module"
cd "$module"
mkdir -p "$folder"
if command -v flock >/dev/null 2>&1; then
    exec 8>"$folder/.lock"
    flock 8
    is_whole && exit
fi
export CGO_ENABLED=0 GOTOOLCHAIN=local GOWORK=off
operator=$("$go" mod download -json github.com/prometheus-operator/prometheus-operator | sed -n 's/^.*"Dir": "\(.*\)",\{0,1\}$/\1/p')
for kind in podmonitors servicemonitors; do
    cp "$operator/example/prometheus-operator-crd/monitoring.coreos.com_$kind.yaml" "$folder/$kind.yaml"
    chmod u+w "$folder/$kind.yaml"
done
[ -x "$program" ] && exit
release=$(sed -n 's/^.*helm.sh\/helm\/v4 v\([0-9.]*\).*/\1/p' go.mod | head -n 1)
say "building Helm $release for the tests into $folder, once (about 3 minutes on 2 cores)"
flags="-s -w -X helm.sh/helm/v4/internal/version.version=v$release"
"$go" build -trimpath -buildvcs=false -mod=readonly -ldflags "-s -w" -o "$folder/compose" ./compose 8>&- ||
    die "could not build what loads Compose files"
# Moved into place when it is whole, and last, so that a build that was cut off is not taken for one.
"$go" build -trimpath -buildvcs=false -mod=readonly -ldflags "$flags" -o "$folder/.helm" helm.sh/helm/v4/cmd/helm 8>&- &&
    mv "$folder/.helm" "$program" || die "could not build Helm"
# Those of other versions, not used for a month.
touch "$folder"
find "$CACHE" -maxdepth 1 -name 'helm-*' -mtime +30 -exec rm -rf {} + 2>/dev/null || true
