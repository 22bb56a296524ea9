# Sourced by scripts/test_*.sh: what they share.
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
    printf '[%3ss] %s\n' "$SECONDS" "$*"
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

# The release profile, but quick to compile, and one folder for all builds: dependencies are compiled once. What is
# tested here is the packing; the program itself is tested elsewhere.
use_quick_builds() {
    export CARGO_TARGET_DIR="$root/target/packages"
    export CARGO_PROFILE_RELEASE_OPT_LEVEL=0
    export CARGO_PROFILE_RELEASE_LTO=off
    export CARGO_PROFILE_RELEASE_DEBUG=none
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
