#!/usr/bin/env bash
# Builds what is published (the crate, the wheel, the source distribution), installs each in a place of its own, and
# runs what is there then. Packages for building come from the registries.
set -euo pipefail
# shellcheck source=scripts/tools.sh
source "$(dirname "${BASH_SOURCE[0]}")/tools.sh"
cd "$root"
use_tools
use_quick_builds

version="$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -1)"
write_processors "$scratch"

# runs COMMAND…: fails unless that is this version of the linter, which finds what it should.
runs() {
    local text code=0
    [[ "$("$@" --version)" == "tallylint $version" ]] || fail "$* is not tallylint $version"
    text="$(cd "$scratch" && "$@" check --format concise bad.py heir.py 2>&1)" || code=$?
    [[ $code == 1 ]] || fail "$* ends with $code instead of 1: $text"
    says "$*" "$text" "bad.py:4:13: warning[untracked-return/unset]" "heir.py:7:13: warning[untracked-return/unset]"
    text="$(cd "$scratch" && "$@" check --quiet good.py 2>&1)" || fail "$* does not like good.py: $text"
    [[ -z "$text" ]] || fail "$* has something to say about good.py: $text"
}

# unpack ARCHIVE FOLDER: as new files. Those in archives are old, and what was compiled of others before would be taken for
# up to date.
unpack() {
    mkdir -p "$2"
    tar -xzmf "$1" -C "$2" --strip-components=1
}

# fresh NAME: a new virtual environment; its programs are in `$env`.
fresh() {
    env="$scratch/$1/bin"
    python3 -m venv "$scratch/$1"
}

# has_manual PREFIX: fails unless `man` finds the pages of the program below a folder.
has_manual() {
    local page
    for page in tallylint tallylint-check tallylint-debug-cfg; do
        [[ -f "$1/man/man1/$page.1" ]] || fail "$1 has no page $page.1"
    done
    if ! command -v man >/dev/null; then missing "man"; return; fi
    says "man tallylint-check" "$(MANWIDTH=120 MANPATH="$1/man" man tallylint-check)" "TALLYLINT-CHECK(1)" "--write-baseline"
}

# missing PROGRAM: says that there is none; what cannot be tested is a failure where everything should be.
missing() {
    [[ -z "${CI:-}" ]] || fail "there is no $1"
    echo "NOT TESTED: there is no $1"
}

step "what makes a release, without building anything"
"$tools/python" scripts/test_release.py 2>"$scratch/log" || fail "$(cat "$scratch/log")"

step "manual pages: no warnings"
# lints PAGE…: whatever mandoc and groff have to say about pages.
lints() {
    mandoc -T lint -W warning "$@" || true
    { groff -man -ww -Tutf8 "$@" >/dev/null; } 2>&1
}
if command -v mandoc >/dev/null && command -v groff >/dev/null; then
    text="$(lints python/wheel/data/share/man/man1/*.1)"
    [[ -z "$text" ]] || fail "$text"
    sed '/^\.TH/d' python/wheel/data/share/man/man1/tallylint.1 >"$scratch/bad.1"
    says "mandoc" "$(lints "$scratch/bad.1")" "missing manual title"
else
    missing "mandoc or groff"
fi

step "the crate: what is in it"
# What is changed and not committed yet may be tried, too.
cargo package --locked --no-verify --allow-dirty --quiet
crate="$CARGO_TARGET_DIR/package/tallylint-$version.crate"
[[ "$(stat -c %s "$crate")" -lt 2000000 ]] || fail "$crate has become large"
odd="$(tar -tzf "$crate" | sed 's|^[^/]*/||' | grep -vE '^(build\.rs|src/.*|rules/[a-z-]+\.md|rules/presets/[a-z0-9_]+\.toml|docs/tallylint\.schema\.json|python/tallylint/guard\.py|Cargo\.(toml|toml\.orig|lock)|LICENSE-(MIT|APACHE)|(README|CHANGELOG|KNOWN_GAPS)\.md|\.cargo_vcs_info\.json)$' || true)"
[[ -z "$odd" ]] || fail "the crate has files that it should not have: $odd"
for file in Cargo.lock src/main.rs rules/untracked-return.md docs/tallylint.schema.json python/tallylint/guard.py LICENSE-MIT LICENSE-APACHE README.md; do
    tar -tzf "$crate" "tallylint-$version/$file" >/dev/null
done

