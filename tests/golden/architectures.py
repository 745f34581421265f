"""Makes architectures.json: what transformers computes for a tiny model of each architecture.

    pip install torch transformers safetensors
    python tests/golden/architectures.py

A case's `published` is a config.json in the form in which such checkpoints lie on the hub. The
script writes it into a folder with a model.safetensors of the names and shapes that
save_pretrained writes, values by the formula that weights.ts repeats, and loads that folder.
`config` is what transformers saved of it; both forms must give the same logits. All computing is in
float64 (where transformers itself does not go down to float32), with eager attention.

Beside the logits of two sequences: greedy text, with the least lead of a chosen id's logit over the
next best, and the ORPO loss of a pair with its gradient, where the NLL is the mean over the tokens
of prompt and chosen answer. Of a parameter's
gradient: the norm, the product with the formula named "probe", the first and the last entry.
Sliding windows are shorter than the sequences, and the longer one exceeds
original_max_position_embeddings; no id is the padding's, whose row transformers gives no gradient.
"""

import json
import pathlib
import re
import tempfile

import torch
import transformers
from safetensors import safe_open
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM

from models import formula, value

VOCAB, BOS, FIRST_ID, BETA = 36, 2, 3, 0.25
NEW_TOKENS, GREEDY_PROMPTS, LEAST_LEAD = 16, 48, 0.01

COMMON = dict(vocab_size=VOCAB, bos_token_id=BOS, eos_token_id=1, max_position_embeddings=64)
DECODER = dict(
    COMMON, hidden_size=20, intermediate_size=28, num_hidden_layers=2, num_attention_heads=3,
    num_key_value_heads=1, head_dim=8, hidden_act="silu", rms_norm_eps=1e-5, rope_theta=10000.0)
# These have no head_dim: hidden_size is heads * 8.
SPLIT = {k: v for k, v in DECODER.items() if k != "head_dim"} | dict(hidden_size=24)
GEMMA = {k: v for k, v in DECODER.items() if k != "hidden_act"} | dict(
    hidden_size=18, num_hidden_layers=3, hidden_activation="gelu_pytorch_tanh",
    query_pre_attn_scalar=10, sliding_window=6, pad_token_id=0)
PHI3 = SPLIT | dict(tie_word_embeddings=False, pad_token_id=None, attention_bias=False)
OPT = dict(
    COMMON, hidden_size=24, ffn_dim=28, num_hidden_layers=2, num_attention_heads=3,
    activation_function="relu", word_embed_proj_dim=24, do_layer_norm_before=True,
    pad_token_id=0, dropout=0.0)

