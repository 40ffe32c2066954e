#!/usr/bin/env bash
# Installs Debian's package chromium, for `make screenshot`, unless it is there.
set -euo pipefail
if command -v chromium >/dev/null; then
  exit 0
fi
sudo=()
[ "$(id -u)" -eq 0 ] || sudo=(sudo)
echo "installing Chromium"
"${sudo[@]}" apt-get update -qq
"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium fonts-noto-cjk >/dev/null
