#!/usr/bin/env bash
# Tests the language server with clients that others wrote: pytest-lsp, Neovim, Emacs.
set -euo pipefail
# shellcheck source=scripts/tools.sh
source "$(dirname "${BASH_SOURCE[0]}")/tools.sh"
cd "$root"
use_tools
install_in_ci neovim emacs-nox elpa-eglot
cargo build --quiet --locked
export TALLYLINT="${CARGO_TARGET_DIR:-$root/target}/debug/tallylint"

step "pytest-lsp"
PYTHONDONTWRITEBYTECODE=1 "$tools/python" -m pytest --quiet -p no:cacheprovider -o asyncio_default_fixture_loop_scope=function \
    -W error::pytest_lsp.LspSpecificationWarning --rootdir "$scratch" scripts/server/test_client.py

# The settings in the page are what is tried.
export TALLYLINT_PAGE="$root/docs/editors.md" PATH="${TALLYLINT%/*}:$PATH"
# Neither the settings of whoever runs this nor those of the machine.
export HOME="$scratch/home" XDG_CONFIG_HOME="$scratch/home/config" XDG_DATA_HOME="$scratch/home/data"
export XDG_STATE_HOME="$scratch/home/state" XDG_CACHE_HOME="$scratch/home/cache"
mkdir -p "$HOME"

# project NAME: a new project, and the working folder from now on.
project() {
    mkdir "$scratch/$1"
    write_processors "$scratch/$1"
    touch "$scratch/$1/tallylint.toml"
    cd "$scratch/$1"
}

count=0
# Debian's is older, and takes other settings.
for neovim in "$tools/nvim" "$(command -v nvim || true)"; do
    if [[ ! -x "$neovim" ]]; then
        echo "LEFT OUT: a Neovim that is not here (PyPI has one for Linux, and Debian: apt-get install neovim)"
        continue
    fi
    step "$("$neovim" --version | head -1)"
    project "neovim-$((++count))"
    timeout 300 "$neovim" --headless -u NONE -S "$root/scripts/server/neovim.lua" </dev/null || fail "$neovim"
done

step "Emacs"
project emacs
if command -v emacs >/dev/null && emacs --batch --eval "(require 'eglot)" 2>/dev/null; then
    timeout 300 emacs --batch -l "$root/scripts/server/emacs.el" </dev/null || fail "Emacs"
else
    echo "LEFT OUT: Emacs, because it is not here, or without Eglot (apt-get install emacs-nox elpa-eglot)"
fi
step "done"
