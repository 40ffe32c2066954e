#!/bin/sh
# Before the files are removed. deb: remove or upgrade; rpm: how many stay installed.
set -e
case "${1:-}" in
  remove | 0)
    if [ -d /run/systemd/system ]; then
      systemctl disable --now otelcol-feishu.service
    fi
    ;;
esac
