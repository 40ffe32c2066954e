#!/usr/bin/env bash
# Installs Debian's package systemd, whose systemd-analyze the end-to-end tests ask about
# the unit of packaging/, unless it is there. Nothing of it is started.
set -euo pipefail
if command -v systemd-analyze >/dev/null; then
  exit 0
fi
sudo=()
[ "$(id -u)" -eq 0 ] || sudo=(sudo)
echo "installing systemd-analyze"
"${sudo[@]}" apt-get update -qq
"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends systemd >/dev/null
