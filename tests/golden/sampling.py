"""
Makes sampling.json: the probabilities that transformers' own logits processors leave to each token,
in the order in which generate() applies them, for rows of logits with ties, repeated tokens and
every combination of settings that is likely. Logits are multiples of 1/8, exact in JSON.
Run: python tests/golden/sampling.py > tests/golden/sampling.json
"""

import json
import random
import sys

import torch
import transformers
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

SETTINGS = [
    dict(temperature=1.0),
    dict(temperature=0.7),
    dict(temperature=1.5, top_k=5),
    dict(temperature=1.0, top_k=1),
    dict(temperature=0.8, top_p=0.9),
    dict(temperature=1.0, top_p=0.35),
    dict(temperature=1.3, min_p=0.1),
    dict(temperature=0.6, min_p=0.5),
    dict(temperature=1.0, repetition_penalty=1.3),
    dict(temperature=1.0, repetition_penalty=0.8),
    dict(temperature=0.9, top_k=12, top_p=0.8),
    dict(temperature=0.9, top_k=12, min_p=0.05),
    dict(temperature=1.1, top_p=0.95, min_p=0.08),
    dict(temperature=0.7, top_k=20, top_p=0.9, min_p=0.02, repetition_penalty=1.2),
]
VOCAB = 32


def row(seed: int) -> list[float]:
    draw = random.Random(seed)
    return [round(draw.gauss(0, 2) * 8) / 8 for _ in range(VOCAB)]


if __name__ == "__main__":
    model = LlamaForCausalLM(LlamaConfig(
        vocab_size=VOCAB, hidden_size=8, intermediate_size=8, num_hidden_layers=1,
        num_attention_heads=1, bos_token_id=0, eos_token_id=1, pad_token_id=2))
    cases = []
    for number, settings in enumerate(SETTINGS):
        logits = row(number)
        draw = random.Random(100 + number)
        past = [draw.randrange(VOCAB) for _ in range(6)]
        config = GenerationConfig(**{"do_sample": True, "top_k": 0, **settings})
        processors = model._get_logits_processor(
            generation_config=config, input_ids_seq_length=len(past), device="cpu")
        scores = processors(torch.tensor([past]), torch.tensor([logits]))
        cases.append({
            "settings": settings,
            "past": past,
            "logits": logits,
            "probabilities": torch.softmax(scores[0].double(), -1).tolist(),
        })
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    sys.stdout.write(f'{{"transformers":"{transformers.__version__}","cases":[\n{lines}\n]}}\n')
