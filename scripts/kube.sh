#!/bin/sh
# The programs of a Kubernetes control plane and node, for tests: `kube.sh` builds what is missing, once;
# `kube.sh path` prints their folder. They are taken from KUBEBUILDER_ASSETS if it has them all, else built from the
# module that integration-tests/kube/go.mod pins, into the cache. With BERTH_TEST_KUBECONFIG nothing is built.
set -eu
. "$(dirname -- "$0")/environment.sh"

module=$ROOT/integration-tests/kube
folder=$CACHE/kube-$(key_of integration-tests/kube/go.mod integration-tests/kube/go.sum)/bin
programs="etcd kube-apiserver kube-controller-manager kube-scheduler kubelet kubectl"

what=${1:-build}
case $what in build | path) ;; *) die "usage: kube.sh [build|path]" ;; esac

has_all() { # has_all FOLDER
    for program in $programs; do
        [ -x "$1/$program" ] || return 1
    done
}

if [ -n "${KUBEBUILDER_ASSETS:-}" ]; then
    if has_all "$KUBEBUILDER_ASSETS"; then
        folder=$KUBEBUILDER_ASSETS
    else
        say "KUBEBUILDER_ASSETS=$KUBEBUILDER_ASSETS has not all of: $programs; using our own build"
    fi
fi

if [ "$what" = path ]; then
    printf '%s\n' "$folder"
    exit
fi

if [ -n "${BERTH_TEST_KUBECONFIG:-}" ]; then
    say "tests use the cluster of BERTH_TEST_KUBECONFIG=$BERTH_TEST_KUBECONFIG; no Kubernetes is built"
    exit
fi
has_all "$folder" && exit

# --- build, once -----------------------------------------------------------------------------------------------

go_for "$module"
cd "$module"
mkdir -p "$folder"
if command -v flock >/dev/null 2>&1; then
    exec 8>"$folder/../.lock"
    flock 8
    has_all "$folder" && exit
fi

release=$(sed -n 's/^.*k8s.io\/kubernetes v\([0-9.]*\).*/\1/p' go.mod | head -n 1)
etcd=$(sed -n 's/^.*go.etcd.io\/etcd\/server\/v3 v\([0-9.]*\).*/\1/p' go.mod | head -n 1)
minor=${release#*.}
version=k8s.io/component-base/version
flags="-s -w -X $version.gitVersion=v$release -X $version.gitMajor=${release%%.*} -X $version.gitMinor=${minor%%.*}"
say "building Kubernetes $release and etcd $etcd for the tests into $folder, once (about 7 minutes on 2 cores)"
export CGO_ENABLED=0 GOTOOLCHAIN=local GOWORK=off
build() { # build PROGRAM PACKAGE
    say "building $1"
    # Moved into place when it is whole, so that a build that was cut off is not taken for one.
    "$go" build -trimpath -buildvcs=false -mod=readonly -ldflags "$flags" -o "$folder/.$1" "$2" 8>&- &&
        mv "$folder/.$1" "$folder/$1" || die "could not build $1"
}
build etcd go.etcd.io/etcd/server/v3
for program in kube-apiserver kube-controller-manager kube-scheduler kubelet kubectl; do
    build "$program" "k8s.io/kubernetes/cmd/$program"
done
# Those of other versions, not used for a month.
touch "$folder/.."
find "$CACHE" -maxdepth 1 -name 'kube-*' -mtime +30 -exec rm -rf {} + 2>/dev/null || true
