#!/usr/bin/env bash
# Lets pre-commit install the hooks of this checkout, as it is committed, and tries commits in a repository. The wheel
# that scripts/test_packages.sh left is used where there is one.
set -euo pipefail
# shellcheck source=scripts/tools.sh
source "$(dirname "${BASH_SOURCE[0]}")/tools.sh"
cd "$root"
use_tools
export PATH="$tools:$PATH"
use_quick_builds

version="$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -1)"
# What pre-commit installs is gone in the end, like the repository.
export PRE_COMMIT_HOME="$scratch/pre-commit"
export GIT_CONFIG_GLOBAL="$scratch/gitconfig"
git config --file "$GIT_CONFIG_GLOBAL" user.name Somebody
git config --file "$GIT_CONFIG_GLOBAL" user.email somebody@example.org
git config --file "$GIT_CONFIG_GLOBAL" init.defaultBranch main
# The checkout of a continuous integration may belong to another user.
git config --file "$GIT_CONFIG_GLOBAL" safe.directory '*'
unset GIT_DIR GIT_INDEX_FILE GIT_WORK_TREE

# A commit of what is tried here, so that a change can be tried before it is committed.
rev="$(git rev-parse HEAD)"
if [[ -n "$(git status --porcelain)" ]]; then
    echo "note: there are changes that are not committed; it is $rev that is tried"
fi

# repository NAME: a new git repository with a base class in it, and the working folder from now on.
repository() {
    mkdir "$scratch/$1"
    cd "$scratch/$1"
    git init --quiet .
    write_processors .
    mkdir held
    mv bad.py good.py heir.py held
    echo /held >.gitignore
}

# refuses FILE TEXT…: commits the file, which must be refused with these texts.
refuses() {
    local file="$1" text
    shift
    cp "held/$file" "$file"
    git add "$file"
    if text="$(git commit -m "Add $file" 2>&1)"; then
        fail "a commit of $file was accepted: $text"
    fi
    says "the commit of $file" "$text" "Failed" "exit code: 1" "$@"
    printf '%s\n' "$text" | sed 's/^/    | /'
    git rm --quiet --cached "$file"
    rm "$file"
}

# accepts FILE: commits the file, which must be accepted after it was looked at.
accepts() {
    local text
    cp "held/$1" "$1"
    git add "$1"
    text="$(git commit -m "Add $1" 2>&1)" || fail "a commit of $1 was refused: $text"
    says "the commit of $1" "$text" "Passed"
}

# What every way of installing has to do: the hook is configured in the working folder.
tries_commits() {
    pre-commit validate-config
    pre-commit install >/dev/null
    git add .gitignore .pre-commit-config.yaml base.py
    git commit --quiet -m "Start" >/dev/null 2>&1 || fail "the first commit was refused"
    refuses bad.py 'warning[untracked-return/unset]: `save_data` can return without setting' '┌─ bad.py:4:13' \
        '^^^^^^ 2. returns without setting it' '= help: set `self.stats'
    accepts good.py
    # Only heir.py is passed; its base class is in a file that has not changed.
    refuses heir.py '┌─ heir.py:7:13' 'at base.py:5 after calling `self.save_analytics()` at base.py:4'
    # What the configuration excludes is left out, although it is named.
    [[ -e tallylint.toml ]] || echo 'exclude = ["vendored"]' >tallylint.toml
    if grep -q '^exclude' tallylint.toml; then
        mkdir vendored
        cp held/bad.py vendored
        git add vendored
        text="$(git commit -m "Add what is vendored" 2>&1)" || fail "a commit of what is excluded was refused: $text"
    fi
    pre-commit run --all-files >/dev/null || fail "what was committed is not liked any more"
    # Neither Python nor Rust: no run at all.
    echo text >notes.txt
    git add notes.txt
    text="$(git commit -m "Add notes" 2>&1)" || fail "a commit of a text was refused: $text"
    says "the commit of a text" "$text" "(no files to check)Skipped"
}

pre-commit validate-manifest .pre-commit-hooks.yaml

for hook in tallylint-rust tallylint; do
    step "the hook $hook, from this checkout"
    repository "$hook"
    cat >.pre-commit-config.yaml <<YAML
repos:
  - repo: $root
    rev: $rev
    hooks:
      - id: $hook
YAML
    pre-commit install-hooks
    tries_commits
done

if is_long "pre-commit try-repo"; then
    step "pre-commit try-repo"
    cp held/bad.py held/good.py .
    git add bad.py
    code=0
    text="$(pre-commit try-repo --color never "$root" tallylint --ref "$rev" --files bad.py good.py 2>&1)" || code=$?
    [[ $code == 1 ]] || fail "try-repo ends with $code: $text"
    says "try-repo" "$text" "bad.py:4:13"
    git rm --quiet --cached bad.py
    rm bad.py
fi

step "a local hook, from the wheel"
wheels="$CARGO_TARGET_DIR/wheels"
if ! compgen -G "$wheels/tallylint-$version-*.whl" >/dev/null; then
    pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir "$wheels" "$root"
fi
# pre-commit makes an empty package around such a hook, which takes setuptools. Nothing else may come from a registry: what
# it has under our name and version is not what is tried here.
mkdir "$scratch/links"
cp "$wheels/tallylint-$version"-*.whl "$scratch/links"
pip download --quiet --disable-pip-version-check --no-deps --dest "$scratch/links" setuptools
repository wheel
cat >.pre-commit-config.yaml <<YAML
repos:
  - repo: local
    hooks:
      - id: tallylint
        name: tallylint
        entry: tallylint check --force-exclude
        args: [--quiet]
        language: python
        additional_dependencies: ["tallylint==$version"]
        types_or: [python, rust]
        require_serial: true
YAML
PIP_NO_INDEX=1 PIP_FIND_LINKS="$scratch/links" pre-commit install-hooks
tries_commits

step "what tallylint init writes"
repository init
# The program that has to be on the path is the one of the hook above.
found=("$PRE_COMMIT_HOME"/repo*/py_env-*/bin)
export PATH="${found[0]}:$PATH"
[[ "$(tallylint --version)" == "tallylint $version" ]] || fail "$(command -v tallylint) is not tallylint $version"
tallylint init >/dev/null
tries_commits
step "done"
