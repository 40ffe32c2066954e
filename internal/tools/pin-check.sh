#!/usr/bin/env bash
# Fails if the pins of a distribution do not belong to its manifest: a module or a
# replacement that only one of them has, or another version.
# Usage: pin-check.sh NAME, after ocb has generated the sources.
set -euo pipefail
name=$1
sources=_build/src/$name
pins=distribution/$name/go.mod

# The modules that a go.mod requires directly, with their versions, and its replacements.
asks_for() {
  awk '$1 == "require" && $2 == "(" { inside = 1; next }
       $1 == ")" { inside = 0 }
       inside && NF == 2 { print $1, $2 }
       $1 == "replace" { $1 = $1; print }' "$1" | LC_ALL=C sort -u
}

wanted=$(asks_for "$sources/go.mod.manifest")
pinned=$(asks_for "$pins")
differences=$(
  LC_ALL=C comm -23 <(echo "$wanted") <(echo "$pinned") | sed 's/^/  only in the manifest: /'
  LC_ALL=C comm -13 <(echo "$wanted") <(echo "$pinned") | while read -r module version; do
    # What the generated code itself imports is in no manifest.
    grep -qE "\"$module[/\"]" "$sources"/*.go || echo "  only in the pins: $module $version"
  done
)
if [ -n "$differences" ]; then
  echo "the pins in distribution/$name do not belong to its manifest: run make pin and commit the result"
  echo "$differences"
  exit 1
fi
