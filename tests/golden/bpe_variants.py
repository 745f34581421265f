"""Makes bpe_variants.json: small byte-pair tokenizers with every setting, and what the Rust library gives for them.

Run from the repository's root, with PyPI's `tokenizers` (0.23.3 was used):

    python tests/golden/bpe_variants.py
"""

import json
import random
from pathlib import Path

from tokenizers import Tokenizer

LETTERS = "abcd"
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
METASPACE = "\u2581"
BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": True}
PREPEND = {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": METASPACE}, {"type": "Replace", "pattern": {"String": " "}, "content": METASPACE}]}
REPLACE = {"type": "Replace", "pattern": {"String": " "}, "content": METASPACE}


def merges_over(draw: random.Random, symbols: list[str], count: int, longest: int) -> list[list[str]]:
    """Random merges; each part is a symbol or what an earlier merge made, and some give the same token."""
    known, merges = list(symbols), []
    while len(merges) < count:
        pair = [draw.choice(known), draw.choice(known)]
        if len("".join(pair)) > longest or pair in merges:
            continue
        merges.append(pair)
        if "".join(pair) not in known:
            known.append("".join(pair))
    draw.shuffle(merges)
    return merges


def tokenizer(symbols: list[str], merges: list[list[str]], model: dict, extra: list[str], **parts: object) -> dict:
    tokens = list(dict.fromkeys([*extra, *symbols, *("".join(merge) for merge in merges)]))
    base = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False}
    vocab = {token: number for number, token in enumerate(tokens)}
    for number, token in enumerate(parts.get("added_tokens", []), len(vocab)):
        token["id"] = number
    json_parts = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None, "pre_tokenizer": None, "post_processor": None, "decoder": None}
    return {**json_parts, **parts, "model": {**base, **model, "vocab": vocab, "merges": merges}}


def added(content: str, **settings: bool) -> dict:
    base = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {"content": content, **base, **settings}


def variants() -> dict[str, dict]:
    draw = random.Random(11)
    letters = [*LETTERS, METASPACE]
    plain = merges_over(draw, letters, 24, 6)
    words = [merge for merge in merges_over(draw, letters, 60, 6) if METASPACE not in "".join(merge)[1:]]
    spelled = [*LETTERS, "\u0120", "\u010a", "\u00c3", "\u00a9"]
    byte_merges = merges_over(draw, spelled, 30, 5)
    unk = {"unk_token": "<unk>"}
    digits = {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": False}, BYTE_LEVEL]}
    split = {"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"Regex": "[ab]+|[^ab]"}, "behavior": "Isolated", "invert": False}, {**BYTE_LEVEL, "use_regex": False}]}
    return {
        "merges across metaspaces": tokenizer(letters, plain, {}, [], normalizer=REPLACE),
        "unknown characters one by one": tokenizer(letters, plain, unk, ["<unk>"], normalizer=REPLACE),
        "unknown characters fused": tokenizer(letters, plain, {**unk, "fuse_unk": True}, ["<unk>"], normalizer=REPLACE),
        "words at metaspaces": tokenizer(letters, words, {**unk, "fuse_unk": True}, ["<unk>"], normalizer=PREPEND),
        "byte fallback": tokenizer(letters, words, {**unk, "byte_fallback": True, "fuse_unk": True}, ["<unk>", *BYTES], normalizer=PREPEND),
        "byte fallback without some bytes": tokenizer(letters, words, {**unk, "byte_fallback": True}, ["<unk>", *BYTES[:180]], normalizer=PREPEND),
        "whole words first": tokenizer(letters, plain, {"ignore_merges": True}, ["dcba", "abab"], normalizer=REPLACE),
        "byte level": tokenizer(spelled, byte_merges, {}, [], pre_tokenizer=BYTE_LEVEL),
        "byte level, whole words first": tokenizer(spelled, byte_merges, {"ignore_merges": True}, ["\u0120dcba", "abab"], pre_tokenizer=BYTE_LEVEL),
        "byte level, space in front": tokenizer(spelled, byte_merges, unk, ["<unk>"], pre_tokenizer={**BYTE_LEVEL, "add_prefix_space": True}),
        "byte level after digits": tokenizer([*spelled, *"0123"], byte_merges, unk, ["<unk>"], pre_tokenizer=digits),
        "byte level after a split": tokenizer(spelled, byte_merges, unk, ["<unk>"], pre_tokenizer=split),
        "added tokens": tokenizer(letters, plain, unk, ["<unk>"], normalizer=REPLACE, added_tokens=[added("<x>"), added("<x>b"), added("b c"), added("<dd>", special=False), added("<l>", lstrip=True), added("<r>", rstrip=True)]),
        "added tokens, normalized": tokenizer(letters, words, unk, ["<unk>"], normalizer=REPLACE, added_tokens=[added("<x>"), added("b c", normalized=True, special=False)]),
    }


def strings() -> list[str]:
    draw = random.Random(12)
    alphabets = ["abcd", "abcd ", "ab\u00e9 ", "a1b23 ", "ab\n c", "ab\u4f60\U0001f600 d", "abcd\u2581 "]
    made = ["", " ", "abab", "dcba", " dcba", "<x>", "a<x>b c", "<x>b <x>", "dddd", "b c", "ab c d", "a  <l>  b", "a <r>  b", "<r> <l>", "<x><dd>", "  <l>"]
    for number in range(63):
        alphabet = alphabets[number % len(alphabets)]
        length = draw.randint(1, 20) if number % 3 else draw.randint(40, 120)
        made.append("".join(draw.choice(alphabet) for _ in range(length)))
    return made


def main() -> None:
    texts = strings()
    golden = {"strings": texts, "variants": {}}
    for name, tokenizer_json in variants().items():
        rust = Tokenizer.from_str(json.dumps(tokenizer_json))
        golden["variants"][name] = {"tokenizer": tokenizer_json, "ids": [rust.encode(text).ids for text in texts]}
    Path("tests/golden/bpe_variants.json").write_text(json.dumps(golden, ensure_ascii=True, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
