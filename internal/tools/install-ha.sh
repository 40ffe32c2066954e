#!/usr/bin/env bash
# Installs Debian's packages etcd-server and redis-server, which the tests of several
# replicas run, unless their programs are there. Their services are not needed.
set -euo pipefail
if command -v etcd >/dev/null && command -v redis-server >/dev/null; then
  exit 0
fi
sudo=()
[ "$(id -u)" -eq 0 ] || sudo=(sudo)
echo "installing etcd and Redis"
"${sudo[@]}" apt-get update -qq
"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends etcd-server redis-server >/dev/null
if command -v systemctl >/dev/null; then
  "${sudo[@]}" systemctl disable --now etcd redis-server >/dev/null 2>&1 || true
fi
