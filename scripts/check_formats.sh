#!/usr/bin/env bash
# Holds the reports on the example projects against the schemas in tests/schemas, and lets Microsoft's validator read the
# SARIF, with the rules of the standard and those of GitHub's code scanning. Both come from registries.
set -euo pipefail
# shellcheck source=scripts/tools.sh
source "$(dirname "${BASH_SOURCE[0]}")/tools.sh"
cd "$root"
use_tools
use_multitool

cargo build --quiet
tallylint="$root/target/debug/tallylint"
work="$scratch/work"
mkdir "$work"
cp -r fixtures/pipeline fixtures/pipeline-rust "$work"
mkdir -p "$work/.git" "$work/odd"
odd="$work/odd/a b#1 [x](y) é;%,&<z>@w.py"
cat > "$odd" <<'PYTHON'
class Odd(BaseProcessor):
    def save_data(self):
        if not self.rows: é = '😀'; return
        if self.dry:
            return  # tallylint: ignore[untracked-return] asked by [nobody](https://example.org)
        if self.x == '[a](1)':
            return
        self.stats['rows_inserted'] = len(self.rows)
PYTHON
printf 'class Known(BaseProcessor):\n    def save_data(self):\n        self.load(self.rows)\n' > "$work/odd/known.py"
printf 'y = = 2  # save_data\n' > "$work/odd/broken.py"

cd "$work"
"$tallylint" check --baseline known.json --write-baseline odd/known.py > all.log
run() {
    # Findings and an incomplete result are what is wanted here.
    "$tallylint" check --quiet --baseline known.json --format "$@" 2>> all.log || [ $? -le 2 ]
}
for format in sarif gitlab rdjson; do
    run "$format" --pedantic > "all.$format"
    run "$format" --no-ignored pipeline/processors > "findings.$format"
    run "$format" pipeline/pipeline > "clean.$format"
done
# A file that is not below the root has an absolute address.
cp odd/known.py ../outside.py
touch .git/HEAD
run sarif --pedantic ../outside.py odd/known.py > outside.sarif
rm .git/HEAD
grep -q '"uri": *"file:///' outside.sarif || fail "a file outside the root has no absolute address"
# Each line is a diagnostic, which the schema knows as a part of a whole.
run rdjsonl --pedantic | python3 -c '
import json, sys
lines = [json.loads(line) for line in sys.stdin]
assert lines
json.dump({"diagnostics": lines}, sys.stdout)' > lines.rdjson
grep -q '"suppressions"' all.sarif
grep -q '"fixes"' all.sarif
grep -q '"executionSuccessful": false' all.sarif

# fits SCHEMA FILE…: whether the files are valid.
fits() {
    "$tools/check-jsonschema" --quiet --schemafile "$root/tests/schemas/$1" "${@:2}" > fits.log 2>&1
}
fits sarif-2.1.0.json ./*.sarif || fail "$(cat fits.log)"
fits gitlab-code-quality.json ./*.gitlab || fail "$(cat fits.log)"
fits rdjson.json ./*.rdjson || fail "$(cat fits.log)"
# A check that never fails is no check.
sed 's/"path": *"[^"]*"/"path": 1/' all.gitlab > broken.gitlab
! fits gitlab-code-quality.json broken.gitlab || fail "the schema of GitLab accepts everything"
sed 's/"message": *"[^"]*"/"message": 1/' all.rdjson > broken.rdjson
! fits rdjson.json broken.rdjson || fail "the schema of reviewdog accepts everything"
sed 's/"startLine": *[0-9]*/"startLine": -1/' all.sarif > broken.sarif
! fits sarif-2.1.0.json broken.sarif || fail "the schema of SARIF accepts everything"

# The wrapper of the package hands its arguments to a shell: the quotes are for that.
validate() {
    "$multitool" validate "$1.sarif" --rule-kind "'Sarif;Ghas'" --level "'Error;Warning'" \
        --output "$1.found.sarif" --log ForceOverwrite > "$1.txt" 2>&1 || [ "$2" = broken ] || {
        cat "$1.txt"
        exit 1
    }
    python3 - "$1" "$2" <<'PYTHON'
import json
import sys

name, wanted = sys.argv[1:]
with open(f"{name}.found.sarif", encoding="utf-8-sig") as file:
    found = json.load(file)["runs"][0].get("results", [])
# The package may not say where the project is on the web: then there is nothing to name.
wrong = [result for result in found if result["ruleId"] != "SARIF2005"]
if wanted == "broken":
    if not any(result.get("level") == "error" for result in wrong):
        sys.exit(f"{name}.sarif: the validator does not see what is wrong")
    sys.exit()
if wrong:
    sys.exit(f"{name}.sarif: " + "\n".join(json.dumps(result) for result in wrong))
with open(f"{name}.sarif", encoding="utf-8") as file:
    count = len(json.load(file)["runs"][0]["results"])
print(f"{name}.sarif: {count} results, nothing to complain about")
PYTHON
}
for log in all findings clean; do
    validate "$log" valid
done
validate broken broken
