#!/usr/bin/env python3
"""What the release workflow does besides calling other programs; scripts/test_release.py and test_packages.sh try it.

release.py version [--tag TAG] [--repository URL]
                                      print the version; fail unless all files, the tag and the URL agree
release.py notes                      print what the change log says of this version
release.py wheel TARGET DIR [OPTION…] build the wheel of a release; maturin gets the options
release.py sdist DIR                  build the source distribution
release.py archive WHEEL TARGET DIR   put the program of a wheel into an archive for those who do not use pip, and beside
                                      it what the program is made of
release.py programs DIR OUT           put the programs of the archives in DIR into OUT/TARGET, for the VS Code extension
release.py sums DIR                   write DIR/SHA256SUMS

The same commit, Rust, maturin and zig make the same bytes, in whatever folder and whenever.
"""

import argparse
import base64
import contextlib
import gzip
import hashlib
import io
import json
import os
import re
import stat
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Dict, Iterator, Optional
from unittest import mock

SIDE_FILES = ("CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE")
# The folder of the VS Code extension.
EXTENSION = "editors/vscode"
# No build is younger than what it was made of; archives of the same files are the same bytes.
EPOCH = (1980, 1, 1, 0, 0, 0)
# What a wheel may weigh: it is downloaded by every job that checks something.
WHEEL_BYTES = 6_000_000
# Most of the program is optimised for size, which keeps LLVM from inlining functions. But those that are marked `#[inline]`,
# as most of the standard library is, it inlines as if for speed, six times as readily. As readily as half of the others, a
# wheel is 9 % smaller, and the program takes 9 % more processor time.
INLINING = "-inlinehint-threshold=30 -inline-threshold=25"
# Shells, with the names under which they look for completions.
COMPLETIONS = {
    "bash": "tallylint.bash",
    "elvish": "tallylint.elv",
    "fish": "tallylint.fish",
    "nushell": "tallylint.nu",
    "powershell": "_tallylint.ps1",
    "zsh": "_tallylint",
}


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
    for name in ("package.json", "package-lock.json"):
        stated = json.loads(read(root, f"{EXTENSION}/{name}"))["version"]
        if stated != number:
            raise Refused(f"{EXTENSION}/{name} says {stated}; run `npm version {number}` there")
    return number


def repository(root: Path) -> Optional[str]:
    """The URL of the repository, without a slash at its end; Cargo.toml is the only place that states it."""
    stated = re.search(r'(?m)^repository = "([^"]+)"$', section(read(root, "Cargo.toml"), "package"))
    return stated.group(1).rstrip("/") if stated else None


def agree(root: Path, tag: str, url: Optional[str]) -> str:
    """The version, if a tag (`v1.2.3`, or the whole ref) is its tag, and the URL that of the repository."""
    number = version(root)
    name = tag.removeprefix("refs/tags/")
    if name != f"v{number}":
        raise Refused(f"the tag {name} is not v{number}, the version in Cargo.toml")
    stated = repository(root)
    if stated is None:
        raise Refused("Cargo.toml states no repository: the links of the README would lead nowhere")
    if url is not None and url.lower() != stated.lower():
        raise Refused(f"this is {url}, and Cargo.toml says that the repository is {stated}")
    notes(root)
    return number


def readme(root: Path) -> str:
    """README.md as registries show it: if it is known where the repository is, links lead to the files of the version, and
    OWNER has a name.

    The paths are those of GitHub. crates.io does the same by itself, with the newest files.
    """
    text, url = read(root, "README.md"), repository(root)
    if url is None:
        return text
    tag = f"v{version(root)}"

    def absolute(found: "re.Match[str]", kind: str) -> str:
        target = found.group(2)
        if re.match(r"[a-z][a-z0-9+.-]*:|#|//", target):
            return found.group(0)
        return f"{found.group(1)}{url}/{kind}/{tag}/{target}"

    # Every second part is a block of code.
    parts = re.split(r"(?ms)(^```.*?^```$)", text)
    for at in range(0, len(parts), 2):
        parts[at] = re.sub(r"(!\[[^\]]*\]\()([^)\s]+)", lambda found: absolute(found, "raw"), parts[at])
        parts[at] = re.sub(r"(\]\()([^)\s]+)", lambda found: absolute(found, "blob"), parts[at])
    owner = "/".join(url.split("/")[3:])
    return "".join(parts).replace("https://github.com/OWNER/tallylint", url).replace("OWNER/tallylint", owner)


@contextlib.contextmanager
def published(root: Path) -> Iterator[None]:
    """While it lasts, README.md is what registries get."""
    path = root / "README.md"
    before = path.read_bytes()
    path.write_text(readme(root), encoding="utf-8", newline="\n")
    try:
        yield
    finally:
        path.write_bytes(before)


