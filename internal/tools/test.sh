#!/usr/bin/env bash
# Runs the tests of the given modules with the race detector, and reports each package
# as soon as it finishes: internal/testreport. -short leaves out the tests that
# long-tests.txt names. -sample runs only these, and of the largest a part of the cases;
# -long runs them whole, but without the race detector, with which they take six times
# as long.
# Usage: test.sh [-short|-sample|-long] MODULE...
set -euo pipefail
long="^($(paste -sd '|' internal/tools/long-tests.txt))\$"
race=-race
case ${1:-} in
-short) select=(-skip "$long") what=", without the long tests" && shift ;;
-sample) select=(-run "$long" -short) what=", a part of the long tests" && shift ;;
-long) select=(-run "$long") what=", only the long tests" race="" && shift ;;
*) select=(-run .) what="" ;;
esac
started=$(date +%s)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
for module in "$@"; do
  echo "== go test${race:+ $race} ./... in module $module$what"
  status=0
  # Less frequent garbage collection saves time; at most 1.5 GB are used.
  (cd "$module" && GOGC=400 exec go test ${race:+"$race"} -count=1 -timeout 20m -json "${select[@]}" ./...) || status=$?
  printf '\n{"Action":"exit","Module":"%s","Status":%d}\n' "$module" "$status"
done | {
  # Not go run: it writes a line after the last one.
  go build -o "$dir/testreport" ./internal/testreport
  "$dir/testreport" -started "$started" "$@"
}
