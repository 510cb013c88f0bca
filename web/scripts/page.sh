#!/bin/sh
# Builds the server's page from web/page unless it is up to date; says so plainly where that cannot be.
# With the argument `install` it first installs Node and npm from Debian, where that is allowed.
set -eu
cd "$(dirname "$0")/.."
built=../src/avatarkit/server/page/built
plain="the server shows a plain page instead"

has_node() {
    command -v npm >/dev/null && node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'
}

# Whether Debian's own Node, which cannot be asked before its lists are fetched, is new enough.
debian_offers_node() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
    apt-get update -q >/dev/null 2>&1 || true
    case $(apt-cache policy nodejs | sed -n 's/ *Candidate: //p') in
        2[0-9].* | [3-9][0-9].*) return 0 ;;
        *) return 1 ;;
    esac
}

if [ -f "$built/stamp" ] && [ -z "$(find src page scripts/page.mjs package-lock.json ../assets/hello.wav -newer "$built/stamp" -type f -print -quit)" ]; then
    exit 0
fi
if [ "${1:-}" = install ] && ! command -v npm >/dev/null && debian_offers_node; then
    sh ../scripts/system-packages.sh nodejs npm
fi
if ! has_node; then
    echo "page: not built, $plain: building it needs npm and Node 20.19 or newer"
    exit 0
fi
if [ ! -f node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
    npm ci --ignore-scripts --silent --no-audit --no-fund || { echo "page: not built, $plain: npm could not install what builds it"; exit 0; }
fi
npm run --silent build:page
touch "$built/stamp"
