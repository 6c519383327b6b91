"""Where the drivers' tests come from: the registry of their ecosystem, or Debian's source packages.

Packages mostly leave tests out. A directory build/suites/sources/NAME with the driver's own repository in
it is taken as it is, where no registry has them.
"""
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SOURCES = ROOT / "build" / "suites" / "sources"


class Unavailable(Exception):
    """A suite that cannot be had here."""


def run(*command, **options):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        raise Unavailable(f"{command[0]}: {(done.stderr or done.stdout).strip().splitlines()[-1:]}")
    return done.stdout


def needs(*programs):
    for program in programs:
        if shutil.which(program) is None:
            raise Unavailable(f"no {program} here")


def unpack(archive, there):
    """Without the folder that everything in an archive lies in."""
    there.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as packed:
        for member in packed.getmembers():
            _, _, member.name = member.name.partition("/")
            if member.name and ".." not in member.name.split("/"):
                packed.extract(member, there)


def own(name):
    """The directory that somebody has put there, or None."""
    there = SOURCES / name
    return there if there.is_dir() else None


def debian(name):
    """Debian's source package, which is the driver's repository at the version that Debian has."""
    there = own(name)
    if there is not None:
        return there
    lists = SOURCES / ".apt"
    options = source_lists(lists)
    run("apt-get", *options, "update")
    run("apt-get", *options, "source", "--download-only", name, cwd=lists)
    archive, = [file for file in lists.glob(f"{name}_*.orig.tar.*") if not file.suffix == ".asc"]
    unpack(archive, SOURCES / name)
    return SOURCES / name


def source_lists(lists):
    """Debian's sources, wherever this machine gets its packages from."""
    (lists / "parts").mkdir(parents=True, exist_ok=True)
    (lists / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    apt = Path("/etc/apt")
    for file in [apt / "sources.list", *apt.glob("sources.list.d/*")]:
        if file.is_file() and file.suffix in (".list", ".sources"):
            text = re.sub(r"^deb ", "deb-src ", file.read_text(), flags=re.MULTILINE)
            text = re.sub(r"^Types: .*", "Types: deb-src", text, flags=re.MULTILINE)
            (lists / "parts" / file.name).write_text(text)
    return ["-q", "-o", "Dir::Etc::sourcelist=/dev/null", "-o", f"Dir::Etc::sourceparts={lists}/parts",
            "-o", f"Dir::State::lists={lists}/lists"]


def python_sdist(requirement):
    """The source archive of a Python package, unpacked."""
    name = requirement.partition("=")[0]
    there = own(name)
    if there is not None:
        return there
    packed = SOURCES / ".pip"
    # pip builds a package to read its name; only the archive is of interest.
    subprocess.run(["/usr/bin/python3", "-m", "pip", "download", "--no-deps", "--no-binary", ":all:",
                    "--no-build-isolation", "--dest", packed, requirement], capture_output=True, check=False)
    archives = list(packed.glob(f"{name}-*.tar.gz"))
    if not archives:
        raise Unavailable(f"pip has no source archive of {requirement}")
    unpack(archives[0], SOURCES / name)
    return SOURCES / name
