"""The trees of source files that scripts/compare.py measures: what is in each, and how it is made.

Packages come from PyPI at pinned versions, so that figures of different days compare.
"""

import ast
import hashlib
import random
import shutil
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent
SAMPLE = SCRIPTS.parent / "benches" / "sample.py"
WIDE = SCRIPTS.parent / "benches" / "wide.py"

MIXED_FILES, MIXED_GENERATED = 2500, 500
MIXED = ["apache-airflow-core==3.3.2", "luigi==3.8.1", "sqlalchemy==2.1.9", "pandas==3.1.1"]
# Packages with operators, tasks and loaders.
FIELD = [
    "acryl-datahub==1.7.0.17",
    "apache-airflow-providers-amazon==9.39.0",
    "apache-airflow-providers-google==22.8.0",
    "dagster==1.13.29",
    "dlt==1.31.0",
    "great-expectations==1.24.1",
    "luigi==3.8.1",
    "mage-ai==0.9.80",
    "meltano==4.4.1",
    "petl==1.7.30",
    "prefect==3.9.1",
    "singer-sdk==0.54.9",
]
# Packages about data with 50 to 500 files each.
SMALL = [
    "airbyte-cdk==7.39.1",
    "datachain==0.62.0",
    "dbt-core==1.12.6",
    "dvc==3.67.1",
    "elementary-data==0.26.1",
    "fugue==0.9.7",
    "kedro==1.7.0",
    "pandera==0.35.0",
    "soda-core==4.28.0",
    "sqlmesh==0.236.4",
]
# What is put under contract in the field tree: the names of what does the work in these packages, for some 3,000 methods.
METHODS = """
    execute execute_complete execute_async execute_query execute_queries execute_sql run run_sync run_job run_iteration
    process process_batch process_record process_records process_file handle handle_output submit submit_job sync poke
    load load_data load_all load_table load_file load_batch load_input extract transform ingest merge materialize
    write write_data write_batch batch_write write_record write_records write_table write_file write_parquet
    save save_table insert insert_rows insert_all upsert upsert_rows bulk_insert bulk_create create update delete
    update_state update_stored_schema put put_record put_records store store_event persist append copy copy_file transfer
    export upload upload_file upload_blob upload_dataframe dump flush commit commit_transaction
    emit publish publish_batch send send_batch get_workunits get_workunits_internal
""".split()
PLACE = "self.stats['rows']"


