# A network of its own for each party named, joined by a bridge: 10.77.0.1, 10.77.0.2, … in the order of the names. It is for a shell in
# `unshare --net --mount --pid --fork --kill-child`, and gone with it; nothing outside is touched.
mount -t tmpfs none /run
mkdir /run/netns
ip link add sotto-hub type bridge
ip link set sotto-hub up
n=0
for name in $PARTIES; do
    n=$((n + 1))
    ip netns add "$name"
    ip link add "to-$n" type veth peer name eth0 netns "$name"
    ip link set "to-$n" master sotto-hub up
    nsenter --net="/run/netns/$name" sh -c \
        "ip link set lo up; ip address add 10.77.0.$n/24 dev eth0; ip link set eth0 up"
done