step "the crate: cargo install"
unpack "$crate" "$scratch/crate"
cargo install --quiet --locked --path "$scratch/crate" --root "$scratch/cargo"
runs "$scratch/cargo/bin/tallylint"

step "the checkout: pip install ."
fresh checkout
"$env/pip" install --quiet --disable-pip-version-check .
runs env PATH="$env:$PATH" tallylint
runs "$env/python" -m tallylint
has_manual "$scratch/checkout/share"

step "the source distribution: pip install"
"$tools/maturin" sdist --out "$scratch/dist" 2>"$scratch/log" || fail "$(cat "$scratch/log")"
sdist="$scratch/dist/tallylint-$version.tar.gz"
odd="$(tar -tzf "$sdist" | sed 's|^[^/]*/||' | grep -E '^(tests|fixtures|docs|fuzz|benches|scripts|target|\.)' | grep -vx 'docs/tallylint.schema.json' || true)"
[[ -z "$odd" ]] || fail "the source distribution has files that it should not have: $odd"
mkdir -p "$CARGO_TARGET_DIR/wheels"
rm -f "$CARGO_TARGET_DIR"/wheels/*.whl
unpack "$sdist" "$scratch/sdist"
"$tools/pip" wheel --quiet --disable-pip-version-check --no-deps --wheel-dir "$CARGO_TARGET_DIR/wheels" "$scratch/sdist"
wheel=("$CARGO_TARGET_DIR"/wheels/tallylint-"$version"-py3-none-*.whl)
[[ ${#wheel[@]} == 1 && -f "${wheel[0]}" ]] || fail "there is not one wheel: ${wheel[*]}"
"$tools/twine" check --strict "$sdist" "${wheel[0]}"

step "the wheel: wherever pip puts it"
pip=("$tools/pip" install --quiet --disable-pip-version-check --no-index --no-deps)
fresh wheel
"$env/pip" install --quiet --disable-pip-version-check --no-index "${wheel[0]}"
runs "$env/tallylint"
runs "$env/python" -m tallylint
has_manual "$scratch/wheel/share"
"${pip[@]}" --target "$scratch/target" "${wheel[0]}"
runs env PYTHONPATH="$scratch/target" "$tools/python" -m tallylint
"${pip[@]}" --ignore-installed --prefix "$scratch/prefix" "${wheel[0]}"
site=("$scratch"/prefix/lib/python*/site-packages)
runs env PYTHONPATH="${site[0]}" "$tools/python" -m tallylint
# The guard is in it, typed; pytest finds the plugin, and what is vendored is the same file.
"$env/pip" install --quiet --disable-pip-version-check "$(grep '^pytest==' .ci/requirements.txt)"
(cd "$scratch" && "$env/python" -c 'import tallylint.guard, pathlib; assert pathlib.Path(tallylint.guard.__file__).with_name("py.typed").is_file()')
says "pytest --help" "$(cd "$scratch" && "$env/pytest" --help)" "--tallylint-fail"
"$env/tallylint" guard --write "$scratch/vendored.py" >/dev/null
cmp "$scratch/vendored.py" python/tallylint/guard.py
# Without the program the package says what is missing.
rm "$scratch/target/bin/tallylint"
code=0
text="$(PYTHONPATH="$scratch/target" "$tools/python" -m tallylint --version 2>&1)" || code=$?
[[ $code == 2 ]] || fail "a package without its program ends with $code: $text"
says "a package without its program" "$text" "error: the program tallylint is in none of: " "$scratch/target/bin"

step "what the wheel says it is made of"
"$tools/python" - "${wheel[0]}" "$version" <<'PY' || fail "the list of parts is wrong"
import json
import re
import sys
import zipfile

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

path, version = sys.argv[1:]
with zipfile.ZipFile(path) as packed:
    text = packed.read(f"tallylint-{version}.dist-info/sboms/tallylint.cyclonedx.json").decode()
parts = json.loads(text)
wrong = JsonStrictValidator(SchemaVersion.from_version(parts["specVersion"])).validate_str(text)
assert wrong is None, wrong
listed = {(part["name"], part["version"]): part for part in parts["components"]}
with open("Cargo.lock", encoding="utf-8") as file:
    locked = set(re.findall(r'(?m)^name = "(.*)"\nversion = "(.*)"$', file.read()))
