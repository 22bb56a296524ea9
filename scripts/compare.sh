#!/usr/bin/env bash
# Measures tallylint beside other tools on several trees, alternately, so that what else the machine
# does hits all of them alike.
#
# Usage: compare.sh TALLYLINT [FOLDER]
#
# FOLDER (default: a temporary one) gets the trees and a virtual environment; run again with the
# same FOLDER, both are there already. Needs python3 with pip, and a network for the first run.
# Environment: TREES (default "mixed realistic field counted small growth") says what is measured,
# ROUNDS (default 3) how often, and FILES, LINES and CLASSES (like "250 2500 25000") how far the
# growth goes. SEMGREP=0 leaves semgrep out. No run may take more than RUN_LIMIT processor seconds
# (default 900).
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
tallylint="$(realpath "${1:?usage: compare.sh TALLYLINT [FOLDER]}")"
work="${2:-$(mktemp -d)}"
mkdir -p "$work" && cd "$work"

if [ ! -d venv ]; then
  python3 -m venv venv
  venv/bin/pip install --quiet ruff ripgrep
  [ "${SEMGREP:-1}" = 0 ] || venv/bin/pip install --quiet semgrep
fi
python3 "$here/compare.py" "$tallylint"
