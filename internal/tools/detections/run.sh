#!/usr/bin/env bash
# Runs convert.py with the pinned packages of requirements.txt, which it installs below _build the first time.
set -euo pipefail
cd "$(dirname "$0")"
build=$(cd ../../.. && pwd)/_build/detections
stamp=$build/$(sha256sum requirements.txt | cut -c1-16)
command -v python3 >/dev/null || { echo "python3 is missing: the detections are converted by pySigma" >&2; exit 1; }
if [ ! -e "$stamp" ]; then
  rm -rf "$build" && mkdir -p "$build"
  python3 -m venv "$build/venv"
  "$build/venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
  touch "$stamp"
fi
if [ "${1:-}" = --check ]; then
  # Without the validators that fetch lists from the network. convert.py checks the ATT&CK tags against attack.json.
  offline=(attacktag d3_fendtag sigmahq_tags_techniques_without_tactics sigmahq_logsource_unknown sigmahq_fieldname_cast sigmahq_invalid_fieldname
    sigmahq_unknown_field sigmahq_filename_prefix sigmahq_category_event_id sigmahq_category_windows_provider_name sigmahq_sysmon_missing_eventid
    sigmahq_redundant_field sigmahq_correlation_filename_prefix)
  "$build/venv/bin/sigma" check --fail-on-issues "${offline[@]/#/--exclude=}" ../../../detections >"$build/check.log" 2>&1 || { cat "$build/check.log" >&2; exit 1; }
fi
if [ "${1:-}" = --check ]; then
  if command -v npm >/dev/null; then
    grammar=$build/logql-$(sha256sum logql/package-lock.json | cut -c1-16)
    if [ ! -e "$grammar/ready" ]; then
      mkdir -p "$grammar" && cp logql/package*.json logql/parse.mjs "$grammar" && npm ci --prefix "$grammar" --no-audit --no-fund --ignore-scripts --silent && touch "$grammar/ready"
    fi
    cp logql/parse.mjs "$grammar" && node "$grammar/parse.mjs" ../../../examples/loki/rules/feishu-audit.yaml
  elif [ -n "${CI:-}" ]; then
    echo "npm is missing: LogQL is parsed by Grafana's grammar, which needs Node.js" >&2; exit 1
  else
    echo "npm is missing: LogQL is not parsed"
  fi
fi
PYTHONDONTWRITEBYTECODE=1 exec "$build/venv/bin/python" convert.py "$@"
