#!/usr/bin/env bash
# Installs the official SDK of internal/clients/$1, oapi-node or oapi-python, into _build/$1, as its
# lock file pins it.
set -euo pipefail
cd "$(dirname "$0")/../.."
client=internal/clients/$1
built=_build/$1
rm -rf "$built"
mkdir -p "$built"
case $1 in
oapi-node)
  command -v npm > /dev/null || { echo "$1 needs Node.js 18 or later, with npm"; exit 1; }
  cp "$client/package.json" "$client/package-lock.json" "$built/"
  npm ci --prefix "$built" --ignore-scripts --no-audit --no-fund --silent
  ;;
oapi-python)
  command -v python3 > /dev/null || { echo "$1 needs Python 3.9 or later"; exit 1; }
  python3 -m venv "$built/venv"
  "$built/venv/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: --require-hashes -r "$client/requirements.txt"
  ;;
esac
