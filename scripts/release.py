#!/usr/bin/env python3
"""What the release workflow does besides calling other programs; scripts/test_packages.sh tries it.

release.py version [--tag TAG]        print the version; fail unless all files, and the tag, agree on it
release.py notes                      print what the change log says of this version
release.py archive WHEEL TARGET DIR   put the program of a wheel into an archive for those who do not use pip
release.py sums DIR                   write DIR/SHA256SUMS
"""

import argparse
import gzip
import hashlib
import io
import re
import stat
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

SIDE_FILES = ("README.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE")
# No build is younger than what it was made of; archives of the same files are the same bytes.
EPOCH = (1980, 1, 1, 0, 0, 0)


class Refused(Exception):
    """Why there is no release; for people."""


def read(root: Path, name: str) -> str:
    return (root / name).read_text(encoding="utf-8")


def section(text: str, name: str) -> str:
    """The body of a table of a TOML file, without a TOML reader (which Python has from 3.11 on)."""
    found = re.search(rf"(?ms)^\[{re.escape(name)}\]$(.*?)(?=^\[|\Z)", text)
    return found.group(1) if found else ""


def version(root: Path) -> str:
    """The version of Cargo.toml, which Cargo.lock has, too, and pyproject.toml takes from there."""
    stated = re.search(r'(?m)^version = "([^"]+)"$', section(read(root, "Cargo.toml"), "package"))
    if not stated:
        raise Refused("Cargo.toml states no version")
    number = stated.group(1)
    if f'name = "tallylint"\nversion = "{number}"\n' not in read(root, "Cargo.lock"):
        raise Refused(f"Cargo.lock does not have tallylint {number}; run `cargo check`")
    project = section(read(root, "pyproject.toml"), "project")
    dynamic = re.search(r"(?m)^dynamic = \[(.*)\]$", project)
    if re.search(r"(?m)^version\b", project) or not dynamic or '"version"' not in dynamic.group(1):
        raise Refused("pyproject.toml does not take its version from Cargo.toml")
    return number


def agree(root: Path, tag: str) -> str:
    """The version, if a tag (`v1.2.3`, or the whole ref) is its tag."""
    number = version(root)
    name = tag.removeprefix("refs/tags/")
    if name != f"v{number}":
        raise Refused(f"the tag {name} is not v{number}, the version in Cargo.toml")
    notes(root)
    return number


def notes(root: Path) -> str:
    """What the change log says of the version."""
    number = version(root)
    found = re.search(
        rf"(?ms)^## \[{re.escape(number)}\][^\n]*\n(.*?)(?=^## |^\[[^\]]+\]: |\Z)", read(root, "CHANGELOG.md")
    )
    if not found or not found.group(1).strip():
        raise Refused(f"CHANGELOG.md says nothing of {number}")
    return found.group(1).strip() + "\n"


def archive(root: Path, wheel: Path, target: str, out: Path) -> Path:
    """Write the archive with the program of a wheel; the program must run here and tell the version."""
    number = version(root)
    windows = "windows" in target
    program = "tallylint.exe" if windows else "tallylint"
    with zipfile.ZipFile(wheel) as packed:
        binary = packed.read(f"tallylint-{number}.data/scripts/{program}")
    tells(binary, program, f"tallylint {number}")
    files = {program: binary, **{name: (root / name).read_bytes() for name in SIDE_FILES}}
    folder = f"tallylint-{number}-{target}"
    if windows:
        path = out / f"{folder}.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packing:
            for name, body in files.items():
                packing.writestr(zipfile.ZipInfo(f"{folder}/{name}", EPOCH), body, zipfile.ZIP_DEFLATED)
        return path
    path = out / f"{folder}.tar.gz"
    with path.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, 0) as zipped:
        with tarfile.open(mode="w", fileobj=zipped) as packing:
            for name, body in files.items():
                entry = tarfile.TarInfo(f"{folder}/{name}")
                entry.size = len(body)
                entry.mode = 0o755 if name == program else 0o644
                packing.addfile(entry, io.BytesIO(body))
    return path


def tells(binary: bytes, name: str, wanted: str) -> None:
    """Fail unless the program answers `--version` so."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / name
        program.write_bytes(binary)
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        told = subprocess.run([program, "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    if told != wanted:
        raise Refused(f"the program of the wheel says `{told}` instead of `{wanted}`")


def sums(folder: Path) -> Path:
    """Write the SHA-256 sums of all files of a folder, in the format of `sha256sum --check`."""
    path = folder / "SHA256SUMS"
    files = sorted(file for file in folder.iterdir() if file.is_file() and file != path)
    if not files:
        raise Refused(f"{folder} is empty")
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files]
    path.write_text("".join(lines), encoding="ascii", newline="\n")
    return path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent, help="the checkout")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("version").add_argument("--tag")
    commands.add_parser("notes")
    packing = commands.add_parser("archive")
    packing.add_argument("wheel", type=Path)
    packing.add_argument("target")
    packing.add_argument("out", type=Path)
    commands.add_parser("sums").add_argument("folder", type=Path)
    args = parser.parse_args()
    try:
        if args.command == "version":
            print(version(args.root) if args.tag is None else agree(args.root, args.tag))
        elif args.command == "notes":
            sys.stdout.write(notes(args.root))
        elif args.command == "archive":
            print(archive(args.root, args.wheel, args.target, args.out))
        else:
            print(sums(args.folder))
    except (Refused, OSError, KeyError, subprocess.CalledProcessError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
