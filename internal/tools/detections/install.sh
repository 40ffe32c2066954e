#!/usr/bin/env bash
# Installs pySigma and its backends, as requirements.txt pins them, into _build/detections.
set -euo pipefail
cd "$(dirname "$0")"
build=$(cd ../../.. && pwd)/_build/detections
command -v python3 > /dev/null || { echo "Python 3.10 or later is missing: the detections are converted by pySigma" >&2; exit 1; }
rm -rf "$build" && mkdir -p "$build"
python3 -m venv "$build/venv"
"$build/venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
