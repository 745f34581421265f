"""Makes torch_optim.json: transformers' learning-rate schedules, torch's AdamW and clipping.

    pip install torch transformers
    python tests/golden/torch_optim.py
"""

import json
import pathlib

import torch
import transformers
from transformers import get_scheduler


def schedule(kind, warmup, total):
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    name = "constant_with_warmup" if kind == "constant" else kind
    scheduler = get_scheduler(name, optimizer, num_warmup_steps=warmup, num_training_steps=total)
    factors = []
    for _ in range(total):
        factors.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return {"type": kind, "warmupSteps": warmup, "totalSteps": total, "factors": factors}


def adamw():
    torch.manual_seed(1)
    weights = {"layer.weight": torch.randn(3, 2), "norm.weight": torch.randn(2),
               "layer.bias": torch.randn(3)}
    gradients = [{n: torch.randn(w.shape) * 3 for n, w in weights.items()} for _ in range(5)]
    rates = [1e-2, 2e-2, 1e-2, 5e-3, 1e-3]
    named = {n: torch.nn.Parameter(w.clone()) for n, w in weights.items()}
    optimizer = torch.optim.AdamW(
        [{"params": [named["layer.weight"]], "weight_decay": 0.3},
         {"params": [named["norm.weight"], named["layer.bias"]], "weight_decay": 0.0}],
        betas=(0.9, 0.95), eps=1e-6)
    norms, after = [], []
    for gradient, rate in zip(gradients, rates):
        for n, p in named.items():
            p.grad = gradient[n].clone()
        norms.append(torch.nn.utils.clip_grad_norm_(named.values(), 2.0).item())
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        after.append({n: p.detach().flatten().tolist() for n, p in named.items()})
    return {"options": {"adamBeta1": 0.9, "adamBeta2": 0.95, "adamEpsilon": 1e-6,
                        "weightDecay": 0.3}, "maxGradNorm": 2.0, "rates": rates,
            "shapes": {n: list(w.shape) for n, w in weights.items()},
            "weights": {n: w.flatten().tolist() for n, w in weights.items()},
            "gradients": [{n: g.flatten().tolist() for n, g in step.items()} for step in gradients],
            "norms": norms, "after": after}


result = {
    "made_by": {"script": "torch_optim.py", "torch": torch.__version__,
                "transformers": transformers.__version__},
    "schedules": [schedule(kind, warmup, 20)
                  for kind in ["cosine", "linear", "inverse_sqrt", "constant"]
                  for warmup in [0, 1, 6]],
    "adamw": adamw(),
}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
