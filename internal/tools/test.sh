#!/usr/bin/env bash
# Runs the tests of the given modules with the race detector and says what passed.
# Usage: test.sh MODULE...
set -euo pipefail
failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for module in "$@"; do
  echo "== go test -race ./... in module $module"
  status=0
  # Garbage is collected less often, for time: at most 1.5 GB are used.
  (cd "$module" && GOGC=400 go test -race -count=1 -timeout 20m -json ./...) >"$log" || status=$?
  # What failed is shown whole, what passed as one line a package.
  go run ./internal/testreport <"$log" || status=1
  [ "$status" -eq 0 ] || failed=1
done
exit "$failed"
