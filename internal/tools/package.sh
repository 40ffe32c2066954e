#!/usr/bin/env bash
# Packs the collector and the tool for one platform into _build/release: a tar.gz with unit,
# first configuration and bills of materials, and for Linux a deb and an rpm with the
# same. Ends with SHA256SUMS over all that lies there. Another version than the manifest's, in
# VERSION, and another folder, in RELEASE, are for the test of upgrades. `make build` has
# generated the sources.
# Usage: package.sh GOOS/GOARCH
set -euo pipefail
os=${1%/*} arch=${1#*/}
cd "$(dirname "$0")/../.."
version=${VERSION:-$(sed -n 's/^ *version: //p' builder-config.yaml | head -1)}
suffix=$([ "$os" != windows ] || echo .exe)
name=otelcol-feishu_${version}_${os}_${arch}
mkdir -p "${RELEASE:-_build/release}/src/$name"
release=$(realpath "${RELEASE:-_build/release}")
stage=$release/src/$name
# The same commit gives the same packages.
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
compile() {
  (cd "$1" && CGO_ENABLED=0 GOOS=$os GOARCH=$arch go build -mod=readonly -trimpath -ldflags="-s -w" -buildvcs=false -o "$stage/$2$suffix" .)
}
echo "packing $name"
compile cmd/feishu-audit feishu-audit
if [ "$1" = "$(go env GOHOSTOS)/$(go env GOHOSTARCH)" ]; then
  cp _build/otelcol-feishu "$stage/otelcol-feishu$suffix"
else
  compile _build/src/otelcol-feishu otelcol-feishu
fi
for binary in otelcol-feishu feishu-audit; do
  ./internal/tools/sbom.sh "$stage/$binary$suffix" "$stage/$binary.cdx.json"
done
cp LICENSE packaging/collector.yaml "$stage"
if [ "$os" = linux ]; then
  cp packaging/otelcol-feishu.service packaging/otelcol-feishu.env "$stage"
fi
tar --sort=name --mtime="@$epoch" --owner=0 --group=0 --numeric-owner -C "$release/src" -c "$name" | gzip -n >"$release/$name.tar.gz"
if [ "$os" = linux ]; then
  install -m 0600 /dev/null "$stage/app_secret"
  for packager in deb rpm; do
    VERSION=$version GOARCH=$arch STAGE=$stage SOURCE_DATE_EPOCH=$epoch \
      go tool -modfile=internal/tools/nfpm/go.mod nfpm package --config packaging/nfpm.yaml --packager "$packager" --target "$release/" >/dev/null
  done
fi
rm -rf "$release/src"
cd "$release"
find . -maxdepth 1 -type f ! -name SHA256SUMS -printf '%f\n' | LC_ALL=C sort | xargs sha256sum >SHA256SUMS
