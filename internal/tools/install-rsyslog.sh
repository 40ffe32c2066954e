#!/usr/bin/env bash
# Installs Debian's package rsyslog, which the end-to-end tests run, unless it
# is there. Its service is not needed and is stopped.
set -euo pipefail
if command -v rsyslogd >/dev/null || [ -x /usr/sbin/rsyslogd ]; then
  exit 0
fi
sudo=()
[ "$(id -u)" -eq 0 ] || sudo=(sudo)
echo "installing rsyslog"
"${sudo[@]}" apt-get update -qq
"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends rsyslog >/dev/null
if command -v systemctl >/dev/null; then
  "${sudo[@]}" systemctl disable --now rsyslog >/dev/null 2>&1 || true
fi
