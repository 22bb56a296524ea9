#!/usr/bin/env bash
# Tests the VS Code extension, as it is packed, in a stand-in for VS Code with the real client and the real server; TALLYLINT
# is the program, if it is not the one of the tests.
set -euo pipefail
# shellcheck source=scripts/tools.sh
source "$(dirname "${BASH_SOURCE[0]}")/tools.sh"
cd "$root"
use_vscode
if [[ -z "${TALLYLINT:-}" ]]; then
    cargo build --quiet --locked
    TALLYLINT="${CARGO_TARGET_DIR:-$root/target}/debug/tallylint"
fi
export TALLYLINT
cd "$vscode"

step "types, lints, format, icon"
npm run --silent check
node icon.mjs --check

step "packages"
node build.mjs
# pack DIR [TARGET PROGRAM]: the path of the package; a warning is a failure.
pack() {
    node package.mjs "$root" "$@" >"$scratch/log" 2>&1 || fail "$(cat "$scratch/log")"
    ! grep -E 'WARNING|ERROR' "$scratch/log" || fail "the package is not as it should be"
    tail -1 "$scratch/log"
}
# What is packed need not be large.
mkdir "$scratch/program"
cp "$TALLYLINT" "$scratch/program/tallylint"
strip "$scratch/program/tallylint" 2>/dev/null || true
plain="$(pack "$scratch/plain")"
whole="$(pack "$scratch/whole" x86_64-unknown-linux-gnu "$scratch/program/tallylint")"
cmp "$plain" "$(pack "$scratch/again")" || fail "the same files make other bytes"
python3 - "$plain" "$whole" <<'PY'
import json, sys, zipfile

plain, whole = (zipfile.ZipFile(name) for name in sys.argv[1:])
wanted = ["[Content_Types].xml", "extension.vsixmanifest"] + [
    f"extension/{name}"
    for name in (
        "LICENSE-APACHE", "LICENSE-MIT", "LICENSE.txt", "changelog.md", "dist/extension.js",
        "dist/third-party-licenses.txt", "icon.png", "package.json", "readme.md",
    )
]
assert sorted(plain.namelist()) == sorted(wanted), plain.namelist()
assert sorted(whole.namelist()) == sorted([*wanted, "extension/bundled/tallylint"]), whole.namelist()
assert sum(entry.compress_size for entry in plain.infolist()) < 200_000
assert whole.getinfo("extension/bundled/tallylint").external_attr >> 16 & 0o111, "the program cannot be run"
assert b'TargetPlatform="linux-x64"' in whole.read("extension.vsixmanifest")
assert b"TargetPlatform" not in plain.read("extension.vsixmanifest")
manifest = json.loads(whole.read("extension/package.json"))
assert "devDependencies" not in manifest and "scripts" not in manifest
PY
! node package.mjs "$root" "$scratch/none" riscv64gc-unknown-linux-gnu "$TALLYLINT" 2>"$scratch/log" || fail "any target will do"
says "package.mjs" "$(cat "$scratch/log")" "no platform for riscv64gc-unknown-linux-gnu"

step "unit tests, and the package in a stand-in for VS Code"
python3 -m zipfile -e "$whole" "$scratch/unpacked"
# What unpacks the package in VS Code keeps that it can be run.
chmod +x "$scratch/unpacked/extension/bundled/tallylint"
# The time is only there so that a test that waits for nothing ends.
TALLYLINT_EXTENSION="$scratch/unpacked/extension" node --test --test-timeout=300000 out/*.test.js >"$scratch/log" 2>&1 ||
    { cat "$scratch/log"; fail "the tests of the extension"; }
grep -E '^(# |ℹ )(tests|pass)' "$scratch/log"
step "done"
