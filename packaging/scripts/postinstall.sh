#!/bin/sh
# After the files are unpacked. deb: configure [PREVIOUS-VERSION]; rpm: how many are installed.
set -e
first=yes
case "${1:-}" in
  configure) [ -z "${2:-}" ] || first= ;;
  1) ;;
  [0-9]*) first= ;;
  *) exit 0 ;; # abort-upgrade and the like
esac
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  # The package is installed whether or not the service can start: systemd goes on trying.
  [ -n "$first" ] || systemctl try-restart otelcol-feishu.service ||
    echo "otelcol-feishu did not start again: journalctl -u otelcol-feishu says why"
fi
if [ -n "$first" ]; then
  cat <<'END'
otelcol-feishu is installed, and not started yet. It needs two values:
  1. the app's id, in /etc/otelcol-feishu/otelcol-feishu.env
  2. its secret, which this asks for:
     systemd-ask-password -n "App secret:" | install -m 0600 /dev/stdin /etc/otelcol-feishu/app_secret
Then: systemctl enable --now otelcol-feishu
END
fi
