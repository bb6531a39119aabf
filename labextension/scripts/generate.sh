#!/bin/sh
# Write src/generated.ts (or the file named as the argument) from the Python models of the API.
# Needs the product installed in the Python that $PYTHON names (default: python), and node_modules.
set -e
cd "$(dirname "$0")/.."
document=$(mktemp)
trap 'rm -f "$document"' EXIT
"${PYTHON:-python}" scripts/openapi.py > "$document"
node_modules/.bin/openapi-typescript "$document" -o "${1:-src/generated.ts}" \
  --root-types --root-types-no-schema-prefix > /dev/null
