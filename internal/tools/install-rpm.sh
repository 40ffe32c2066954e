#!/usr/bin/env bash
# Installs Debian's package rpm, with which the end-to-end tests install our rpm, unless
# it is there.
set -euo pipefail
if command -v rpm >/dev/null; then
  exit 0
fi
sudo=()
[ "$(id -u)" -eq 0 ] || sudo=(sudo)
echo "installing rpm"
"${sudo[@]}" apt-get update -qq
"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends rpm >/dev/null
