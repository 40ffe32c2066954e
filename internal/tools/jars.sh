#!/usr/bin/env bash
# Fetches the jars of internal/backends/$1 or internal/clients/$1 into _build/$1/lib and compares them with the
# pinned hashes in jars.sha256; with a second argument, "pin", writes these instead. Their poms, and the parents of
# those, lie beside them: many a jar has its licence there only.
# Compiles the program beside the pom, if there is one, into _build/$1/classes.
set -euo pipefail
cd "$(dirname "$0")/../.."
source=internal/backends/$1
[ -d "$source" ] || source=internal/clients/$1
built=_build/$1
for program in java javac mvn; do
  command -v $program > /dev/null || { echo "$1 needs $program (Java 17 or later, and Maven)"; exit 1; }
done
rm -rf "$built"
mkdir -p "$built/lib" "$built/classes"
mvn --batch-mode --quiet -Dstyle.color=never --file "$source/pom.xml" \
  org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies -DincludeScope=runtime "-DoutputDirectory=$PWD/$built/lib" \
  -Dmdep.copyPom=true -Dmdep.addParentPoms=true
rm -rf "$source/target"
if [ "${2-}" = pin ]; then
  (cd "$built/lib" && sha256sum -- *.jar) > "$source/jars.sha256"
fi
# Neither another jar, nor one more, nor one less.
(cd "$built/lib" && sha256sum -- *.jar) | diff "$source/jars.sha256" - || { echo "the jars of $1 are not those that are pinned: after a change of its pom run make $1-pin"; exit 1; }
for launcher in "$source"/*.java; do
  [ ! -e "$launcher" ] || javac -nowarn -cp "$built/lib/*" -d "$built/classes" "$launcher"
done
