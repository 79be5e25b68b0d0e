#!/usr/bin/env bash
# Prints the software bill of materials of the zip (CycloneDX, JSON): the runtime dependencies at the
# versions of package-lock.json. `npm sbom --omit dev` leaves out packages that a development dependency
# needs too (npm/cli issue 7909), so npm first prunes a copy of the lock file.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/latchkey" # npm takes the folder's name for the application's
cp package.json package-lock.json .npmrc "$folder/latchkey"
cd "$folder/latchkey"
npm pkg delete devDependencies
npm install --package-lock-only --offline --ignore-scripts --no-audit --silent >&2
npm sbom --package-lock-only --sbom-format=cyclonedx --sbom-type=application
