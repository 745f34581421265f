"""
Loads a folder that saved_model.ts wrote with transformers, and compares logits and greedy text.
Run: python tests/golden/saved_model.py <folder>
"""

import json
import pathlib
import sys

import torch
from transformers import AutoModelForCausalLM

folder = pathlib.Path(sys.argv[1])
expected = json.loads((folder / "expected.json").read_text())
model, info = AutoModelForCausalLM.from_pretrained(
    folder, dtype=torch.float32, output_loading_info=True)
for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
    assert not info[kind], f"{kind}: {info[kind]}"
batch = torch.tensor([expected["ids"]])
with torch.no_grad():
    logits = model.eval()(batch).logits[0]
    greedy = model.generate(
        batch, attention_mask=torch.ones_like(batch), max_new_tokens=len(expected["greedy"]),
        do_sample=False, eos_token_id=None, pad_token_id=0)[0, len(expected["ids"]):].tolist()
error = (logits - torch.tensor(expected["logits"]).reshape(logits.shape)).abs().max().item()
print(f"largest logit error {error:.2e}, greedy text equal: {greedy == expected['greedy']}")
sys.exit(0 if error <= 1e-4 and greedy == expected["greedy"] else 1)
