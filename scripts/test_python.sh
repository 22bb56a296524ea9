#!/usr/bin/env bash
# Checks the Python package (python/tallylint) and its tests (tests/python) as a whole: types, lints, format, tests.
# Whatever Python from 3.9 on is here as well runs the tests that need nothing but pytest.
set -euo pipefail
# shellcheck source=scripts/tools.sh
source "$(dirname "${BASH_SOURCE[0]}")/tools.sh"
cd "$root"
use_tools
# The triage is tried on it, too.
install_in_ci postgresql
export TALLYLINT_HISTORY_RUNS="${TALLYLINT_HISTORY_RUNS:-100000}"
export PYTHONPATH="$root/python" PYTHONDONTWRITEBYTECODE=1

step "types"
"$tools/mypy" --cache-dir "$root/target/mypy" python/tallylint tests/python
# What needs no other package is also checked as the oldest Python sees it.
"$tools/mypy" --cache-dir "$root/target/mypy" --python-version 3.9 python/tallylint/{__init__,__main__,_find,guard}.py
step "lints and format"
"$tools/ruff" check --cache-dir "$root/target/ruff" python tests/python
"$tools/ruff" format --cache-dir "$root/target/ruff" --check python tests/python
step "tests with $("$tools/python" --version)"
"$tools/python" -m pytest --quiet -p no:cacheprovider tests/python

# use_python VERSION [FOR]: makes a virtual environment of another Python available in `$other`; fails if there is none.
# One with a purpose is apart from the one that has nothing but pytest.
use_python() {
    other="$root/target/tools/python$1${2:+-$2}/bin"
    if [[ ! -x "$other/pytest" ]]; then
        rm -rf "${other%/bin}"
        "python$1" -m venv "${other%/bin}" 2>/dev/null || return 1
        # The last pytest that runs on Python 3.9.
        "$other/pip" install --quiet --disable-pip-version-check pytest==8.4.2
    fi
}

for version in 3.9 3.13 3.14; do
    if use_python "$version"; then
        step "tests with Python $version"
        "$other/python" -m pytest --quiet -p no:cacheprovider tests/python
    else
        echo "LEFT OUT: there is no Python $version"
    fi
done
# What the triage needs in the oldest version that it takes.
if is_long "the triage with the oldest Python" && use_python 3.9 triage; then
    step "the triage with Python 3.9"
    "$other/pip" install --quiet --disable-pip-version-check 'ibis-framework[duckdb,postgres]==11.0.0' duckdb==1.4.5 \
        'psycopg[binary]' tomli
    "$other/python" -m pytest --quiet -p no:cacheprovider tests/python/triage
fi
step "done"
