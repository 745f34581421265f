"""Makes trl_orpo.json: TRL's own ORPOTrainer on PyTorch, stories260K, real preference pairs.

    pip install torch transformers trl
    python tests/golden/trl_orpo.py ../shared/data

Two parts. `batches`: 20 batches of 2 short pairs through get_batch_loss_metrics and backward on the
untrained weights. `run`: 50 optimizer steps of trainer.train() (AdamW, cosine with warmup, weight
decay, clipping) over the same rows in order. Only row numbers and digests of token ids are kept;
the tokens come from ORPOTrainer.tokenize_row.
"""

import hashlib
import json
import pathlib
import sys
import tempfile

import torch
from datasets import Dataset
from torch.utils.data import SequentialSampler
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast, TrainerCallback
import transformers
import trl
from trl.experimental.orpo import ORPOConfig, ORPOTrainer

BATCH, BATCHES, STEPS, MAX_TOKENS = 2, 20, 50, 64
METRICS = ["nll_loss", "logps/chosen", "logps/rejected", "log_odds_ratio", "log_odds_chosen",
           "rewards/chosen", "rewards/rejected", "rewards/accuracies", "rewards/margins"]


class InOrder(ORPOTrainer):
    def _get_train_sampler(self, dataset=None):
        return SequentialSampler(self.train_dataset)


class EachStep(TrainerCallback):
    def __init__(self):
        self.rows = []

    def on_log(self, args, state, control, logs=None, **kwargs):
        if "loss" in logs:
            self.rows.append(dict(logs))


def prompt_of(row):
    return row["instruction"] + "\n" + (row["input"] + "\n" if row["input"] else "")


def digest(features):
    ids = [[f["prompt_input_ids"], f["chosen_input_ids"], f["rejected_input_ids"]] for f in features]
    return hashlib.sha256(json.dumps(ids, separators=(",", ":")).encode()).hexdigest()


def main():
    data = pathlib.Path(sys.argv[1])
    torch.set_num_threads(1)
    base = data / "models/stories260K/hf"
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(base / "tokenizer.json"), bos_token="<s>", eos_token="</s>",
        unk_token="<unk>", pad_token="<unk>")
    rows = json.load(open(
        data / "preference/rasbt-llms-from-scratch/instruction-data-with-preference.json"))
    # A row's texts are tokenized here only to pick short ones; the trainer tokenizes for itself.
    def tokens(row):
        answers = [row["chosen"], row["rejected"]]
        return max(len(tokenizer(prompt_of(row) + a)["input_ids"]) for a in answers)
    picked = [i for i, row in enumerate(rows)
              if row["chosen"] != row["rejected"] and tokens(row) <= MAX_TOKENS]
    picked = picked[:BATCH * STEPS]
    dataset = Dataset.from_list([
        {"prompt": prompt_of(rows[i]), "chosen": rows[i]["chosen"], "rejected": rows[i]["rejected"]}
        for i in picked])
    torch.manual_seed(0)
    model = LlamaForCausalLM.from_pretrained(base, dtype=torch.float32, attn_implementation="eager")
    options = dict(
        beta=0.25, learning_rate=1e-3, lr_scheduler_type="cosine", warmup_steps=5,
        weight_decay=0.1, adam_beta1=0.9, adam_beta2=0.95, adam_epsilon=1e-8, max_grad_norm=1.0,
        max_steps=STEPS, per_device_train_batch_size=BATCH, gradient_accumulation_steps=1)
    with tempfile.TemporaryDirectory() as out:
        args = ORPOConfig(
            output_dir=out, logging_steps=1, max_length=512, bf16=False, gradient_checkpointing=False,
            report_to=[], save_strategy="no", optim="adamw_torch", use_cpu=True, seed=0,
            disable_tqdm=True, **options)
        each = EachStep()
        trainer = InOrder(model=model, args=args, train_dataset=dataset,
                          processing_class=tokenizer, callbacks=[each])
        batches = []
        for n in range(BATCHES):
            features = [trainer.train_dataset[i] for i in range(n * BATCH, (n + 1) * BATCH)]
            inputs = trainer.data_collator(features)
            model.train()
            model.zero_grad()
            loss, metrics = trainer.get_batch_loss_metrics(model, inputs)
            loss.backward()
            norm = torch.linalg.vector_norm(torch.stack(
                [torch.linalg.vector_norm(p.grad) for p in model.parameters()]))
            a, b = trainer.concatenated_forward(model, inputs)[:2]
            batches.append({
                "ids_sha256": digest(features), "loss": loss.item(), "grad_norm": norm.item(),
                "chosen_logps": a.tolist(), "rejected_logps": b.tolist(),
                **{k: metrics[k] for k in METRICS}})
        model.zero_grad()
        ids = digest([trainer.train_dataset[i] for i in range(len(picked))])
        trainer._stored_metrics.clear()
        trainer.train()
    run = [{k: float(r[k]) for k in ["loss", "grad_norm", "learning_rate", *METRICS]}
           for r in each.rows]
    assert len(run) == STEPS
    result = {
        "made_by": {"script": "trl_orpo.py", "trl": trl.__version__,
                    "transformers": transformers.__version__, "torch": torch.__version__},
        "rows": picked, "batch_size": BATCH, "ids_sha256": ids, "options": options,
        "batches": batches, "run": run}
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(result, indent=1) + "\n")
    print(path.stat().st_size, "bytes;", "loss", run[0]["loss"], "->", run[-1]["loss"])


main()
