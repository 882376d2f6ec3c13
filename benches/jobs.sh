#!/bin/sh
# Large jobs with real processes: the gallery's Welch test with 1,000,000 rows from each of three input parties, who
# add up their own rows, and its pay-gap table with 100,000 rows from each of three, all of which enter as shares.
#
#     cargo build --release -p sotto-cli && benches/jobs.sh target/release/sotto
#
# Reports for each party the seconds from start to end, including reading and checking, and its peak memory. All
# parties run on this machine.
set -eu
sotto=$(realpath "$1")
cd "$(dirname "$0")/../jobs/gallery"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Rows from a seed: a group below $2, a value with two decimals.
rows() {
    awk -v n="$1" -v groups="$2" -v seed="$3" -v heading="$4" 'BEGIN {
        srand(seed); print heading
        for (i = 0; i < n; i++) printf "%d,%.2f\n", int(rand() * groups), rand() * 49
    }'
}

# Parties, seconds and memory of a record of `mpc local`.
show() {
    grep -o '"[a-z0-9-]*":{"outputs"\|"seconds":[0-9.]*\|"peak_memory_bytes":[0-9]*' | sed 's/:{"outputs"//; s/"//g' | paste - - -
}

for owner in 1 2 3; do
    rows 1000000 2 "$owner" arm,value > "$scratch/welch-$owner.csv"
    rows 100000 8 "$owner" group,value > "$scratch/pay-$owner.csv"
done
sed 's/^rows = 200$/rows = 1000000/; s/^and_gates = .*/and_gates = 1000000/' welch/job.toml > "$scratch/welch.toml"
sed 's/^rows = \[.*/rows = [100000, 100000, 100000]/; s/^rows = 250$/rows = 100000/; s/^and_gates = .*/and_gates = 200000000/; s/^seconds = .*/seconds = 3600/' \
    pay-gap/job.toml > "$scratch/pay.toml"

for job in welch:hospital pay:company; do
    name=${job%:*} owner=${job#*:}
    echo "$name"
    start=$(date +%s.%N)
    "$sotto" mpc local --json "$scratch/$name.toml" --input "$owner-1=$scratch/$name-1.csv" --input "$owner-2=$scratch/$name-2.csv" \
        --input "$owner-3=$scratch/$name-3.csv" --out "$scratch/$name" | show
    echo "all $(echo "$(date +%s.%N) - $start" | bc) s"
    grep -h '"and_gates"\|"sent"\|"received"' "$scratch/$name/$owner-1/receipt.json"
done
