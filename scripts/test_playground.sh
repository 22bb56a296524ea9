#!/usr/bin/env bash
# Tests the playground in the site that scripts/build_docs.sh builds: that it finds what the program finds, in Node, and the
# page in a browser without a window.
set -euo pipefail
# shellcheck source=scripts/tools.sh
source "$(dirname "${BASH_SOURCE[0]}")/tools.sh"
cd "$root"
page="$root/target/site/docs/playground"
[[ -d "$root/target/site" ]] || fail "there is no site: scripts/build_docs.sh"
if [[ ! -f "$page/analysis.js" ]]; then
    echo "LEFT OUT: the tests of the playground, because the site has none (scripts/build_playground.sh says why)"
    exit 0
fi
use_playground
use_chromium
cargo build --quiet --locked

step "the module finds what the program finds"
node "$playground/test/agrees.mjs" "$page" "${CARGO_TARGET_DIR:-$root/target}/debug/tallylint" tests/fixtures fixtures

step "the page"
if [[ -z "$chromium" ]]; then
    echo "LEFT OUT: the page, because there is no Chromium here (apt-get install chromium)"
    exit 0
fi
node "$playground/test/page.mjs" "$page" "$chromium"
step "done"