def make(folder, write, *arguments):
    """Makes a tree unless it is there: `write` fills a folder that gets its name in the end."""
    if not folder.exists():
        part = folder.with_name(folder.name + ".part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        write(part, *arguments)
        (part / "pyproject.toml").touch()
        part.rename(folder)
    return folder


def generated(script, folder, *arguments):
    """What another script here makes."""
    command = [sys.executable, str(SCRIPTS / script), str(folder), *map(str, arguments)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def wheel(requirement):
    """The wheel of a package, which is kept."""
    name, version = requirement.split("==")
    start = f"{name.replace('-', '_')}-{version}-"
    found = [path for path in Path("wheels").glob("*.whl") if path.name.lower().startswith(start)]
    if not found:
        pip = ["venv/bin/pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "--only-binary", ":all:", "--dest", "wheels", requirement], check=True)
        return wheel(requirement)
    return zipfile.ZipFile(found[0])


def unpack(requirement, folder, most=None):
    """The Python files of a package, at most so many."""
    archive = wheel(requirement)
    for name in sorted(n for n in archive.namelist() if n.endswith(".py"))[:most]:
        archive.extract(name, folder / requirement.split("==")[0])


def mixed(folder):
    """Generated pipelines of short methods, and packages: the last one as far as the files go."""
    generated("make_tree.py", folder / "pipelines", "--files", MIXED_GENERATED)
    for requirement in MIXED:
        unpack(requirement, folder, MIXED_FILES - sum(1 for _ in folder.rglob("*.py")))


def realistic(folder):
    """Pipelines whose code is shaped like real ones."""
    generated("realistic_tree.py", folder)


def field(folder):
    """Real packages, with their methods under contract. No such method has ever heard of the contract."""
    for requirement in FIELD:
        unpack(requirement, folder)
    contract = "[[contract]]\nmethod = \"{}\"\nsets = \"{}\"\nbases = [\"*\"]\n"
    (folder / "tallylint.toml").write_text("\n".join(contract.format(method, PLACE) for method in METHODS))


def counted(folder):
    """The field tree, but its methods set what the contract asks for, each in one to three places.

    In the field tree no path sets it, which can be told without following any; here it depends on the path.
    """
    field(folder)
    for path in sorted(folder.rglob("*.py")):
        text = path.read_bytes()
        if any(f"def {method}(".encode() in text for method in METHODS):
            with_counts(path, str(path.relative_to(folder)))


def with_counts(path, name):
    """Adds the statements to one file. Which places are chosen depends on the file's name alone."""
    try:
        text = path.read_text(encoding="utf-8")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return
    rng = random.Random(hashlib.sha256(name.encode()).digest())
    lines = text.split("\n")
    classes = (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    chosen = set()
    for method in (node for found in classes for node in found.body):
        if getattr(method, "name", None) not in METHODS or isinstance(method, ast.ClassDef):
            continue
        if [argument.arg for argument in method.args.args[:1]] == ["self"]:
            places = sorted(places_in(method.body, lines))
            chosen.update(rng.sample(places, min(len(places), rng.randint(1, 3))))
    for line in sorted(chosen, reverse=True):
        old = lines[line - 1]
        indent = old[: len(old) - len(old.lstrip())]
        lines.insert(line - 1, f"{indent}{PLACE} = 0")
    path.write_text("\n".join(lines), encoding="utf-8")


def places_in(body, lines):
    """The lines where a statement of a function begins and another can stand before it."""
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        before = lines[node.lineno - 1].encode()[: node.col_offset]
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not before.strip() and not is_text and not lines[node.lineno - 1].lstrip().startswith("elif"):
            yield node.lineno
        for name in ("body", "orelse", "finalbody"):
            yield from places_in(getattr(node, name, []), lines)
        for inner in [*getattr(node, "handlers", []), *getattr(node, "cases", [])]:
            yield from places_in(inner.body, lines)


def small(folder):
    """Ten packages, each a folder to be checked for itself."""
    for requirement in SMALL:
        unpack(requirement, folder)


def files(folder, count):
    """A tree of so many generated files."""
    generated("make_tree.py", folder, "--files", count)


def simple_method(folder, lines):
    """One method of about so many lines that call and branch."""
    body = ["class P(Base):", "    def save_data(self):", "        rows = self.rows"]
    for n in range(lines // 5):
        body += [f"        if self.client.ready({n}):", f"            rows = self.client.clean(rows, {n})", "        else:",
                 f"            self.log({n})", f"        self.client.note({n})"]
    body += ["        self.stats['rows_inserted'] = len(rows)"]
    (folder / "p.py").write_text("\n".join(body) + "\n")


def sample(begin, end, of=SAMPLE):
    """The sample before, in and after what is repeated of it."""
    before, rest = of.read_text().split(f"{begin}\n")
    part, after = rest.split(f"{end}\n")
    return before, part, after


def real_method(folder, lines):
    """One method of about so many lines whose code is shaped like real ones."""
    before, part, after = sample("        # part", "        # end of part")
    (folder / "p.py").write_text(before + part * (lines // part.count("\n")) + after)


def classes(folder, count):
    """So many classes in one file."""
    before, part, _ = sample("\n# class", "\n# end of class")
    made = (part.replace("ParcelProcessor", f"ParcelProcessor{n}") for n in range(count))
    (folder / "p.py").write_text(before + "\n\n".join(made))


def wide_classes(folder, count):
    """So many small classes below one base in one file."""
    wide(folder, "class", count)


def wide_functions(folder, count):
    """So many small functions in one file."""
    wide(folder, "function", count)


def wide(folder, what, count):
    before, part, _ = sample(f"\n# {what}", f"# end of {what}", WIDE)
    (folder / "p.py").write_text(before + "\n" + "".join(part.replace("_N", f"_{n}") for n in range(count)))
