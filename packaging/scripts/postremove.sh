#!/bin/sh
# After the files are removed. deb: remove, purge, upgrade; rpm: how many stay installed.
# The position and the records stay, unless a deb is purged.
set -e
case "${1:-}" in
  remove | 0)
    if [ -d /run/systemd/system ]; then
      systemctl daemon-reload
    fi
    ;;
  purge) rm -rf /var/lib/otelcol-feishu ;;
esac
