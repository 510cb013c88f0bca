#!/bin/sh
# Everything there is to test in the browser client; says plainly what it skips.
set -eu
cd "$(dirname "$0")/.."
if ! command -v npm >/dev/null || ! node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'; then
    echo "web: skipped all tests of the browser client: they need npm and Node 20.19 or newer"
    exit 0
fi
if [ ! -f node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
    npm ci --ignore-scripts --silent --no-audit --no-fund
fi
npm run --silent check
npm run --silent build
sh scripts/page.sh
npm run --silent test
npm run --silent test:examples
if command -v chromium >/dev/null; then
    npm run --silent test:browser
else
    echo "web: skipped the tests in a browser: chromium is not installed"
fi
