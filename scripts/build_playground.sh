#!/usr/bin/env bash
# Builds the playground: the analysis as WebAssembly, and the page around it, in a folder; open its index.html in a browser.
#
# build_playground.sh FOLDER
#
# Without a toolchain for WebAssembly it says so and builds nothing. It needs no network once scripts/fetch.sh and
# `cargo fetch` have run.
set -euo pipefail
# shellcheck source=scripts/tools.sh
source "$(dirname "${BASH_SOURCE[0]}")/tools.sh"
folder="$(realpath -m "$1")"
cd "$root"
use_wasm
if [[ ${#wasm[@]} -eq 0 ]]; then
    echo "LEFT OUT: the playground, because nothing here compiles to WebAssembly: rustup target add wasm32-unknown-unknown," \
        "or on Debian apt-get install ${wasm_packages[*]}"
    exit 0
fi
use_playground

# A folder of its own: another compiler would throw away what was compiled for the tests.
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$root/target}/playground"
"${wasm[@]}" build --quiet --locked --release --target wasm32-unknown-unknown --manifest-path docs/playground/Cargo.toml
module="$CARGO_TARGET_DIR/wasm32-unknown-unknown/release/tallylint_playground.wasm"
node "$playground/bundle.mjs" "$module" "$folder"
printf 'the module has %s bytes, and %s on the page\n' "$(wc -c <"$module")" "$(wc -c <"$folder/analysis.js")"
