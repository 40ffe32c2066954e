#!/usr/bin/env bash
# Writes the bill of materials of a collector, or of the tool beside it, in CycloneDX.
# Usage: sbom.sh BINARY OUTPUT
set -euo pipefail
binary=$(realpath "$1")
output=$(realpath "$2")
cd "$(dirname "$0")/../.."
version=v$(sed -n 's/^ *version: //p' builder-config.yaml | head -1)
go tool -modfile=internal/tools/sbom/go.mod cyclonedx-gomod bin -json -std -noserial -notimestamp -version "$version" -output "$output" "$binary"
# The receiver is built from the checkout, by a replace directive, and the linker knows
# it by its folder only.
receiver=$(go list -m)
sed -i -E -e "s#(\.\./)+(\.\.)?@\(devel\)#$receiver@$version#g" -e "s#\"(\.\./)+(\.\.)?\"#\"$receiver\"#" -e "s#\"\(devel\)\"#\"$version\"#" "$output"
