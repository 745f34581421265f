"""Makes peft_lora.json: what PEFT's LoRA computes on a tiny Llama (and a GPT-2).

    pip install torch transformers safetensors peft
    python tests/golden/peft_lora.py

A case's adapter is configured by PEFT, whose save_pretrained says what adapter_config.json and the
tensors' names and shapes are. Its values then come from the formula that weights.ts repeats, by the
tensor's name in the file (so no B is zero; copies of base weights in the file stay what they are),
as do the base's. PEFT loads base and adapter again; all computing is in float64, in eager attention,
on the sequences and the pair of architectures.py. `gradients` has the trained tensors by their name
in the file, `merged` what merge_and_unload changed, both as norm, product with the formula named
"probe", first and last entry. `mergedError` is the largest change of a logit by merging. Where an
adapter is on one of two tied weights PEFT adds it to both, and that error is large; there
(`untied`) the script gives the base a head of its own before merging, which changes no logit.

PEFT's ensure_weight_tying is left out: with PEFT 0.21 its tied adapters are two parameters over one
storage, so what is loaded and trained depends on the order of the tensors.
"""

import json
import os
import pathlib
import tempfile
import warnings

import peft
import torch
import transformers
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file

from architectures import CASES as ARCHITECTURES, DECODER, PAIR, BETA, SEQUENCES
from architectures import checkpoint, load, number, numbers, orpo, summary, write
from models import value

LLAMA = DECODER | dict(model_type="llama", hidden_size=18, attention_bias=False, mlp_bias=False)
BASES = {
    "llama, tied": LLAMA | dict(tie_word_embeddings=True),
    "llama, untied": LLAMA | dict(tie_word_embeddings=False),
    "gpt2": ARCHITECTURES["gpt2"],
}
ENDS = ["embed_tokens", "lm_head"]
CASES = {
    "q_proj and v_proj": ("llama, tied", dict(target_modules=["q_proj", "v_proj"])),
    "all linear layers, rslora": ("llama, untied", dict(
        r=3, lora_alpha=5, target_modules="all-linear", use_rslora=True)),
    "a regular expression, rank and alpha patterns": ("llama, tied", dict(
        target_modules=r".*\.(q_proj|down_proj)", rank_pattern={"down_proj": 2},
        alpha_pattern={r"layers\.1\.self_attn\.q_proj": 3})),
    "one layer": ("llama, tied", dict(
        target_modules=["k_proj", "o_proj", "gate_proj"], layers_to_transform=[1],
        layers_pattern="layers")),
    "embed_tokens and lm_head, untied": ("llama, untied", dict(target_modules=[*ENDS, "o_proj"])),
    "embed_tokens and lm_head, tied": ("llama, tied", dict(target_modules=[*ENDS, "o_proj"])),
    "lm_head, tied": ("llama, tied", dict(target_modules=["lm_head"])),
    "modules_to_save": ("llama, untied", dict(
        target_modules=["v_proj"], modules_to_save=["lm_head"])),
    "gpt2, fan_in_fan_out": ("gpt2", dict(
        target_modules=["c_attn", "mlp.c_proj"], fan_in_fan_out=True)),
}
DEFAULTS = dict(r=4, lora_alpha=8, task_type="CAUSAL_LM")


def in_file(name: str) -> str:
    """A parameter's name in adapter_model.safetensors."""
    return name.replace(".default", "").replace(".modules_to_save", "")


def is_copy(name: str) -> bool:
    return ".base_layer." in name


def write_adapter(folder: pathlib.Path, options: dict) -> tuple[dict, dict]:
    """Writes the adapter of the base in ./base; gives its configuration and its tensors' shapes."""
    get_peft_model(load("base"), LoraConfig(**DEFAULTS | options)).save_pretrained(folder)
    path = folder / "adapter_model.safetensors"
    saved = load_file(path)
    values = {name: tensor if is_copy(name) else value(name, tensor.shape).float().contiguous()
              for name, tensor in saved.items()}
    save_file(values, path, metadata={"format": "pt"})
    config = json.loads((folder / "adapter_config.json").read_text())
    for key, item in config.items():  # PEFT keeps modules in a set, whose order is by chance
        config[key] = sorted(item) if isinstance(item, list) else item
    return config, {name: list(tensor.shape) for name, tensor in sorted(saved.items())}


