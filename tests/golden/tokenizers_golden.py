"""Makes tokenizers_golden.json: what the Rust `tokenizers` library gives for strings that are hard to split.

Run from the repository's root, with PyPI's `tokenizers` (0.23.3 was used) and `deno` on the PATH:

    python tests/golden/tokenizers_golden.py

The tokenizer files are read from ../shared/data; the byte-level one is Oddsmith's own, written by
`tests/golden/write_byte_tokenizer.ts`.
"""

import json
import random
import subprocess
import tempfile
from pathlib import Path

from tokenizers import Tokenizer

DATA = Path("../shared/data")
FILES = {
    "gpt2-hf-json": DATA / "tokenizers/gpt2-hf-json/tokenizer.json",
    "llama2-converted": DATA / "tokenizers/llama2-converted/tokenizer.json",
    "smollm-135m": DATA / "tokenizers/smollm-135m/tokenizer.json",
    "minimind": DATA / "tokenizers/minimind/tokenizer.json",
    "stories260K": DATA / "models/stories260K/hf/tokenizer.json",
}

WRITTEN = [
    "", " ", "  ", "\n", "\n\n", "\t", "\r\n", " \n ", "\u00a0", "\u2003x", "\u3000", "\u200b", "\ufeffbom",
    "Hello", " Hello", "Hello ", "hello world", "Hello, world!", "I'm you're we'll they'd it's can't I've",
    "I'M YOU'RE", "don\u2019t", "''s", "'s", " 's", "s' t", "O'Neil's",
    "1", "12", "123", "1234567890", "3.14159", "1,000,000", "\u0661\u0662\u0663", "\u00bd \u2164 \u2462", "1st 2nd 3rd", "0x1F",
    "x = y + 2 ** 3", "if (a && b) { return c; }", "def f(x):\n    return x\n", "\tindented\n\t\tmore\n",
    "a\n\n\nb", "trailing spaces   ", "   leading", "a  b   c    d", "a \n b", "line\r\nline\r\n",
    "...", "!!!???", "--- *** ___", "(((nested)))", "\"quotes\" 'single' `ticks`", "e-mail@example.org", "https://example.org/a?b=c&d=%20",
    "F\u00fchrer \u00fcber stra\u00dfe", "nai\u0308ve na\u00efve", "\u00e9 e\u0301", "\ufb01ne \ufb03", "\uff21\uff22\uff23 \uff11\uff12", "\u01c5 \u0130i\u0131I",
    "\u041d\u0435\u0449\u043e \u043d\u0430 \u0411\u044a\u043b\u0433\u0430\u0440\u0441\u043a\u0438", "\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645", "\u05e9\u05dc\u05d5\u05dd", "\u4f60\u597d\uff0c\u4e16\u754c\u3002", "\u3053\u3093\u306b\u3061\u306f", "\uc548\ub155\ud558\uc138\uc694", "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35", "\u0928\u092e\u0938\u094d\u0924\u0947", "\u1780\u17b6\u1793\u17cb\u178f\u17c2",
    "\U0001f680", "\U0001f636\u200d\U0001f32b\ufe0f", "\U0001f469\u200d\U0001f469\u200d\U0001f467", "\U0001f1e9\U0001f1ea", "\u2705 ok", "a\U0001f600b", "\U00010348\U0001d54f", "\U0010ffff", "\ud7ff\ue000", "\ufffd", "\ufffe\uffff",
    "\x00", "a\x00b", "\x01\x02\x1b[0m", "\x7f", "\x80\x9f", "\xad soft",
    "<s>", "</s>", "<unk>", "<s>x</s>", "a <s> b", "<s><s>", "<0x0A>", "\u2581", "a\u2581b", "\u2581\u2581", "\u0120", "\u010a",
    "<|endoftext|>", "a<|endoftext|>b", " <|endoftext|> ", "<|im_start|>user\nHi<|im_end|>\n", "<|im_start|>", "<|im_end|>", "<|im_", "<think>\n\n</think>\n\n", "<tool_call>", "[PAD]", "<|bos|>", "<|eos|>",
    "<|user|>Hi<|assistant|>Yes<|eos|>", "[INST] Hi [/INST]", "<<SYS>>\n", "### Instruction:\nDo\n\n### Response:\n",
    "the of and to in", "antidisestablishmentarianism", "aaaaaaaaaaaaaaaaaaaa", "abababababababab", "zzzz zzzz", "xXxXxX", "The_quick_brown", "camelCaseName", "UPPER lower Title",
    "\u2028 \u2029", "\u0085", "\x0b\x0c", "\u180e", "\u2060", "a\u0301\u0302\u0303", "\u0344", "\u212b \u00c5", "\u03c2\u03c3\u03a3",
    "\n\n\ufeff\ufeff", "  \ufeff", "\u0085 \ufeff", "\n \u0085", " \n\u0085x", "!\ufeff", "a\u0085b", " \u0085 ", "x\ufeff\ufeffy", "\u2167\u2168\u00b2 \u3007 \u4e00", "\x1c \x1f", "7\u00bd3",
    "tab\tseparated\tvalues", "a,b;c:d", "50% of $3.20 is \u20ac1.60", "\u00a9 \u00ae \u2122", "\u2192 \u21d2 \u2200x\u2208\u211d", "\u2500\u2502\u250c", "~`@#$%^&*()_+-=[]{}|\\;:,./<>?",
]


