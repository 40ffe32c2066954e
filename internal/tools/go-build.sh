#!/usr/bin/env bash
# Runs go build in the current folder, and shows how far it is: on a terminal in one line that moves, elsewhere in a
# line for every 100 packages. What is compiled already is not counted, so a build may end before all are reached.
# Errors are shown as they come, and the status is that of go build.
# Usage: go-build.sh ARGUMENTS OF GO BUILD...
set -euo pipefail
fetched=0 compiled=0 total=0 listed=no moves=no
[ -t 2 ] && moves=yes
show() {
  if [ $moves = yes ]; then
    printf '\r\033[K  %s' "$1" >&2
  else
    printf '  %s\n' "$1" >&2
  fi
}
clear() { if [ $moves = yes ]; then printf '\r\033[K' >&2; fi; }
while IFS= read -r line; do
  case $line in
  'go: downloading '*)
    fetched=$((fetched + 1))
    if [ $moves = yes ] || [ $((fetched % 100)) = 0 ]; then show "$fetched modules fetched"; fi
    ;;
  listed) listed=yes ;;
  status=*) clear && exit "${line#status=}" ;;
  '#'* | *[[:space:]]* | '') if [ $listed = yes ]; then clear && printf '%s\n' "$line" >&2; fi ;; # go build says it, too
  *) # the name of a package
    if [ $listed = no ]; then
      total=$((total + 1))
      continue
    fi
    compiled=$((compiled + 1))
    if [ $moves = yes ] || [ $((compiled % 100)) = 0 ]; then show "$compiled of $total packages compiled"; fi
    ;;
  esac
done < <(
  go list -deps . 2>&1 || true
  echo listed
  status=0
  go build -v "$@" 2>&1 || status=$?
  echo "status=$status"
)
echo "go-build.sh: go build was stopped" >&2
exit 1
