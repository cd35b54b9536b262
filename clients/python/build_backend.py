"""Builds the wheel and the source distribution with the standard library alone (PEP 517).

`python3 build_backend.py <folder>` writes both.
"""

import base64
import hashlib
import io
import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent
NAME, VERSION = "tasker_client", "0.1.0"
INFO = f"{NAME}-{VERSION}.dist-info"
WHEEL = "Wheel-Version: 1.0\nGenerator: tasker\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
ENTRY_POINTS = "[console_scripts]\ntasker-py = tasker.__main__:main\n"


def _metadata() -> str:
    head = (
        f"Metadata-Version: 2.1\nName: tasker-client\nVersion: {VERSION}\n"
        "Summary: Client, worker and command line of a Tasker service; standard library only\n"
        "License: MIT\nRequires-Python: >=3.9\nDescription-Content-Type: text/markdown\n\n"
    )
    return head + (ROOT / "README.md").read_text("utf-8")


def _package_files() -> "list[Path]":
    return sorted(p for p in (ROOT / "tasker").rglob("*") if p.suffix in (".py", ".typed"))


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None) -> str:
    """Writes the wheel (PEP 427) into a folder; returns its name."""
    name = f"{NAME}-{VERSION}-py3-none-any.whl"
    files = {str(p.relative_to(ROOT)): p.read_bytes() for p in _package_files()}
    files[f"{INFO}/METADATA"] = _metadata().encode()
    files[f"{INFO}/WHEEL"] = WHEEL.encode()
    files[f"{INFO}/entry_points.txt"] = ENTRY_POINTS.encode()
    record = ""
    for path, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        record += f"{path},sha256={digest},{len(content)}\n"
    files[f"{INFO}/RECORD"] = f"{record}{INFO}/RECORD,,\n".encode()
    with zipfile.ZipFile(Path(wheel_directory) / name, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return name


def build_sdist(sdist_directory, config_settings=None) -> str:
    """Writes the source distribution into a folder; returns its name."""
    base = f"{NAME}-{VERSION}"
    top = ["pyproject.toml", "build_backend.py", "README.md", "LICENSE"]
    paths = [ROOT / each for each in top] + _package_files()
    with tarfile.open(Path(sdist_directory) / f"{base}.tar.gz", "w:gz") as archive:
        for path in paths:
            archive.add(path, f"{base}/{path.relative_to(ROOT)}")
        info = tarfile.TarInfo(f"{base}/PKG-INFO")
        content = _metadata().encode()
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return f"{base}.tar.gz"


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "dist")
    folder.mkdir(parents=True, exist_ok=True)
    for built in (build_wheel(folder), build_sdist(folder)):
        print(folder / built)