CASES = {
    "mistral": DECODER | dict(
        model_type="mistral", sliding_window=6, rope_theta=1000000.0, tie_word_embeddings=False),
    "mistral, no window": DECODER | dict(
        model_type="mistral", sliding_window=None, tie_word_embeddings=False),
    "qwen2": SPLIT | dict(
        model_type="qwen2", use_sliding_window=False, sliding_window=6, max_window_layers=1,
        tie_word_embeddings=True),
    "qwen2, window from the second layer": SPLIT | dict(
        model_type="qwen2", use_sliding_window=True, sliding_window=6, max_window_layers=1,
        tie_word_embeddings=False),
    "qwen2, rope yarn": SPLIT | dict(
        model_type="qwen2", use_sliding_window=False, tie_word_embeddings=True,
        rope_scaling=dict(type="yarn", factor=4.0, original_max_position_embeddings=16)),
    "qwen3": DECODER | dict(
        model_type="qwen3", attention_bias=False, use_sliding_window=False, sliding_window=None,
        max_window_layers=2, tie_word_embeddings=True),
    "qwen3, untied": DECODER | dict(
        model_type="qwen3", attention_bias=True, use_sliding_window=False, sliding_window=None,
        max_window_layers=2, tie_word_embeddings=False, num_key_value_heads=3),
    "gemma2": GEMMA | dict(
        model_type="gemma2", attn_logit_softcapping=5.0, final_logit_softcapping=10.0),
    "gemma3_text": GEMMA | dict(
        model_type="gemma3_text", sliding_window_pattern=3, rope_theta=1000000.0,
        rope_local_base_freq=10000.0),
    "gemma3_text, rope linear on the global layers": GEMMA | dict(
        model_type="gemma3_text", sliding_window_pattern=2, rope_theta=1000000.0,
        rope_local_base_freq=10000.0, rope_scaling=dict(rope_type="linear", factor=8.0)),
    "gpt2": {k: v for k, v in COMMON.items() if k != "max_position_embeddings"} | dict(
        model_type="gpt2", n_embd=24, n_head=3, n_layer=2, n_positions=64, n_ctx=64,
        activation_function="gelu_new", layer_norm_epsilon=1e-5),
    "opt": OPT | dict(model_type="opt"),
    "opt, norm after, projected embeddings": OPT | dict(
        model_type="opt", do_layer_norm_before=False, word_embed_proj_dim=10),
    "phi": SPLIT | dict(
        model_type="phi", hidden_act="gelu_new", layer_norm_eps=1e-5, partial_rotary_factor=0.5,
        qk_layernorm=False, num_key_value_heads=3, tie_word_embeddings=False),
    "phi, qk_layernorm, grouped heads": SPLIT | dict(
        model_type="phi", hidden_act="gelu_new", layer_norm_eps=1e-5, partial_rotary_factor=0.25,
        qk_layernorm=True, tie_word_embeddings=False),
    "phi3": PHI3 | dict(model_type="phi3", sliding_window=6, original_max_position_embeddings=64),
    "phi3, longrope on part of a head": PHI3 | dict(
        model_type="phi3", sliding_window=None, original_max_position_embeddings=16,
        tie_word_embeddings=True, partial_rotary_factor=0.75, rope_scaling=dict(
            type="longrope", short_factor=[1.0, 1.1, 1.3], long_factor=[1.2, 2.5, 4.0])),
    "smollm3": SPLIT | dict(
        model_type="smollm3", num_hidden_layers=3, no_rope_layers=[1, 1, 0],
        no_rope_layer_interval=3, use_sliding_window=False, rope_theta=2000000.0,
        pad_token_id=0, tie_word_embeddings=True),
    "olmo2": SPLIT | dict(model_type="olmo2", rope_theta=500000.0, pad_token_id=0,
                          tie_word_embeddings=False),
}
for CONFIG in CASES.values():
    if CONFIG["model_type"] in ("phi", "gpt2", "opt"):
        CONFIG.pop("rms_norm_eps", None)


def ids_of(name: str, length: int) -> list[int]:
    unit = formula(name, length) + 0.5
    return [int(x * (VOCAB - FIRST_ID)) + FIRST_ID for x in unit]


SEQUENCES = [[BOS] + ids_of("ids", 21), [BOS] + ids_of("short", 10)]
PAIR = {"promptIds": [BOS] + ids_of("prompt", 4), "chosenIds": ids_of("chosen", 7),
        "rejectedIds": ids_of("rejected", 6)}


def load(folder):
    model, info = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        assert not info[kind], (kind, info[kind])
    return model.eval()


