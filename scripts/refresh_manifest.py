"""Bring the sha256 lines of models/manifest.toml up to date with the files."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

MODELS = Path(__file__).resolve().parent.parent / "models"
ENTRY = re.compile(r'^file = "(?P<file>[^"]+)"\nsha256 = "(?P<digest>[0-9a-f]{64})"$', re.MULTILINE)


def main() -> None:
    """Rewrite the digests in place and name the files that changed."""
    manifest = MODELS / "manifest.toml"

    def refreshed(entry: re.Match[str]) -> str:
        digest = hashlib.sha256((MODELS / entry["file"]).read_bytes()).hexdigest()
        if digest != entry["digest"]:
            print(f"{entry['file']}: changed")
        return f'file = "{entry["file"]}"\nsha256 = "{digest}"'

    manifest.write_text(ENTRY.sub(refreshed, manifest.read_text()))


if __name__ == "__main__":
    main()
