"""
Makes models.json: what transformers' Llama computes, for tiny models of every configuration that
src/models supports. Weights come from a formula that tests/golden/weights.ts repeats, so that none
are stored. Run: python tests/golden/models.py > tests/golden/models.json
"""

import json
import re
import sys

import torch
import transformers
from transformers import LlamaConfig, LlamaForCausalLM

BASE = dict(
    vocab_size=40, hidden_size=16, intermediate_size=24, num_hidden_layers=2,
    num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=256,
    rms_norm_eps=1e-5, tie_word_embeddings=True, bos_token_id=1, eos_token_id=2,
)
CASES = {
    "grouped heads, tied": {},
    "attention and mlp bias, untied, one key head": dict(
        attention_bias=True, mlp_bias=True, tie_word_embeddings=False, num_key_value_heads=1),
    "every head its own key head": dict(num_key_value_heads=4),
    "head_dim apart from hidden_size": dict(head_dim=6, num_key_value_heads=1),
    "rope linear": dict(rope_scaling=dict(rope_type="linear", factor=4.0)),
    "rope llama3": dict(head_dim=8, rope_scaling=dict(
        rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
        original_max_position_embeddings=64)),
    "rope theta": dict(rope_theta=500000.0),
}
LENGTH = 90
NEW_TOKENS = 12


def formula(name: str, size: int) -> torch.Tensor:
    """Uniform in [-0.5, 0.5): a 32-bit hash of the name's FNV-1a and the index."""
    seed = 2166136261
    for byte in name.encode():
        seed = ((seed ^ byte) * 16777619) % 2**32
    x = (torch.arange(size, dtype=torch.int64) * 2654435761 + seed) % 2**32
    x = ((x ^ (x >> 15)) * 739982445) % 2**32
    x = ((x ^ (x >> 13)) * 695872825) % 2**32
    x = x ^ (x >> 16)
    return x.double() / 2**32 - 0.5


def value(name: str, shape) -> torch.Tensor:
    unit = formula(name, int(torch.tensor(shape).prod())).reshape(shape)
    if re.search(r"(norm|ln_\w+)\.weight$", name):
        return 1 + 0.4 * unit
    return (2.0 if re.search("embed|lm_head|wte|wpe", name) else 0.8) * unit


def run(changes: dict) -> dict:
    config = LlamaConfig(**{**BASE, **changes})
    model = LlamaForCausalLM._from_config(config, attn_implementation="eager").float().eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(value(name, parameter.shape))
    ids = [1] + [int(x * 37) + 3 for x in (formula("ids", LENGTH - 1) + 0.5)]
    batch = torch.tensor([ids])
    logits = model(batch).logits[0]
    loss = torch.nn.functional.cross_entropy(logits[:-1], batch[0, 1:])
    loss.backward()
    with torch.no_grad():
        greedy = model.generate(
            batch, attention_mask=torch.ones_like(batch), max_new_tokens=NEW_TOKENS,
            do_sample=False, eos_token_id=None, pad_token_id=0)[0, LENGTH:]
    gradients = {}
    for name, parameter in model.named_parameters():
        flat = parameter.grad.double().flatten()
        probe = formula("probe", flat.numel())
        gradients[name] = [flat.norm().item(), (flat @ probe).item()]
    return {
        "config": json.loads(config.to_json_string(use_diff=False)),
        "shapes": {name: list(p.shape) for name, p in model.named_parameters()},
        "ids": ids,
        "lastLogits": logits[-1].tolist(),
        "loss": loss.item(),
        "gradients": gradients,
        "greedy": greedy.tolist(),
    }


KEPT = set(BASE) | {"model_type", "head_dim", "attention_bias", "mlp_bias", "hidden_act",
                    "rope_scaling", "rope_theta", "rope_parameters", "initializer_range"}

if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_num_threads(1)
    cases = {}
    for name, changes in CASES.items():
        case = run(changes)
        case["config"] = {k: v for k, v in case["config"].items() if k in KEPT}
        cases[name] = case
    json.dump({"transformers": transformers.__version__, "cases": cases}, sys.stdout, indent=1)
    print()
