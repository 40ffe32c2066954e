#!/usr/bin/env bash
# Runs every fuzz target of this module, one after another, and says how many inputs
# each tried. An input that fails is kept in testdata/fuzz, where make test runs it
# from then on.
# Usage: fuzz.sh SECONDS, for each target
set -euo pipefail
seconds=$1
failed=0
dir=$(mktemp -d)
log=$dir/log
trap 'rm -rf "$dir"' EXIT
# A short run would spend its time on what earlier ones left in Go's cache: it begins
# with the committed inputs only.
cache=()
[ "$seconds" -ge 60 ] || cache=(-args "-test.fuzzcachedir=$dir/cache")
for package in $(go list ./...); do
  for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
    status=0
    go test -run '^$' -fuzz "^$target\$" -fuzztime "${seconds}s" -fuzzminimizetime 1s "$package" "${cache[@]}" >"$log" 2>&1 || status=$?
    execs=$(sed -n 's/.*execs: \([0-9]*\) .*/\1/p' "$log" | tail -1)
    # Go's fuzzer sometimes takes the end of its own time for a failure; without an
    # input that fails it is none. See https://go.dev/issue/75804.
    if [ "$status" -ne 0 ] && grep -q '^    context deadline exceeded$' "$log" && ! grep -q 'Failing input' "$log"; then
      status=0
    fi
    if [ "$status" -eq 0 ]; then
      printf '%12d  %-22s %s\n' "${execs:-0}" "$target" "$package"
    else
      echo "FAILED after ${execs:-0}: $target $package"
      cat "$log"
      failed=1
    fi
  done
done
exit "$failed"
