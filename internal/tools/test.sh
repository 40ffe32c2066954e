#!/usr/bin/env bash
# Runs the tests of the given modules with the race detector, and reports each package
# as soon as it finishes: internal/testreport.
# Usage: test.sh MODULE...
set -euo pipefail
started=$(date +%s)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
for module in "$@"; do
  echo "== go test -race ./... in module $module"
  status=0
  # Less frequent garbage collection saves time; at most 1.5 GB are used.
  (cd "$module" && GOGC=400 exec go test -race -count=1 -timeout 20m -json ./...) || status=$?
  printf '\n{"Action":"exit","Module":"%s","Status":%d}\n' "$module" "$status"
done | {
  # Not go run: it writes a line after the last one.
  go build -o "$dir/testreport" ./internal/testreport
  "$dir/testreport" -started "$started" "$@"
}