def drawn(count: int) -> list[str]:
    """Strings drawn from mixed alphabets: what nobody thinks of writing."""
    draw = random.Random(20240312)
    alphabets = [
        "abcdefghijklmnopqrstuvwxyz     ", "ABCdef \n\t", "0123456789 .,", "'\"sdtmvlre ", " \n\r\t\u00a0\u3000x",
        "\u00e4\u00f6\u00fc\u00df\u00e9\u00e8 \u0301\u0302", "\u4f60\u597d\u4e16\u754c\u3002\uff0c a1", "\u0430\u0431\u0432\u0433\u0434 -", "\u0645\u0631\u062d \u200f", "\U0001f600\U0001f680\u2705\u200d\ufe0f a",
        "<|>s/[]_imend ", "\u2581\u0120 ab", "!?.,;:-()[]{}", "\u0915\u094d\u0937\u093f \u0e01\u0e33",
    ]
    strings = []
    for number in range(count):
        alphabet = alphabets[number % len(alphabets)]
        if number % 5 == 4:
            alphabet = "".join(draw.sample(alphabets, 3))
        strings.append("".join(draw.choice(alphabet) for _ in range(draw.randint(1, 40))))
    for _ in range(60):
        points = (draw.choice([draw.randrange(0x20, 0x3000), draw.randrange(0x3000, 0xD800), draw.randrange(0x10000, 0x20000)]) for _ in range(draw.randint(1, 12)))
        strings.append("".join(map(chr, points)))
    return strings


def answers(path: Path, strings: list[str]) -> dict:
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    encodings = [tokenizer.encode(text, add_special_tokens=False).ids for text in strings]
    draw = random.Random(7)
    size = tokenizer.get_vocab_size()
    noise = [[draw.randrange(min(size, 300) if number % 2 else size) for _ in range(draw.randint(1, 12))] for number in range(80)]
    special = [tokenizer.encode(text, add_special_tokens=True).ids for text in strings[:24]]
    return {
        "ids": encodings,
        "withSpecialTokens": special,
        "noise": [[ids, tokenizer.decode(ids, skip_special_tokens=False)] for ids in noise],
        "decoded": [tokenizer.decode(ids, skip_special_tokens=False) for ids in encodings],
        "decodedWithoutSpecial": [tokenizer.decode(ids, skip_special_tokens=True) for ids in encodings],
    }


def main() -> None:
    strings = WRITTEN + drawn(220)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["deno", "run", "-A", "tests/golden/write_byte_tokenizer.ts", folder], check=True)
        files = {**FILES, "byte-level": Path(folder) / "tokenizer.json"}
        golden = {"strings": strings, "tokenizers": {name: answers(path, strings) for name, path in files.items()}}
    Path("tests/golden/tokenizers_golden.json").write_text(json.dumps(golden, ensure_ascii=True) + "\n")


if __name__ == "__main__":
    main()
