"""
Opens what exported_model.ts exported with transformers and PEFT: numbers of the type asked for, logits
and greedy text as this project has them of the same export, greedy text as the trained model has it
(float32, float16), shards cut and indexed as save_pretrained does.
Run: python tests/golden/exported_model.py <base folder> <folder of exported_model.ts>
"""

import json
import pathlib
import sys
import tempfile

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

base, folder = map(pathlib.Path, sys.argv[1:])
expected = json.loads((folder / "expected.json").read_text())
batch, prompt = torch.tensor([expected["ids"]]), torch.tensor([expected["prompt"]])


def load(path: pathlib.Path, dtype="auto"):
    model, info = AutoModelForCausalLM.from_pretrained(
        path, dtype=dtype, output_loading_info=True)
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        assert not info[kind], f"{kind}: {info[kind]}"
    return model.eval()


def compute(model):
    with torch.no_grad():
        logits = model(batch).logits[0]
        greedy = model.generate(
            input_ids=prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=40,
            do_sample=False, eos_token_id=None, pad_token_id=0)[0, prompt.shape[1]:].tolist()
    return logits, greedy


def difference(logits, values) -> float:
    last = torch.tensor(values).reshape(-1, logits.shape[-1])
    return (logits[-last.shape[0]:] - last).abs().max().item()


failed = False
for path in sorted(folder.iterdir()):
    kind, _, dtype = path.name.partition("-")
    if kind not in ("huggingface", "sharded", "adapter"):
        continue
    if kind == "adapter":
        model = PeftModel.from_pretrained(load(base, torch.float32), path).eval()
    else:
        model = load(path)
        assert model.dtype == getattr(torch, dtype), f"{path.name}: {model.dtype}"
        assert AutoTokenizer.from_pretrained(path)("Once")["input_ids"]
    logits, greedy = compute(model.float())
    own, trained = expected[path.name], expected["trained"]
    error = difference(logits, own["logits"])
    same = greedy == trained["greedy"]
    print(f"{path.name}: logits {error:.1e} from ours, {difference(logits, trained['logits']):.1e} "
          f"from the trained model's; greedy as ours {greedy == own['greedy']}, as trained {same}")
    failed |= error > 1e-4 or greedy != own["greedy"] or (dtype != "bfloat16" and not same)

with tempfile.TemporaryDirectory() as saved:
    load(folder / "huggingface-bfloat16").save_pretrained(saved, max_shard_size=expected["maxShardSize"])
    name = "model.safetensors.index.json"
    theirs = json.loads((pathlib.Path(saved) / name).read_text())
    ours = json.loads((folder / "sharded-bfloat16" / name).read_text())
    print(f"index as save_pretrained's: {ours == theirs}")
    failed |= ours != theirs
    if ours != theirs:
        print(json.dumps(theirs, indent=1)[:1500], json.dumps(ours, indent=1)[:1500])
sys.exit(1 if failed else 0)
