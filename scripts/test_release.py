#!/usr/bin/env python3
"""Tries what scripts/release.py makes, without building anything: with a wheel whose program is a script, and with a
repository that does not exist. It runs where scripts/test_packages.sh installs its tools, and needs Python 3.11.
"""

import contextlib
import json
import os
import re
import shutil
import sys
import tarfile
import tempfile
import time
import tomllib
import unittest
import zipfile
from pathlib import Path
from urllib.parse import unquote

from markdown_it import MarkdownIt

sys.path.insert(0, str(Path(__file__).resolve().parent))
import release

ROOT = Path(__file__).resolve().parent.parent
URL = "https://example.org/someone/tallylint"
NUMBER = release.version(ROOT)
PROGRAM = f"""#!/bin/sh
case "$1" in
    --version) echo "tallylint {NUMBER}" ;;
    completions) echo "completions for $2" ;;
esac
"""
DATA = f"tallylint-{NUMBER}.data"
INFO = f"tallylint-{NUMBER}.dist-info"


def make_wheel(path: Path, folder: str, program: str = "tallylint", moment=(2026, 1, 2, 3, 4, 6), more: bytes = b"") -> Path:
    """A wheel like that of maturin, built in a folder."""
    parts = json.dumps({"metadata": {"component": {"bom-ref": f"path+file://{folder}#{NUMBER}"}}})
    files = {
        f"{DATA}/scripts/{program}": PROGRAM.encode() + more,
        f"{DATA}/data/share/man/man1/tallylint.1": b".TH TALLYLINT 1\n",
        f"{INFO}/sboms/tallylint.cyclonedx.json": parts.encode(),
    }
    names = [*files, f"{INFO}/RECORD"]
    files[f"{INFO}/RECORD"] = "".join(f"{name},sha256=x,1\n" for name in names).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packing:
        for name, body in files.items():
            packing.writestr(zipfile.ZipInfo(name, moment), body, zipfile.ZIP_DEFLATED)
    return path