def checkpoint(folder: pathlib.Path, published: dict) -> dict:
    """Writes the folder; gives the shapes of the tensors that save_pretrained writes."""
    (folder / "config.json").write_text(json.dumps(published))
    config = AutoConfig.from_pretrained(folder)
    with tempfile.TemporaryDirectory() as scratch:
        AutoModelForCausalLM.from_config(config).float().save_pretrained(scratch)
        with safe_open(f"{scratch}/model.safetensors", "pt") as saved:
            shapes = {name: saved.get_slice(name).get_shape() for name in saved.keys()}
    tensors = {name: value(name, shape).float() for name, shape in shapes.items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return shapes


def answer_log_probs(model, prompt: list[int], answer: list[int]) -> torch.Tensor:
    """Log-probabilities of all tokens but the first, prompt's and answer's. [T - 1]"""
    ids = torch.tensor([prompt + answer])
    log_probs = torch.log_softmax(model(ids, use_cache=False).logits[0, :-1].double(), -1)
    return log_probs.gather(1, ids[0, 1:, None])[:, 0]


def orpo(model) -> dict:
    """The pair's loss and its parts; leaves the gradients in the parameters."""
    prompt = PAIR["promptIds"]
    chosen, rejected = (answer_log_probs(model, prompt, PAIR[f"{k}Ids"]) for k in ("chosen", "rejected"))
    a, b = (rows[len(prompt) - 1:].mean() for rows in (chosen, rejected))
    log_odds = (a - b) - (torch.log(-torch.expm1(a)) - torch.log(-torch.expm1(b)))
    nll = -chosen.mean()
    loss = nll - BETA * torch.nn.functional.logsigmoid(log_odds)
    model.zero_grad()
    loss.backward()
    return {"loss": number(loss), "nll": number(nll), "logpsChosen": number(a),
            "logpsRejected": number(b), "logOdds": number(log_odds)}


def summary(tensor: torch.Tensor) -> list[float]:
    """Norm, product with the formula named "probe", first and last entry."""
    flat = tensor.detach().double().flatten()
    return numbers([flat.norm(), flat @ formula("probe", flat.numel()), flat[0], flat[-1]])


def number(x) -> float:
    return float(f"{torch.as_tensor(x).item():.9g}")


def numbers(rows) -> list[float]:
    return [number(x) for x in rows]


def continuation(model, prompt: list[int]) -> tuple[list[int], float]:
    """The likeliest next ids, and the least lead of a best logit over the second best."""
    ids, lead = list(prompt), float("inf")
    for _ in range(NEW_TOKENS):
        best = torch.topk(model(torch.tensor([ids]), use_cache=False).logits[0, -1], 2)
        lead = min(lead, (best.values[0] - best.values[1]).item())
        ids.append(best.indices[0].item())
    return ids[len(prompt):], lead


def greedy(model) -> dict:
    """The most varied continuation of some prompts: random weights like to repeat themselves."""
    best = {"ids": []}
    for n in range(GREEDY_PROMPTS):
        prompt = [BOS] + ids_of(f"greedy {n}", 19)
        ids, lead = continuation(model, prompt)
        if lead > LEAST_LEAD and len(set(ids)) > len(set(best["ids"])):
            best = {"prompt": prompt, "ids": ids, "lead": number(lead)}
    cached = model.generate(
        torch.tensor([best["prompt"]]), attention_mask=torch.ones(1, len(best["prompt"])).long(),
        max_new_tokens=NEW_TOKENS, do_sample=False, eos_token_id=None, pad_token_id=0)
    assert cached[0, len(best["prompt"]):].tolist() == best["ids"], "the cache changes the text"
    return best


def run(published: dict) -> dict:
    with tempfile.TemporaryDirectory() as name, tempfile.TemporaryDirectory() as again:
        folder = pathlib.Path(name)
        shapes = checkpoint(folder, published)
        model = load(folder)
        with torch.no_grad():
            rough = [model(torch.tensor([ids]), use_cache=False).logits[0] for ids in SEQUENCES]
            model.save_pretrained(again)
            config = json.loads((pathlib.Path(again) / "config.json").read_text())
            resaved = load(again)
            for ids, logits in zip(SEQUENCES, rough):
                same = resaved(torch.tensor([ids]), use_cache=False).logits[0]
                assert torch.equal(same, logits), "the saved config computes something else"
        model = model.double()
        with torch.no_grad():
            logits = [model(torch.tensor([ids]), use_cache=False).logits[0] for ids in SEQUENCES]
            text = greedy(model)
        losses = orpo(model)
        gradients = {name: summary(p.grad) for name, p in model.named_parameters()}
    assert set(gradients) == set(shapes), "parameters and checkpoint differ in names"
    return {
        "published": published, "config": config, "shapes": shapes,
        "logits": [[numbers(row) for row in rows.tolist()] for rows in logits],
        "float32Error": number(max((r - l).abs().max() for r, l in zip(rough, logits))),
        "greedy": text, "orpo": {**losses, "gradients": gradients},
    }


def write(path: pathlib.Path, golden: dict) -> None:
    """JSON with a list of plain values a line, so that a change shows as few lines."""
    text = json.dumps(golden, indent=1)
    path.write_text(re.sub(r"\[[^][{}]*\]", lambda found: " ".join(found[0].split()), text) + "\n")


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    cases = {}
    for name, published in CASES.items():
        try:
            cases[name] = case = run(published)
        except Exception as error:
            raise RuntimeError(name) from error
        spread = torch.tensor(case["logits"][0]).std().item()
        print(f"{name}: logits' deviation {spread:.2f}, float32 error {case['float32Error']:.1e}, "
              f"greedy lead {case['greedy']['lead']:.3f}, "
              f"{len(set(case['greedy']['ids']))} different ids")
    head = {
        "made_by": {"script": "architectures.py", "transformers": transformers.__version__,
                    "torch": torch.__version__.split("+")[0]},
        "sequences": SEQUENCES, "pair": {**PAIR, "beta": BETA},
    }
    path = pathlib.Path(__file__).with_suffix(".json")
    write(path, {**head, "cases": cases})
    print(path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
