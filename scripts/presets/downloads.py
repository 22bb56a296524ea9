"""Packages from the registries, unpacked into a folder."""

import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile


class Missing(Exception):
    """A package that could not be had."""


def fetch(package, cache):
    """The folder with the sources of a package."""
    name, version = package["name"], package["version"]
    folder = cache / package["registry"] / f"{name}-{version}"
    if not folder.exists():
        part = folder.with_name(folder.name + ".part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        try:
            SOURCES[package["registry"]](name, version, part)
        except Missing as error:
            raise Missing(f"package {name} {version}: {error}") from None
        part.rename(folder)
    return folder


def run(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Missing((done.stderr.strip().splitlines() or ["failed"])[-1])


def from_pypi(name, version, folder):
    """Unpacks the wheel that pip would install, or the source distribution if there is no wheel."""
    archives = folder / "archives"
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    run([*pip, "--dest", str(archives), f"{name}=={version}"])
    (archive,) = archives.iterdir()
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(folder)
    else:
        with tarfile.open(archive) as source:
            source.extractall(archives, filter="data")
        (top,) = (p for p in archives.iterdir() if p.is_dir())
        for path in (top / "src" if (top / "src").is_dir() else top).iterdir():
            path.rename(folder / path.name)
    shutil.rmtree(archives)


def from_python(name, _version, folder):
    """Copies a module that comes with Python."""
    source = pathlib.Path(sysconfig.get_path("stdlib")) / f"{name}.py"
    if not source.exists():
        raise Missing("Python has no such module")
    shutil.copy(source, folder)


def from_crates(name, version, folder):
    """Copies the sources of a crate from where cargo unpacks them."""
    run(["cargo", "info", "--quiet", f"{name}@{version}"])
    home = pathlib.Path(os.environ.get("CARGO_HOME") or pathlib.Path.home() / ".cargo")
    for source in sorted(home.glob(f"registry/src/*/{name}-{version}")):
        shutil.copytree(source, folder, dirs_exist_ok=True)
        return
    raise Missing("cargo did not unpack it")


SOURCES = {"pypi": from_pypi, "crates.io": from_crates, "python": from_python}
