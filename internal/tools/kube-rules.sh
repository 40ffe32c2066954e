#!/usr/bin/env bash
# Writes the PrometheusRule of Prometheus' operator with the groups of a rule file.
# Usage: kube-rules.sh < alerts.yaml > prometheusrule.yaml
set -euo pipefail
cat <<'END'
# Generated from alerts.yaml by `make generate`: do not edit.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: feishu-audit
spec:
END
sed -n '/^groups:/,$ { s/^/  /; s/ *$//; p }'
