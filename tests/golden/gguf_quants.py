"""
Digests of GGUF's number types both ways, by PyPI's gguf (llama.cpp's own package): what blocks of
arbitrary bytes mean as float32, and which bytes float32 numbers become.

    pip install gguf==0.19.0
    python tests/golden/gguf_quants.py

Writes gguf_quants.json beside itself. Bytes and numbers come from the formulas below, which
tests/weights/gguf_quants_test.ts repeats; a NaN counts as 0x7fc00000 whatever its payload.
"""

import hashlib
import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType
from gguf.quants import dequantize, quantize

BLOCKS = 256
NUMBERS = 4096
READ = "F32 F16 BF16 Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q2_K Q3_K Q4_K Q5_K Q6_K".split()
WRITTEN = "F32 F16 BF16 Q8_0".split()


def words(seed):
    """A linear congruential generator's 32-bit words."""
    word = seed
    while True:
        word = (word * 1664525 + 1013904223) % 2**32
        yield word


def random_bytes(count):
    source = words(1)
    return np.array([next(source) >> 24 for _ in range(count)], dtype=np.uint8)


def random_numbers(count):
    """Magnitudes from 2^-24 to 2^7, the same in a block of 32; blocks 0 and 1 are special."""
    source = words(2)
    numbers = [(next(source) / 2**31 - 1) * 2.0 ** (i // 32 % 32 - 24) for i in range(count)]
    numbers[:32] = [0.0] * 32
    numbers[32:64] = [(i - 16) * 8 + 0.5 for i in range(31)] + [127.0]
    return np.array(numbers, dtype=np.float32)


def digest(array):
    if array.dtype == np.float32:
        bits = array.view(np.uint32).copy()
        bits[np.isnan(array)] = 0x7FC00000
        array = bits
    return hashlib.sha256(array.tobytes()).hexdigest()


def main():
    golden = {"gguf": version("gguf"), "blocks": BLOCKS, "numbers": NUMBERS, "read": {}, "written": {}}
    for name in READ:
        kind = GGMLQuantizationType[name]
        block_size, block_bytes = GGML_QUANT_SIZES[kind]
        values = dequantize(random_bytes(BLOCKS * block_bytes), kind).ravel()
        finite = values[np.isfinite(values)]
        golden["read"][name] = {
            "count": len(values),
            "nans": int(np.isnan(values).sum()),
            "last": float(finite[-1]),
            "sha256": digest(values),
        }
        assert len(values) == BLOCKS * block_size
    for name in WRITTEN:
        data = quantize(random_numbers(NUMBERS), GGMLQuantizationType[name])
        data = data.ravel().view(np.uint8)
        golden["written"][name] = {"bytes": data.size, "sha256": digest(data)}
    path = Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(golden, indent=2) + "\n")


main()
