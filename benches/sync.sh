#!/bin/sh
# A fresh node fetches a chain over loopback from one node and from three, every block and by snapshot, with real
# processes, TLS and disks.
#
#     cargo build --release -p sotto-cli && cargo run --release -p sotto-benches --example chain -- /tmp/big
#     benches/sync.sh target/release/sotto /tmp/big
#
# and payments go through a line of four nodes, if the chain has some (`chain -- /tmp/small 1200 60 1000`; see `pay`).
#
# Reports for each download: seconds until the tip is reached, bytes over loopback (TCP and TLS included, so nothing
# else should use it), the peak memory of the downloader and of a server, and the downloader's processor seconds.
set -eu
sotto=$(realpath "$1")
chain=$(realpath "$2")
pay=$(dirname "$sotto")/examples/pay
scratch=$(mktemp -d)
running=
trap 'for pid in $running; do kill "$pid" 2>/dev/null || true; done; wait; rm -rf "$scratch"' EXIT
cd "$scratch"

# The value of a field of the JSON record in a file.
field() {
    sed -n "s/.*\"$2\":\"\{0,1\}\([^,\"}]*\).*/\1/p" "$1" | head -n 1
}

# Starts a node in a folder, and waits until it prints its key.
start() {
    folder=$1
    shift
    "$sotto" node run --dir "$folder" --json "$@" > "$folder.out" 2> "$folder.log" &
    eval "pid_$folder=$!"
    running="$running $!"
    until grep -qs node-started "$folder.out"; do sleep 0.1; done
}

loopback() {
    awk '/^ *lo:/ { print $2 }' /proc/net/dev
}

peak() {
    awk '/^VmHWM/ { printf "%d MB", $2 / 1024 }' "/proc/$1/status"
}

processor() {
    awk -v hertz="$(getconf CLK_TCK)" '{ printf "%.1f", ($14 + $15) / hertz }' "/proc/$1/stat"
}

# Payments through a line, each node of which fluffs what its neighbour stems.
if [ -s "$chain/payments" ]; then
    connect=
    for n in 4 3 2 1; do
        cp -r "$chain" "line$n"
        mkdir -m 700 "line$n/node"
        printf 'outbound = 1\n[dandelion]\nfluff = 1.0\n' > "line$n/node/config.toml"
        start "line$n" --listen 127.0.0.1:0 $connect
        connect="--connect $(field line$n.out key)@$(field line$n.out listen)"
    done
    sleep 5
    "$pay" "$chain/payments" line1 line4
    for n in 1 2 3 4; do
        eval "pid=\$pid_line$n"
        echo "node $n: $(peak "$pid"), $(processor "$pid") s of processor"
        "$sotto" node stop --dir "line$n" > stop.out
        wait "$pid"
    done
    exit
fi

connect=
for giver in giver1 giver2 giver3; do
    cp -r "$chain" "$giver"
    start "$giver" --listen 127.0.0.1:0
    connect="$connect $(field $giver.out key)@$(field $giver.out listen)"
done
"$sotto" node status --dir giver1 --json > tip
height=$(field tip height)
echo "$height blocks, $(field tip unspent) unspent outputs, $(du -sk "$chain/chain" | cut -f1) KiB on disk"

for from in 1 3; do
    for how in blocks snapshot; do
        "$sotto" chain join "$chain/chain/genesis" --dir taker --quiet > join.out
        mkdir -p taker/node
        chmod 700 taker/node
        [ "$how" = snapshot ] || echo 'snapshot = false' > taker/node/config.toml
        set --
        for giver in $(echo $connect | cut -d ' ' -f 1-$from); do set -- "$@" --connect "$giver"; done
        before=$(loopback) began=$(date +%s.%N)
        start taker "$@"
        until "$sotto" node status --dir taker --json > status 2> /dev/null && [ "$(field status height)" = "$height" ]; do sleep 0.5; done
        took=$(echo "$(date +%s.%N) - $began" | bc)
        printf '%s from %s: %.1f s, %d MB, taker %s and %s s of processor, a giver %s\n' "$how" "$from" "$took" \
            $((($(loopback) - before) / 1000000)) "$(peak "$pid_taker")" "$(processor "$pid_taker")" "$(peak "$pid_giver1")"
        "$sotto" node stop --dir taker > stop.out
        wait "$pid_taker"
        rm -rf taker
    done
done
