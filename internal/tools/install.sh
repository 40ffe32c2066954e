#!/usr/bin/env bash
# Installs packages of Debian that tests need, unless their programs are there. Their services are
# not needed and are stopped.
# Usage: [SERVICES="..."] install.sh "PACKAGE..." PROGRAM...
set -euo pipefail
read -ra packages <<<"$1"
read -ra services <<<"${SERVICES:-}"
shift
missing=0
for program in "$@"; do
  command -v "$program" >/dev/null || [ -x "/usr/sbin/$program" ] || missing=1
done
[ "$missing" = 1 ] || exit 0
sudo=()
[ "$(id -u)" -eq 0 ] || sudo=(sudo)
echo "installing ${packages[*]}"
"${sudo[@]}" apt-get update -qq
"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${packages[@]}" >/dev/null
if [ "${#services[@]}" -gt 0 ] && command -v systemctl >/dev/null; then
  "${sudo[@]}" systemctl disable --now "${services[@]}" >/dev/null 2>&1 || true
fi
