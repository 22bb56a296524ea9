#!/usr/bin/env bash
# Measures tallylint beside other tools on one tree, alternately, so that what else the machine
# does hits all of them alike.
#
# Usage: compare.sh TALLYLINT [FOLDER]
#
# FOLDER (default: a temporary one) gets the tree and a virtual environment; run again with the
# same FOLDER, both are there already. Needs python3 with pip, and a network for the first run.
# Environment: ROUNDS (default 5), SEMGREP=0 leaves semgrep out, GROWTH=0 the growth, and FILES
# (default "250 2500 25000") and LINES (default "200 2000 20000") are how far that goes.
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
if [ ! -d tree ]; then
  venv/bin/pip download --quiet --no-deps --only-binary :all: --dest wheels \
    apache-airflow-core luigi sqlalchemy pandas
  python3 "$here/make_tree.py" tree.part/pipelines --files 500 > /dev/null
  python3 - <<'PY'
import pathlib, zipfile
# Packages as they are, the last one as far as 2,500 files go.
left = 2500 - sum(1 for _ in pathlib.Path("tree.part").rglob("*.py"))
for name in ("apache_airflow_core", "luigi", "sqlalchemy", "pandas"):
    wheel = zipfile.ZipFile(next(pathlib.Path("wheels").glob(f"[{name[0]}{name[0].upper()}]{name[1:]}-*.whl")))
    for entry in sorted(n for n in wheel.namelist() if n.endswith(".py")):
        if left > 0:
            wheel.extract(entry, f"tree.part/{name}")
            left -= 1
PY
  touch tree.part/pyproject.toml
  mv tree.part tree
fi
cat > rule.yml <<'YML'
rules:
  - id: return-without-count
    languages: [python]
    severity: WARNING
    message: save_data returns without setting the count
    patterns:
      - pattern-inside: |
          def save_data(self, ...):
            ...
      - pattern: return
      - pattern-not-inside: |
          self.stats["rows_inserted"] = ...
          ...
YML

export FILES="${FILES:-250 2500 25000}" LINES_OF_FUNCTIONS="${LINES:-200 2000 20000}"
python3 - "$tallylint" "${ROUNDS:-5}" "${SEMGREP:-1}" "${GROWTH:-1}" "$here" <<'PY'
import math, os, pathlib, resource, shutil, statistics, subprocess, sys, time
tallylint, rounds, semgrep, growth, here = sys.argv[1], int(sys.argv[2]), sys.argv[3] != "0", sys.argv[4] != "0", sys.argv[5]

def once(command):
    """Wall time, processor time and peak memory of a command."""
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 1):
        raise RuntimeError(f"failed: {' '.join(command)}")
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024

bare = [tallylint, "check", "--isolated", "-q"]
# Cold: what an earlier run found must not help.
check = [*bare, "--no-cache"]
ruff = ["venv/bin/ruff", "check", "--isolated", "-q", "--select", "RET,F,BLE"]
tools = {
    "tallylint": [*check, "tree"],
    "tallylint, untracked-return": [*check, "--select", "untracked-return", "tree"],
    "tallylint, swallowed-write": [*check, "--select", "swallowed-write", "tree"],
    "tallylint, success-as-proof": [*check, "--select", "success-as-proof", "tree"],
    "tallylint --read everything": [*check, "--read", "everything", "tree"],
    "tallylint, nothing changed": [*bare, "--cache-dir", "kept", "tree"],
    "ruff": [*ruff, "--no-cache", "tree"],
    "ruff, nothing changed": [*ruff, "--cache-dir", "kept-ruff", "tree"],
    "rg": ["venv/bin/rg", "-c", "save_data|success", "tree"],
}
one = sorted(pathlib.Path("tree/pipelines").rglob("*_processor.py"))[7]
tools["tallylint, one file"] = [*check, str(one)]
tools["tallylint --version"] = [tallylint, "--version"]
if semgrep:
    tools["semgrep"] = ["venv/bin/semgrep", "scan", "--metrics=off", "--quiet", "--config", "rule.yml", "tree"]
files = list(pathlib.Path("tree").rglob("*.py"))
print(f"{len(files)} files, {sum(f.stat().st_size for f in files) / 1e6:.1f} MB, {os.cpu_count()} processors, {rounds} rounds\n")
for name in tools:
    if name.endswith("nothing changed"):
        once(tools[name])
seen = {name: [] for name in tools}
for _ in range(rounds):
    for name, command in tools.items():
        if name == "semgrep" and seen[name]:
            continue
        try:
            seen[name].append(once(command))
        except RuntimeError as error:
            # Semgrep is a stranger: where it does not run, the others still count.
            if name != "semgrep":
                raise
            print(error, file=sys.stderr)
            semgrep = False
    if not semgrep:
        tools.pop("semgrep", None)
        seen.pop("semgrep", None)
median = {n: [statistics.median(c) for c in zip(*runs)] for n, runs in seen.items()}
print("| tool | wall s | processor s | peak MB | processor time, ratio to ruff |\n|---|---|---|---|---|")
for name, (wall, cpu, peak) in median.items():
    print(f"| {name} | {wall:.3f} | {cpu:.3f} | {peak:.0f} | {cpu / median['ruff'][1]:.2f} |")

def series(title, sizes, make):
    print(f"\n| {title} | processor s | peak MB |\n|---|---|---|")
    points = []
    for size in sizes:
        folder = pathlib.Path(f"grow-{title.split()[0]}-{size}")
        if not folder.exists():
            make(folder, size)
        _, cpu, peak = map(statistics.median, zip(*(once([*check, str(folder)]) for _ in range(3))))
        points.append((size, cpu))
        print(f"| {size} | {cpu:.3f} | {peak:.0f} |", flush=True)
    for (a, s), (b, t) in zip(points, points[1:]):
        print(f"exponent from {a} to {b}: {math.log(t / s) / math.log(b / a):.2f}")

def tree(folder, size):
    subprocess.run([sys.executable, f"{here}/make_tree.py", str(folder), "--files", str(size)], check=True, stdout=subprocess.DEVNULL)

def function(folder, lines):
    folder.mkdir()
    body = ["class P(Base):", "    def save_data(self):", "        rows = self.rows"]
    for n in range(lines // 5):
        body += [f"        if self.client.ready({n}):", f"            rows = self.client.clean(rows, {n})", "        else:",
                 f"            self.log({n})", f"        self.client.note({n})"]
    body += ["        self.stats['rows_inserted'] = len(rows)"]
    (folder / "p.py").write_text("\n".join(body) + "\n")

if growth:
    series("files", [int(size) for size in os.environ["FILES"].split()], tree)
    series("lines of a function", [int(size) for size in os.environ["LINES_OF_FUNCTIONS"].split()], function)
PY