def logits_of(model) -> list[torch.Tensor]:
    with torch.no_grad():
        return [model(input_ids=torch.tensor([ids]), use_cache=False).logits[0] for ids in SEQUENCES]


def load_adapter(tensors: dict, untie: bool):
    base = load("base")
    if untie:
        base.config.tie_word_embeddings = False
        base.lm_head.weight = torch.nn.Parameter(base.lm_head.weight.detach().clone())
    model = PeftModel.from_pretrained(base, "adapter", is_trainable=True)
    for name, parameter in trained(model).items():
        assert torch.equal(parameter, value(name, tensors[name]).float()), name
    return model.double().eval()


def trained(model) -> dict:
    return {in_file(name): p for name, p in model.named_parameters() if p.requires_grad}


def merge(tensors: dict, logits: list, untie: bool):
    """What merging changes, by name, and the largest change of a logit."""
    model = load_adapter(tensors, untie)
    assert all(torch.equal(x, y) for x, y in zip(logits_of(model), logits))
    merged = model.merge_and_unload()
    error = max((x - y).abs().max() for x, y in zip(logits, logits_of(merged)))
    before = {k: p.double() for k, p in load("base").named_parameters()}
    changed = {name: summary(p) for name, p in merged.named_parameters()
               if name not in before or not torch.equal(p, before[name])}
    return changed, error


def run(base: str, options: dict) -> dict:
    config, tensors = write_adapter(pathlib.Path("adapter"), options)
    model = load_adapter(tensors, False)
    bare = logits_of(load("base").double())
    logits = logits_of(model)
    losses = orpo(model)
    gradients = {name: summary(p.grad) for name, p in trained(model).items()}
    assert all(norm > 0 for norm, *_ in gradients.values())
    copies = [name for name in tensors if is_copy(name)]
    assert {*gradients, *copies} == set(tensors)
    changed, error = merge(tensors, logits, False)
    untied = bool(error > 1e-6)
    if untied:
        changed, final_error = merge(tensors, logits, True)
        assert final_error < 1e-9
    return {
        "base": base, "options": DEFAULTS | options, "config": config, "tensors": tensors,
        "copies": copies,
        "logits": [[numbers(row) for row in rows[-3:].tolist()] for rows in logits],
        "effect": number(max((x - y).abs().max() for x, y in zip(logits, bare))),
        "orpo": {**losses, "gradients": gradients},
        "merged": changed,
        "untied": untied,
        "mergedError": number(error),
    }


def main():
    path = pathlib.Path(__file__).resolve().with_suffix(".json")
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    warnings.simplefilter("ignore")
    shapes, cases = {}, {}
    for name, (base, options) in CASES.items():
        with tempfile.TemporaryDirectory() as scratch:
            torch.manual_seed(0)
            os.chdir(scratch)
            pathlib.Path("base").mkdir()
            shapes[base] = checkpoint(pathlib.Path("base"), BASES[base])
            cases[name] = case = run(base, options)
            os.chdir("/")
        print(f"{name}: effect {case['effect']:.2f}, merged error {case['mergedError']:.1e}, "
              f"trained {len(case['orpo']['gradients'])} of {len(case['tensors'])} tensors, "
              f"merged changes {len(case['merged'])}, untied {case['untied']}")
    write(path, {
        "made_by": {"script": "peft_lora.py", "peft": peft.__version__,
                    "transformers": transformers.__version__,
                    "torch": torch.__version__.split("+")[0]},
        "sequences": SEQUENCES, "pair": {**PAIR, "beta": BETA},
        "bases": {name: {"config": BASES[name], "shapes": shapes[name]} for name in BASES},
        "cases": cases,
    })
    print(path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
