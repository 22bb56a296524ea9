#!/usr/bin/env bash
# Installs all that the other scripts take from registries, so that it can be done while something else compiles.
set -euo pipefail
# shellcheck source=scripts/tools.sh
source "$(dirname "${BASH_SOURCE[0]}")/tools.sh"
use_tools
use_actionlint
use_iframe_worker
use_multitool
use_playground
use_vscode
use_wasm
if [[ ${#wasm[@]} -eq 0 ]]; then install_in_ci "${wasm_packages[@]}"; fi
use_chromium
if [[ -z "$chromium" ]]; then install_in_ci chromium; fi
