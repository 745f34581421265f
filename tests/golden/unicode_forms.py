"""Makes unicode_forms.json: digests of how the Rust `tokenizers` library normalizes every character.

Run from anywhere with PyPI's `tokenizers` (0.23.3 was used):

    python tests/golden/unicode_forms.py

Each character is tried alone, and before and after marks of five combining classes; a digest is of 4,096 characters.
"""

import hashlib
import json
from pathlib import Path

from tokenizers import normalizers

FORMS = ("NFC", "NFD", "NFKC", "NFKD")
# What lies between is unassigned or ideographs without a decomposition.
PLANES = ((0x0080, 0xD800), (0xE000, 0x20000), (0x2F000, 0x30000), (0xE0000, 0xE1000))
MARKS = "\u0334\u0323\u0301\u0315\u0345"
CHUNK = 4096


def tried(character: str) -> str:
    around = [f"a{mark}{character} a{character}{mark}" for mark in MARKS]
    return " ".join([character, character + character, *around])


def digests(form: str) -> str:
    normalizer = getattr(normalizers, form)()
    points = [point for start, end in PLANES for point in range(start, end)]
    chunks = (points[at : at + CHUNK] for at in range(0, len(points), CHUNK))
    # Written character by character, so that no two of them meet.
    texts = ("\n".join(normalizer.normalize_str(tried(chr(point))) for point in chunk) for chunk in chunks)
    return " ".join(hashlib.sha256(text.encode()).hexdigest()[:12] for text in texts)


if __name__ == "__main__":
    golden = {"planes": PLANES, "marks": MARKS, "chunk": CHUNK, "forms": {form: digests(form) for form in FORMS}}
    Path(__file__).with_name("unicode_forms.json").write_text(json.dumps(golden, indent=1) + "\n")
