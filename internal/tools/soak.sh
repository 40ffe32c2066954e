#!/usr/bin/env bash
# Runs simulated worlds for SOAK_SECONDS (default 60), one process on each
# processor: on one processor a seed replays exactly. SOAK_FROM is the first seed
# (default: the time, so that each soak sees new worlds). A process takes up to some
# 4.5 GB: garbage is collected between worlds. Prints every failure with
# the command that replays it, at once, and why at the end, with the sums.
set -euo pipefail
seconds=${SOAK_SECONDS:-60}
from=${SOAK_FROM:-$(date +%s)000}
dir=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; rm -rf "$dir"' EXIT
go test -c -o "$dir/simulation" .
processes=$(nproc)
for ((i = 0; i < processes; i++)); do
  # Far apart, so that no world is seen twice.
  "$dir/simulation" -test.run '^TestSoak$' -test.cpu 1 -test.timeout 0 -sim.for "${seconds}s" -sim.from $((from + i * 1000000)) >"$dir/$i" &
  pids+=($!)
done
status=0
for pid in "${pids[@]}"; do wait "$pid" || status=1; done
for ((i = 0; i < processes; i++)); do
  grep -v -e '^soak: ' -e '^PASS$' "$dir/$i" || true
  grep '^soak: ' "$dir/$i" | tail -1
done | tee "$dir/all"
# "N words, N words, ...": the same words summed over all processes.
awk '/^soak: / { sub(/^soak: /, ""); n = split($0, part, ", ")
  for (i = 1; i <= n; i++) { number = part[i] + 0; sub(/^[0-9.]+ /, "", part[i]); if (!(part[i] in sum)) order[++kinds] = part[i]; sum[part[i]] += number } }
  END { printf "all:"; for (i = 1; i <= kinds; i++) printf "%s %s %s", (i > 1 ? "," : ""), sum[order[i]], order[i]; print "" }' "$dir/all"
exit "$status"
