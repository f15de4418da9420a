# Keeps the machine's only real node: keeper.sh ADDRESS CGROUP BRIDGE FOLDER SCRIPT ARGUMENT...
#
# Its standard error is the locked file by which tests take turns; it is kept open until the machine is clean.
# Runs SCRIPT in namespaces of its own for processes and mounts, and waits until the pipe from the test process closes.
# Then all that ran in there dies with its first process, and the mounts with them; what is left on the machine are
# control groups, an address and a bridge, which are removed here, by name.
address=$1 cgroup=$2 bridge=$3 folder=$4
shift 4

exec 9>&2 2>/dev/null

remove() {
    ip link delete "$bridge" 2>/dev/null
    ip address delete "$address/32" dev lo 2>/dev/null
    for try in 1 2 3 4 5 6 7 8 9 10; do
        left=
        for root in "/sys/fs/cgroup/$cgroup" /sys/fs/cgroup/*/"$cgroup"; do
            [ -d "$root" ] || continue
            find "$root" -depth -type d -exec rmdir {} + 2>/dev/null
            [ -d "$root" ] && left=$root
        done
        [ -z "$left" ] && return
        sleep 0.1
    done
}
# Of a machine that went down with a node on it.
remove

ip address add "$address/32" dev lo
enabled=
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    # Version 2: one hierarchy, in which the kubelet wants its controllers enabled.
    for controller in cpuset cpu io memory pids hugetlb; do
        grep -qw "$controller" /sys/fs/cgroup/cgroup.subtree_control && continue
        echo "+$controller" 2>/dev/null >/sys/fs/cgroup/cgroup.subtree_control && enabled="$enabled -$controller"
    done
    mkdir -p "/sys/fs/cgroup/$cgroup"
else
    # Version 1: one for each controller.
    for root in /sys/fs/cgroup/*; do
        [ -e "$root/cgroup.procs" ] && mkdir -p "$root/$cgroup"
    done
    # A cpuset without processors and memory takes no process.
    for file in cpuset.cpus cpuset.mems; do
        cat "/sys/fs/cgroup/cpuset/$file" >"/sys/fs/cgroup/cpuset/$cgroup/$file"
    done
fi

unshare --mount --propagation slave --pid --fork --kill-child --mount-proc \
    sh "$@" 9>&- </dev/null >"$folder/node.log" 2>&1 &
node=$!

echo ready
while read -r line; do :; done

kill -s KILL "$node" 2>/dev/null
wait "$node" 2>/dev/null
remove
[ -n "$enabled" ] && echo "${enabled# }" >/sys/fs/cgroup/cgroup.subtree_control
for try in 1 2 3 4 5; do rm -rf -- "$folder" 2>/dev/null && break; sleep 0.1; done