def notes(root: Path) -> str:
    """What the change log says of the version."""
    number = version(root)
    found = re.search(
        rf"(?ms)^## \[{re.escape(number)}\][^\n]*\n(.*?)(?=^## |^\[[^\]]+\]: |\Z)", read(root, "CHANGELOG.md")
    )
    if not found or not found.group(1).strip():
        raise Refused(f"CHANGELOG.md says nothing of {number}")
    return found.group(1).strip() + "\n"


def surroundings(root: Path, target: str) -> Dict[str, str]:
    """The environment in which builds depend on neither the time nor the folders."""
    env = dict(os.environ)
    if "SOURCE_DATE_EPOCH" not in env:
        told = subprocess.run(
            ["git", "-C", str(root), "log", "-1", "--format=%ct"], check=True, stdout=subprocess.PIPE, text=True
        )
        env["SOURCE_DATE_EPOCH"] = told.stdout.strip()
    cargo = env.get("CARGO_HOME") or str(Path.home() / ".cargo")
    flags = [f"--remap-path-prefix={root}=/tallylint", f"--remap-path-prefix={cargo}=/cargo", f"-Cllvm-args={INLINING}"]
    if target.endswith("-msvc"):
        flags.append("-Clink-arg=/Brepro")
    # What `init` writes requires this version then.
    env["TALLYLINT_RELEASE"] = version(root)
    env["CARGO_ENCODED_RUSTFLAGS"] = "\x1f".join(flags)
    return env


def maturin(root: Path, target: str, *words: str) -> None:
    """Run maturin on what gets published."""
    with published(root):
        subprocess.run(["maturin", *words], check=True, cwd=root, env=surroundings(root, target), stdout=sys.stderr)


def build(root: Path, target: str, out: Path, options: "list[str]") -> Path:
    """Build the wheel for a target."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        words = ["--profile", "dist", "--locked", "--target", target, "--out", folder]
        maturin(root, target, "build", *words, *options)
        (made,) = Path(folder).glob("*.whl")
        wheel = out / made.name
        impersonal(made, wheel)
    light(wheel)
    return wheel


class Zopfli:
    """Compresses like zlib, in as many bytes as can be; its result does not depend on the zlib of this Python."""

    def __init__(self) -> None:
        self.bodies: "list[bytes]" = []

    def compress(self, body: bytes) -> bytes:
        self.bodies.append(bytes(body))
        return b""

    def flush(self) -> bytes:
        import zopfli.zlib

        # Without the head and the sum of zlib, which zip files do not have.
        return zopfli.zlib.compress(b"".join(self.bodies), numiterations=5)[2:-4]


def impersonal(made: Path, wheel: Path) -> None:
    """Copy a wheel; where its list of parts names the folder that it was built in, let it say `/tallylint`."""
    # zipfile takes no other compressor by itself.
    zopfli = mock.patch.object(zipfile, "_get_compressor", lambda *_: Zopfli())
    with zipfile.ZipFile(made) as packed, zopfli, zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as packing:
        listed = {}
        for entry in packed.infolist():
            body = packed.read(entry)
            if entry.filename.endswith(".cyclonedx.json"):
                root = json.loads(body)["metadata"]["component"]["bom-ref"].split("#")[0]
                body = body.replace(root.encode(), b"path+file:///tallylint")
                digest = base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=").decode()
                listed[entry.filename] = f"{entry.filename},sha256={digest},{len(body)}"
            elif entry.filename.endswith(".dist-info/RECORD"):
                # The record is the last one.
                lines = body.decode().splitlines()
                body = "".join(f"{listed.get(line.split(',')[0], line)}\n" for line in lines).encode()
            packing.writestr(entry, body)


def light(wheel: Path) -> None:
    """Fail if a wheel is large, or its program has symbols."""
    size = wheel.stat().st_size
    if size > WHEEL_BYTES:
        raise Refused(f"{wheel.name} has {size} bytes, more than {WHEEL_BYTES}")
    with zipfile.ZipFile(wheel) as packed:
        for name in packed.namelist():
            # The name of the table of symbols, in the table of the sections of an ELF file.
            if "/scripts/" in name and b"\0.symtab\0" in packed.read(name):
                raise Refused(f"{name} in {wheel.name} is not stripped")


def archive(root: Path, wheel: Path, target: str, out: Path) -> Path:
    """Write the archive with the program of a wheel; the program must run here and tell the version."""
    number = version(root)
    windows = "windows" in target
    program = "tallylint.exe" if windows else "tallylint"
    folder = f"tallylint-{number}-{target}"
    files = {}
    with zipfile.ZipFile(wheel) as packed:
        data = f"tallylint-{number}.data"
        binary = packed.read(f"{data}/scripts/{program}")
        for name in sorted(packed.namelist()):
            if name.startswith(f"{data}/data/share/man/"):
                files[name.replace(f"{data}/data/share/", "")] = packed.read(name)
        parts = packed.read(f"tallylint-{number}.dist-info/sboms/tallylint.cyclonedx.json")
    (out / f"{folder}.cyclonedx.json").write_bytes(parts)
    files[program] = binary
    files["README.md"] = readme(root).encode()
    files.update({name: (root / name).read_bytes() for name in SIDE_FILES})
    files.update({f"complete/{name}": body for name, body in tells(binary, program, f"tallylint {number}").items()})
    files = {f"{folder}/{name}": files[name] for name in sorted(files)}
    if windows:
        path = out / f"{folder}.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packing:
            for name, body in files.items():
                packing.writestr(zipfile.ZipInfo(name, EPOCH), body, zipfile.ZIP_DEFLATED, 9)
        return path
    path = out / f"{folder}.tar.gz"
    with path.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, 0) as zipped:
        with tarfile.open(mode="w", fileobj=zipped) as packing:
            for name, body in files.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(body)
                entry.mode = 0o755 if name == f"{folder}/{program}" else 0o644
                packing.addfile(entry, io.BytesIO(body))
    return path


def programs(root: Path, folder: Path, out: Path) -> "list[Path]":
    """Write the programs of all archives of a folder, each into a folder that is named after its target."""
    number = version(root)
    made = []
    for path in sorted(folder.iterdir()):
        found = re.fullmatch(rf"tallylint-{re.escape(number)}-(.+?)(\.tar\.gz|\.zip)", path.name)
        if not found:
            continue
        target, suffix = found.groups()
        name = "tallylint.exe" if "windows" in target else "tallylint"
        inside = f"tallylint-{number}-{target}/{name}"
        if suffix == ".zip":
            with zipfile.ZipFile(path) as packed:
                body = packed.read(inside)
        else:
            with tarfile.open(path) as packed:
                body = packed.extractfile(inside).read()
        program = out / target / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_bytes(body)
        program.chmod(0o755)
        made.append(program)
    if not made:
        raise Refused(f"{folder} has no archives")
    return made


def tells(binary: bytes, name: str, wanted: str) -> Dict[str, bytes]:
    """The completions that the program prints; fail unless it answers `--version` so."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / name
        program.write_bytes(binary)
        program.chmod(program.stat().st_mode | stat.S_IXUSR)

        def prints(*words: str) -> bytes:
            return subprocess.run([program, *words], check=True, stdout=subprocess.PIPE).stdout

        told = prints("--version").decode().strip()
        if told != wanted:
            raise Refused(f"the program of the wheel says `{told}` instead of `{wanted}`")
        return {file: prints("completions", shell) for shell, file in COMPLETIONS.items()}


