#!/usr/bin/env bash
# Tests the report for browsers in a browser without a window.
set -euo pipefail
# shellcheck source=scripts/tools.sh
source "$(dirname "${BASH_SOURCE[0]}")/tools.sh"
cd "$root"
use_chromium
if [[ -z "$chromium" ]]; then
    echo "LEFT OUT: the report in a browser, because there is no Chromium here (apt-get install chromium)"
    exit 0
fi
# The driver of the browser is that of the playground.
use_playground
cargo build --quiet --locked
mkdir -p "$playground/report"
cp tests/html/report.mjs "$playground/report"
node "$playground/report/report.mjs" "${CARGO_TARGET_DIR:-$root/target}/debug/tallylint" fixtures "$chromium"
step "done"
