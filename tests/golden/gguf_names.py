"""
Names of tensors in Hugging Face's checkpoints and in llama.cpp's files, by PyPI's gguf.

    pip install gguf==0.19.0
    python tests/golden/gguf_names.py

Writes gguf_names.json beside itself: for each architecture its tensors of block 3 and those outside
of blocks, [Hugging Face's name, GGUF's], and the metadata keys that gguf has for it.
"""

import json
from importlib.metadata import version
from pathlib import Path

from gguf import MODEL_ARCH_NAMES, Keys, get_tensor_name_map

LLAMA = [
    "model.embed_tokens",
    "model.norm",
    "lm_head",
    "self_attn.q_proj",
    "self_attn.k_proj",
    "self_attn.v_proj",
    "self_attn.o_proj",
    "mlp.gate_proj",
    "mlp.up_proj",
    "mlp.down_proj",
    "input_layernorm",
    "post_attention_layernorm",
]
QK = ["self_attn.q_norm", "self_attn.k_norm"]
FEEDFORWARD = ["pre_feedforward_layernorm", "post_feedforward_layernorm"]
WITHOUT = {
    "gemma2": ["lm_head"],
    "olmo2": ["input_layernorm"],
    "phi3": [
        "self_attn.q_proj",
        "self_attn.k_proj",
        "self_attn.v_proj",
        "mlp.gate_proj",
        "mlp.up_proj",
    ],
}
NAMES = {
    "llama": LLAMA,
    "qwen2": LLAMA,
    "qwen3": LLAMA + QK,
    "gemma2": LLAMA + FEEDFORWARD,
    "gemma3": LLAMA + QK + FEEDFORWARD,
    "phi3": LLAMA + ["self_attn.qkv_proj", "mlp.gate_up_proj"],
    "olmo2": LLAMA + QK + ["post_feedforward_layernorm"],
    "smollm3": LLAMA,
    "gpt2": [
        "transformer.wte",
        "transformer.wpe",
        "transformer.ln_f",
        "lm_head",
        "ln_1",
        "attn.c_attn",
        "attn.c_proj",
        "ln_2",
        "mlp.c_fc",
        "mlp.c_proj",
    ],
}


def main():
    golden = {"gguf": version("gguf"), "architectures": {}}
    for arch, names in NAMES.items():
        kind = next(key for key, name in MODEL_ARCH_NAMES.items() if name == arch)
        mapping = get_tensor_name_map(kind, 8)
        pairs = []
        for name in names:
            if name in WITHOUT.get(arch, []):
                continue
            outside = name.split(".")[0] in ("model", "transformer", "lm_head")
            prefix = "transformer.h.3." if arch == "gpt2" else "model.layers.3."
            full = (name if outside else prefix + name) + ".weight"
            pairs.append([full, mapping.get_name(full, try_suffixes=(".weight",))])
        golden["architectures"][arch] = pairs
    keys = [Keys.LLM, Keys.Attention, Keys.Rope]
    golden["keys"] = sorted(
        value for group in keys for value in vars(group).values() if isinstance(value, str) and "{arch}" in value
    )
    golden["tokenizerKeys"] = sorted(
        value for value in vars(Keys.Tokenizer).values() if isinstance(value, str) and value.startswith("tokenizer")
    )
    path = Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(golden, indent=2) + "\n")


main()