def sums(folder: Path) -> Path:
    """Write the SHA-256 sums of all files of a folder, in the format of `sha256sum --check`."""
    path = folder / "SHA256SUMS"
    files = sorted(file for file in folder.iterdir() if file.is_file() and file != path)
    if not files:
        raise Refused(f"{folder} is empty")
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files]
    path.write_text("".join(lines), encoding="ascii", newline="\n")
    return path


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent, help="the checkout")
    commands = parser.add_subparsers(dest="command", required=True)
    checking = commands.add_parser("version")
    checking.add_argument("--tag")
    checking.add_argument("--repository")
    commands.add_parser("notes")
    wheel = commands.add_parser("wheel")
    wheel.add_argument("target")
    wheel.add_argument("out", type=Path)
    wheel.add_argument("options", nargs=argparse.REMAINDER)
    commands.add_parser("sdist").add_argument("out", type=Path)
    packing = commands.add_parser("archive")
    packing.add_argument("wheel", type=Path)
    packing.add_argument("target")
    packing.add_argument("out", type=Path)
    unpacking = commands.add_parser("programs")
    unpacking.add_argument("folder", type=Path)
    unpacking.add_argument("out", type=Path)
    commands.add_parser("sums").add_argument("folder", type=Path)
    return parser.parse_args()


def main() -> int:
    args = arguments()
    root = args.root
    try:
        if args.command == "version":
            print(version(root) if args.tag is None else agree(root, args.tag, args.repository))
        elif args.command == "notes":
            sys.stdout.write(notes(root))
        elif args.command == "wheel":
            print(build(root, args.target, args.out, args.options))
        elif args.command == "sdist":
            maturin(root, "", "sdist", "--out", str(args.out.resolve()))
        elif args.command == "archive":
            print(archive(root, args.wheel, args.target, args.out))
        elif args.command == "programs":
            print(*programs(root, args.folder, args.out), sep="\n")
        else:
            print(sums(args.folder))
    except (Refused, OSError, KeyError, subprocess.CalledProcessError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
