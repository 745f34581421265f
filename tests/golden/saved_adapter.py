"""
Opens an adapter that the orpo stage wrote with PEFT, and the merged model beside it with transformers,
and compares logits with those that saved_adapter.ts wrote.
Run: python tests/golden/saved_adapter.py <base folder> <trained folder> <file of saved_adapter.ts>
"""

import json
import pathlib
import sys
import warnings

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

base, trained, file = map(pathlib.Path, sys.argv[1:])
expected = json.loads(file.read_text())
batch = torch.tensor([expected["ids"]])


def load(folder: pathlib.Path):
    model, info = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, output_loading_info=True)
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        assert not info[kind], f"{kind}: {info[kind]}"
    return model.eval()


def error(model, name: str) -> float:
    with torch.no_grad():
        logits = model(batch).logits[0]
    return (logits - torch.tensor(expected[name]).reshape(logits.shape)).abs().max().item()


with warnings.catch_warnings():
    warnings.filterwarnings("error", message=".*missing adapter keys.*")
    adapted = PeftModel.from_pretrained(load(base), trained / "adapter").eval()
errors = {
    "base": error(load(base), "base"),
    "PEFT's base + adapter": error(adapted, "adapted"),
    "merged folder": error(load(trained), "merged"),
}
effect = (torch.tensor(expected["adapted"]) - torch.tensor(expected["base"])).abs().max().item()
print(f"the adapter moves a logit by up to {effect:.2f}")
for name, value in errors.items():
    print(f"largest logit error of {name}: {value:.2e}")
print("trained tensors:", sum("lora_" in name for name in adapted.state_dict()))
sys.exit(0 if max(errors.values()) <= 1e-4 < effect else 1)