assert listed.keys() <= locked, listed.keys() - locked
with open("Cargo.toml", encoding="utf-8") as file:
    direct = re.findall(r"(?m)^([a-z0-9_-]+) = ", re.search(r"(?ms)^\[dependencies\]$(.*?)^\[", file.read()).group(1))
names = {name for name, _ in listed}
assert len(direct) > 20 and names.issuperset(direct), set(direct) - names
for part in listed.values():
    assert part["licenses"] and part["purl"].startswith("pkg:cargo/"), part
    assert [kind["alg"] for kind in part["hashes"]] == ["SHA-256"], part
# The validator finds faults.
assert JsonStrictValidator(SchemaVersion.V1_5).validate_str(text.replace('"licenses"', '"licences"'))
PY

step "what the release workflow does with it"
release=(python3 scripts/release.py)
[[ "$("${release[@]}" version)" == "$version" ]] || fail "scripts/release.py does not know the version"
mkdir "$scratch/dist/next"
archive="$("${release[@]}" archive "${wheel[0]}" x86_64-unknown-linux-gnu "$scratch/dist")"
tar -xzf "$archive" -C "$scratch/dist/next" --strip-components=1
runs "$scratch/dist/next/tallylint"
has_manual "$scratch/dist/next"
for file in _tallylint tallylint.bash tallylint.fish; do
    grep -q unsafe-fixes "$scratch/dist/next/complete/$file" || fail "the archive has no completions $file"
done
[[ -f "$scratch/dist/next/LICENSE-MIT" ]] || fail "the archive has no licence"
"${release[@]}" sums "$scratch/dist" >/dev/null
(cd "$scratch/dist" && sha256sum --quiet --ignore-missing --check SHA256SUMS)
[[ "$(wc -l <"$scratch/dist/SHA256SUMS")" == 3 ]] || fail "there are not three sums"
# A tag must be that of the version, and the change log must speak of it.
mkdir -p "$scratch/tree/editors/vscode"
cp Cargo.toml Cargo.lock pyproject.toml CHANGELOG.md "$scratch/tree"
cp editors/vscode/package.json editors/vscode/package-lock.json "$scratch/tree/editors/vscode"
sed -i "s/^## \[Unreleased\]/&\n\n## [$version] - 2030-01-01\n\nWhat is new.\n\n## [0.0.1]/" "$scratch/tree/CHANGELOG.md"
tree=("${release[@]}" --root "$scratch/tree")
url="https://example.org/someone/tallylint"
sed -i "/^repository = /d; s|^\[package\]$|&\nrepository = \"$url\"|" "$scratch/tree/Cargo.toml"
[[ "$("${tree[@]}" version --tag "refs/tags/v$version" --repository "$url")" == "$version" ]] || fail "the tag is not accepted"
[[ "$("${tree[@]}" notes)" == "What is new." ]] || fail "the notes are others: $("${tree[@]}" notes)"
# refuses TEXT COMMAND…: fails unless the command does, and says so.
refuses() {
    local wanted="$1" text
    shift
    if text="$("$@" 2>&1)"; then fail "$* is accepted"; fi
    says "$*" "$text" "$wanted"
}
refuses "tallylint.exe" "${release[@]}" archive "${wheel[0]}" x86_64-pc-windows-msvc "$scratch"
refuses "the tag v9.9.9 is not v$version" "${tree[@]}" version --tag v9.9.9
refuses "this is https://example.org/else" "${tree[@]}" version --tag "v$version" --repository https://example.org/else
cp "$scratch/tree/Cargo.toml" "$scratch/Cargo.toml"
sed -i '/^repository = /d' "$scratch/tree/Cargo.toml"
refuses "Cargo.toml states no repository" "${tree[@]}" version --tag "v$version"
mv "$scratch/Cargo.toml" "$scratch/tree"
sed -i '/^What is new/d' "$scratch/tree/CHANGELOG.md"
refuses "CHANGELOG.md says nothing of $version" "${tree[@]}" version --tag "v$version"
sed -i 's/^dynamic = .*/version = "3"/' "$scratch/tree/pyproject.toml"
refuses "pyproject.toml does not take its version" "${tree[@]}" version
sed -i 's/^version = .*/version = "9.9.9"/' "$scratch/tree/Cargo.toml"
refuses "Cargo.lock does not have tallylint 9.9.9" "${tree[@]}" version

