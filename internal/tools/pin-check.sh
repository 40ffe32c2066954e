#!/usr/bin/env bash
# Fails if the manifest of a distribution asks for a module that its pins do not
# have in that version. Usage: pin-check.sh NAME, after ocb has generated the sources.
set -euo pipefail
name=$1
wanted=$(sed -n '/^require (/,/^)/p' "_build/src/$name/go.mod" | grep -v '// indirect' | awk 'NF==2 && $1 != "require" {print $1" "$2}')
missing=$(while read -r line; do grep -qF "	$line" "distribution/$name/go.mod" || echo "  $line"; done <<<"$wanted")
if [ -n "$missing" ]; then
  echo "the pins in distribution/$name do not match its manifest: run make pin and commit the result"
  echo "$missing"
  exit 1
fi
