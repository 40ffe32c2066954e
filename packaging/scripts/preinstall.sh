#!/bin/sh
# Before the files are unpacked, as some of them belong to the user: deb and rpm.
set -e
if ! getent passwd otelcol-feishu >/dev/null; then
  useradd --system --user-group --no-create-home --home-dir /var/lib/otelcol-feishu --shell /usr/sbin/nologin \
    --comment "OpenTelemetry Collector for Feishu" otelcol-feishu
fi
