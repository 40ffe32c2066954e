#!/usr/bin/env bash
# Converts the detections with what install.sh has installed. With --check it validates and tests instead, and fails if what
# was converted is stale.
set -euo pipefail
cd "$(dirname "$0")"
export PYTHONDONTWRITEBYTECODE=1
build=$(cd ../../.. && pwd)/_build/detections
if [ "${1:-}" = --check ]; then
  # Without the validators that fetch lists from the network. convert.py checks the ATT&CK tags against attack.json.
  offline=(attacktag d3_fendtag sigmahq_tags_techniques_without_tactics sigmahq_logsource_unknown sigmahq_fieldname_cast sigmahq_invalid_fieldname
    sigmahq_unknown_field sigmahq_filename_prefix sigmahq_category_event_id sigmahq_category_windows_provider_name sigmahq_sysmon_missing_eventid
    sigmahq_redundant_field sigmahq_correlation_filename_prefix)
  "$build/venv/bin/sigma" check --fail-on-issues "${offline[@]/#/--exclude=}" ../../../detections >"$build/check.log" 2>&1 || { cat "$build/check.log" >&2; exit 1; }
  "$build/venv/bin/python" -m unittest --buffer logql_test
fi
exec "$build/venv/bin/python" convert.py "$@"