def targets(job: str) -> "list[str]":
    """The targets that a job of the release workflow lists."""
    text = (ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8")
    found = re.search(rf"(?ms)^  {job}:\n(.*?)(?=^  [a-z]|\Z)", text)
    assert found, job
    return re.findall(r"^ +- (?:target: )?((?:x86_64|aarch64)-[a-z0-9-]+)$", found.group(1), re.MULTILINE)


def links(text: str) -> "list[str]":
    """Where the links and the images of a Markdown text lead."""
    found = []
    for token in MarkdownIt("gfm-like", {"linkify": False}).parse(text):
        for part in [token, *(token.children or [])]:
            found += [str(part.attrs[key]) for key in ("href", "src") if key in part.attrs]
            if part.type in ("html_block", "html_inline"):
                found += re.findall(r'(?:href|src)="([^"]*)"', part.content)
    return found


class Scratch(unittest.TestCase):
    def setUp(self) -> None:
        held = tempfile.TemporaryDirectory()
        self.addCleanup(held.cleanup)
        self.folder = Path(held.name)

    def tree(self, repository: str = "", text: str = "") -> Path:
        """A checkout with a repository and a README."""
        tree = Path(tempfile.mkdtemp(dir=self.folder))
        for name in ("Cargo.toml", "Cargo.lock", "pyproject.toml", "README.md", *release.SIDE_FILES):
            shutil.copy(ROOT / name, tree)
        (tree / release.EXTENSION).mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(ROOT / release.EXTENSION / name, tree / release.EXTENSION)
        manifest = re.sub(r"(?m)^repository = .*\n", "", release.read(ROOT, "Cargo.toml"))
        if repository:
            manifest = manifest.replace("[package]\n", f'[package]\nrepository = "{repository}"\n', 1)
        (tree / "Cargo.toml").write_text(manifest, encoding="utf-8")
        if text:
            (tree / "README.md").write_text(text, encoding="utf-8")
        return tree


class Readme(Scratch):
    def test_links_of_the_readme_lead_to_files_of_the_version(self) -> None:
        before = links(release.read(ROOT, "README.md"))
        shown = release.readme(self.tree(f"{URL}/"))
        self.assertNotIn("OWNER", shown)
        after = links(shown)
        self.assertEqual(len(before), len(after))
        led = 0
        for old, new in zip(before, after):
            self.assertRegex(new, r"^(https://|#)")
            if re.match(r"https://|#", old):
                self.assertEqual(old, new)
                continue
            kind, rest = re.fullmatch(rf"{re.escape(URL)}/(blob|raw)/v{re.escape(NUMBER)}/(.*)", new).groups()
            path = ROOT / unquote(rest.split("#")[0])
            self.assertTrue(path.is_file(), new)
            self.assertEqual(kind, "raw" if path.suffix in (".svg", ".png") else "blob", new)
            led += 1
        self.assertGreater(led, 10)

    def test_what_is_a_link(self) -> None:
        base = f"{URL}/blob/v{NUMBER}"
        for text, wanted in [
            ("[a](b.md)", f"[a]({base}/b.md)"),
            ('[a](b.md#c "title")', f'[a]({base}/b.md#c "title")'),
            ("[a](#b)", "[a](#b)"),
            ("`uses: OWNER/tallylint@v1`", "`uses: someone/tallylint@v1`"),
            ("`repo: https://github.com/OWNER/tallylint`", f"`repo: {URL}`"),
            ("[a](mailto:x@example.org)", "[a](mailto:x@example.org)"),
            ("[![a](b.svg)](c.md)", f"[![a]({URL}/raw/v{NUMBER}/b.svg)]({base}/c.md)"),
            ("```toml\na = [b](c)\n```\n[a](b)", f"```toml\na = [b](c)\n```\n[a]({base}/b)"),
        ]:
            self.assertEqual(release.readme(self.tree(URL, text)), text if wanted == text else wanted)

    def test_without_a_repository_nothing_changes(self) -> None:
        tree = self.tree()
        self.assertEqual(release.readme(tree), release.read(ROOT, "README.md"))
        self.assertIsNone(release.repository(tree))

    def test_the_readme_is_put_back(self) -> None:
        tree = self.tree(URL, "[a](b)\n")
        with contextlib.suppress(ZeroDivisionError), release.published(tree):
            self.assertIn(URL, release.read(tree, "README.md"))
            1 / 0
        self.assertEqual(release.read(tree, "README.md"), "[a](b)\n")


class Packing(Scratch):
    def test_the_same_files_make_the_same_bytes(self) -> None:
        for target, program in [("x86_64-unknown-linux-musl", "tallylint"), ("x86_64-pc-windows-msvc", "tallylint.exe")]:
            made = []
            for folder, moment in [("/a", (2026, 1, 2, 3, 4, 6)), ("/b/c", (2027, 1, 2, 3, 4, 6))]:
                out = Path(tempfile.mkdtemp(dir=self.folder))
                # The times of an archive are not those of its files.
                wheel = make_wheel(out / "built.whl", folder, program, moment)
                release.impersonal(wheel, out / "wheel.whl")
                tree = self.tree(URL)
                os.utime(tree / "README.md", (time.time() - len(folder), 0))
                path = release.archive(tree, out / "wheel.whl", target, out)
                parts = path.parent / f"tallylint-{NUMBER}-{target}.cyclonedx.json"
                made.append((path.name, path.read_bytes(), parts.read_bytes()))
            self.assertEqual(made[0], made[1])
            self.assertIn(b"path+file:///tallylint#", made[0][2])

    def test_wheels_built_elsewhere_are_the_same(self) -> None:
        made = []
        for folder in ("/a", "/b/c"):
            release.impersonal(make_wheel(self.folder / "built.whl", folder), self.folder / "wheel.whl")
            made.append((self.folder / "wheel.whl").read_bytes())
        self.assertEqual(made[0], made[1])
        with zipfile.ZipFile(self.folder / "wheel.whl") as packed:
            record = packed.read(f"{INFO}/RECORD").decode().splitlines()
            parts = packed.read(f"{INFO}/sboms/tallylint.cyclonedx.json")
        changed = [line for line in record if not line.endswith(",sha256=x,1")]
        self.assertEqual(len(record), 4)
        self.assertRegex("\n".join(changed), rf"^{re.escape(INFO)}/sboms/[^,]*,sha256=[\w-]{{43}},{len(parts)}$")

    def test_an_archive_has_pages_completions_and_licences(self) -> None:
        wheel = make_wheel(self.folder / "wheel.whl", "/a")
        path = release.archive(self.tree(URL), wheel, "x86_64-unknown-linux-gnu", self.folder)
        with tarfile.open(path) as packed:
            entries = packed.getmembers()
            top = f"tallylint-{NUMBER}-x86_64-unknown-linux-gnu"
            names = [entry.name.removeprefix(f"{top}/") for entry in entries]
            text = packed.extractfile(f"{top}/README.md").read().decode()
            zsh = packed.extractfile(f"{top}/complete/_tallylint").read()
        self.assertEqual(names, sorted(names))
        wanted = {"tallylint", "LICENSE-MIT", "LICENSE-APACHE", "CHANGELOG.md", "man/man1/tallylint.1"}
        self.assertLessEqual(wanted | {f"complete/{name}" for name in release.COMPLETIONS.values()}, set(names))
        self.assertEqual({(entry.mtime, entry.uid, entry.gid, entry.uname) for entry in entries}, {(0, 0, 0, "")})
        self.assertEqual([entry.name for entry in entries if entry.mode & 0o111], [f"{top}/tallylint"])
        self.assertIn(f"]({URL}/blob/", text)
        self.assertEqual(zsh, b"completions for zsh\n")

    def test_the_programs_of_archives_are_found_again(self) -> None:
        tree, out = self.tree(URL), self.folder / "programs"
        targets = [("aarch64-apple-darwin", "tallylint"), ("x86_64-pc-windows-msvc", "tallylint.exe")]
        for target, program in targets:
            wheel = make_wheel(self.folder / "wheel.whl", "/a", program)
            release.archive(tree, wheel, target, self.folder)
        made = release.programs(tree, self.folder, out)
        self.assertEqual(made, [out / target / program for target, program in targets])
        for path in made:
            self.assertEqual(path.read_bytes(), PROGRAM.encode())
            self.assertTrue(path.stat().st_mode & 0o100)
        with self.assertRaisesRegex(release.Refused, "has no archives"):
            release.programs(tree, out, out)

    def test_a_wheel_is_small_and_stripped(self) -> None:
        release.light(make_wheel(self.folder / "good.whl", "/a"))
        symbols = make_wheel(self.folder / "symbols.whl", "/a", more=b"\0.symtab\0.strtab\0")
        with self.assertRaisesRegex(release.Refused, "is not stripped"):
            release.light(symbols)
        large = make_wheel(self.folder / "large.whl", "/a", more=os.urandom(release.WHEEL_BYTES))
        with self.assertRaisesRegex(release.Refused, f"more than {release.WHEEL_BYTES}"):
            release.light(large)


class Binstall(unittest.TestCase):
    """What `cargo binstall` asks for is what a release has."""

    SUFFIXES = {"tgz": ".tar.gz", "zip": ".zip"}

    def test_names_are_those_of_the_archives(self) -> None:
        stated = tomllib.loads(release.read(ROOT, "Cargo.toml"))["package"]["metadata"]["binstall"]
        listed = targets("build")
        self.assertEqual(len(listed), 7)
        self.assertLessEqual(set(stated["overrides"]), set(listed))
        for target in listed:
            windows = "windows" in target
            settings = {**stated, **stated["overrides"].get(target, {})}
            words = {
                "repo": URL,
                "name": "tallylint",
                "bin": "tallylint",
                "version": NUMBER,
                "target": target,
                "archive-suffix": self.SUFFIXES[settings["pkg-fmt"]],
                "binary-ext": ".exe" if windows else "",
            }
            url, program = (re.sub(r"\{ ([a-z-]+) \}", lambda found: words[found.group(1)], settings[key]) for key in ("pkg-url", "bin-dir"))
            with tempfile.TemporaryDirectory() as folder:
                wheel = make_wheel(Path(folder) / "wheel.whl", "/a", "tallylint.exe" if windows else "tallylint")
                path = release.archive(ROOT, wheel, target, Path(folder))
                self.assertEqual(url, f"{URL}/releases/download/v{NUMBER}/{path.name}")
                with zipfile.ZipFile(path) if windows else tarfile.open(path) as packed:
                    names = packed.namelist() if windows else packed.getnames()
                self.assertIn(program, names)

    def test_all_targets_have_a_package_for_vs_code(self) -> None:
        known = re.findall(r'^  "([a-z0-9_-]+)": "[a-z0-9-]+",$', release.read(ROOT, f"{release.EXTENSION}/package.mjs"), re.MULTILINE)
        self.assertEqual(known, targets("build"))

    def test_the_extension_has_the_version(self) -> None:
        for name in ("package.json", "package-lock.json"):
            with tempfile.TemporaryDirectory() as folder:
                tree = Path(folder) / "tree"
                (tree / release.EXTENSION).mkdir(parents=True)
                for file in ("Cargo.toml", "Cargo.lock", "pyproject.toml", *(f"{release.EXTENSION}/{one}" for one in ("package.json", "package-lock.json"))):
                    shutil.copy(ROOT / file, tree / file)
                self.assertEqual(release.version(tree), NUMBER)
                path = tree / release.EXTENSION / name
                path.write_text(path.read_text(encoding="utf-8").replace(f'"version": "{NUMBER}"', '"version": "9.9.9"', 1), encoding="utf-8")
                with self.assertRaisesRegex(release.Refused, f"{name} says 9.9.9"):
                    release.version(tree)

    def test_all_targets_get_a_statement_of_their_parts(self) -> None:
        self.assertEqual(targets("parts"), targets("build"))


if __name__ == "__main__":
    unittest.main()