step "what the action installs"
PIP_NO_INDEX=1 PIP_FIND_LINKS="$CARGO_TARGET_DIR/wheels" TALLYLINT_ACTION_INSTALLS=pip,source \
    "$cargo" test --quiet --locked --test it -- \
    action::ways_of_installing --exact --nocapture >"$scratch/log" 2>&1 || fail "$(cat "$scratch/log")"
says "the test of the action" "$(cat "$scratch/log")" "installed with pip" "installed with source" "1 passed"

step "the crate and the source distribution: the same from another folder"
# What is not committed is not in a clone.
for folder in one other/folder; do
    git clone --quiet "$root" "$scratch/$folder/tallylint"
    (cd "$scratch/$folder/tallylint" && CARGO_TARGET_DIR="$scratch/$folder/target" "$cargo" package --locked --no-verify --quiet)
    PATH="$tools:$PATH" "$scratch/$folder/tallylint/scripts/release.py" sdist "$scratch/$folder/dist" 2>"$scratch/log" ||
        fail "$(cat "$scratch/log")"
    mv "$scratch/$folder/target/package/tallylint-$version.crate" "$scratch/$folder/dist"
done
# same FILE…: fails unless a file is the same in both folders.
same() {
    local file
    for file in "$@"; do
        cmp "$scratch/one/dist/$file" "$scratch/other/folder/dist/$file" || fail "two builds differ"
    done
}
same "tallylint-$version.tar.gz" "tallylint-$version.crate"

step "the source distribution: links, once there is a repository"
sed -i "s|^\[package\]$|&\nrepository = \"$url\"|" "$scratch/other/folder/tallylint/Cargo.toml"
PATH="$tools:$PATH" "$scratch/other/folder/tallylint/scripts/release.py" sdist "$scratch/linked" 2>"$scratch/log" ||
    fail "$(cat "$scratch/log")"
text="$(tar -xzOf "$scratch/linked/tallylint-$version.tar.gz" "tallylint-$version/PKG-INFO")"
says "PKG-INFO" "$text" "Project-URL: Source Code, $url" "]($url/raw/v$version/docs/finding.svg)"
git -C "$scratch/other/folder/tallylint" checkout --quiet Cargo.toml

is_long "two builds of a release, the source distribution without a registry" || exit 0
step "a release: the same bytes from another folder, a small wheel"
# With the cargo that everybody has.
target="$("$cargo" -vV | sed -n 's/^host: //p')"
for folder in one other/folder; do
    out="$scratch/$folder/dist"
    clone="$scratch/$folder/tallylint"
    env -u CARGO_TARGET_DIR PATH="$tools:${PATH#"$scratch/bin:"}" \
        "$tools/python" "$clone/scripts/release.py" wheel "$target" "$out" --compatibility linux 2>"$scratch/log" || fail "$(cat "$scratch/log")"
    rm -rf "$clone/target"
    "$clone/scripts/release.py" archive "$out"/*.whl "$target" "$out"
done
wheel=("$scratch"/one/dist/*.whl)
same "${wheel[0]##*/}" "tallylint-$version-$target.tar.gz" "tallylint-$version-$target.cyclonedx.json"
fresh release
"$env/pip" install --quiet --disable-pip-version-check --no-index "${wheel[0]}"
runs "$env/tallylint"
has_manual "$scratch/release/share"
wc -c "$scratch"/one/dist/*

step "the source distribution: offline, with vendored crates"
unpack "$sdist" "$scratch/offline"
cd "$scratch/offline"
mkdir .cargo
cargo vendor --locked "$scratch/vendor" >.cargo/config.toml 2>"$scratch/log" || fail "$(cat "$scratch/log")"
grep -q 'replace-with = "vendored-sources"' .cargo/config.toml || fail "cargo vendor said nothing"
# No registry, and nothing of what cargo has downloaded. All crates are compiled again, so quickly.
RUSTFLAGS="-Copt-level=0 -Cdebuginfo=0" CARGO_HOME="$scratch/nobody" CARGO_NET_OFFLINE=true PIP_NO_INDEX=1 PATH="$tools:$PATH" \
    "$tools/pip" wheel --quiet --disable-pip-version-check --no-build-isolation --wheel-dir "$scratch/offline-wheel" .
fresh offline-env
"$env/pip" install --quiet --disable-pip-version-check --no-index "$scratch"/offline-wheel/tallylint-*.whl
runs "$env/tallylint"
[[ ! -e "$scratch/nobody/registry" ]] || fail "the offline build looked at a registry"
step "done"
