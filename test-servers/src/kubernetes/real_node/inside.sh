# The first process of a real node's namespaces: inside.sh FOLDER KUBELET NAME ADDRESS
#
# What a kubelet and a container runtime write all over a machine goes to file systems of these namespaces alone. The
# kernel settings that they would change are covered by files in which they find what they want.
folder=$1 kubelet=$2 name=$3 address=$4
set -e

mount --make-rshared /
for place in /run /var/lib /var/log; do
    mount -t tmpfs node "$place"
done
setting() { # setting NAME VALUE
    [ -e "/proc/sys/$1" ] || return 0
    file=$folder/settings/$(printf '%s' "$1" | tr / .)
    printf '%s\n' "$2" >"$file"
    mount --bind "$file" "/proc/sys/$1"
}
mkdir -p "$folder/settings"
setting net/ipv4/ip_forward 1
setting vm/overcommit_memory 1
setting vm/panic_on_oom 0
setting kernel/panic 10
setting kernel/panic_on_oops 1
setting kernel/keys/root_maxkeys 1000000
setting kernel/keys/root_maxbytes 25000000
set +e

containerd --config "$folder/containerd.toml" >"$folder/containerd.log" 2>&1 &
for try in $(seq 200); do
    ctr version >/dev/null 2>&1 && break
    sleep 0.05
done
for image in "$folder"/images/*.tar; do
    ctr -n k8s.io images import "$image" >/dev/null || exit 1
done

"$kubelet" --config="$folder/kubelet.json" --kubeconfig="$folder/kubelet.kubeconfig" --root-dir=/var/lib/kubelet \
    --cert-dir="$folder" --hostname-override="$name" --node-ip="$address" >"$folder/kubelet.log" 2>&1 &
# Not `exec`: the first process is the one that buries the dead.
wait $!
