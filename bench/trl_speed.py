"""How many pairs a second TRL's own ORPOTrainer trains on, on PyTorch's CPU in float32.

    pip install torch transformers trl
    python bench/trl_speed.py --pairs pairs.json [--steps 4] [--warmup 1] [--batch-size 4]

The model has SmolLM2-135M's shape and random weights from a seed; everything is trained. The pairs
come as token ids, a JSON list of {promptIds, chosenIds, rejectedIds}, and reach the trainer as they
are: only ORPOTrainer.tokenize_row, which would make ids of text, is replaced. They are taken in
order, batch-size pairs a step, the first warmup steps uncounted.

Everything not named here is TRL's default, but for bfloat16, which is off. Gradient checkpointing
is on by that default; --no-gradient-checkpointing trades memory for time. Prints one line of JSON;
never a token or a text.
"""

import argparse
import json
import os
import pathlib
import sys
import tempfile
import time

VOCAB, EOS = 49152, 0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pairs", required=True, type=pathlib.Path, help="JSON file of token ids")
    parser.add_argument("--steps", type=int, default=4, help="optimizer steps timed (default 4)")
    parser.add_argument("--warmup", type=int, default=1, help="steps before them (default 1)")
    parser.add_argument("--batch-size", type=int, default=4, help="pairs a step (default 4)")
    parser.add_argument("--threads", type=int, default=2, help="PyTorch's threads (default 2)")
    parser.add_argument("--seed", type=int, default=0, help="of the weights (default 0)")
    parser.add_argument("--no-gradient-checkpointing", action="store_true",
                        help="keep activations; TRL's default recomputes them")
    args = parser.parse_args()
    for name in ("steps", "batch_size", "threads"):
        if getattr(args, name) < 1:
            parser.error(f"--{name.replace('_', '-')} must be at least 1")
    if args.warmup < 0:
        parser.error("--warmup must be at least 0")
    return args


def read_pairs(path, wanted):
    """The first `wanted` pairs; says which row is not a pair of ids this vocabulary has."""
    try:
        rows = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        sys.exit(f"Cannot read pairs: {path}: {error}")
    if not isinstance(rows, list) or len(rows) < wanted:
        have = len(rows) if isinstance(rows, list) else "no list of"
        sys.exit(f"Cannot time {wanted} pairs: {path} has {have} pairs; "
                 "expected (warmup + steps) * batch-size")
    for at, row in enumerate(rows[:wanted]):
        for key in ("promptIds", "chosenIds", "rejectedIds"):
            ids = row.get(key) if isinstance(row, dict) else None
            if not ids or not all(isinstance(i, int) and 0 <= i < VOCAB for i in ids):
                sys.exit(f"Cannot read pairs: {path}: row {at}: {key} must be a non-empty list of "
                         f"ids from 0 to {VOCAB - 1}")
    return rows[:wanted]


def main():
    args = arguments()
    pairs = read_pairs(args.pairs, (args.warmup + args.steps) * args.batch_size)
    os.environ["OMP_NUM_THREADS"] = str(args.threads)
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")

    import datasets
    import torch
    import transformers
    import trl
    from tokenizers import Tokenizer, models
    from torch.utils.data import SequentialSampler
    from trl.experimental.orpo import ORPOConfig, ORPOTrainer

    class FromIds(ORPOTrainer):
        def tokenize_row(self, feature, model=None):
            prompt, row = feature["promptIds"], {}
            for name in ("chosen", "rejected"):
                answer = feature[f"{name}Ids"]
                row[f"{name}_input_ids"] = prompt + answer
                row[f"{name}_attention_mask"] = [1] * len(prompt + answer)
                row[f"{name}_labels"] = [-100] * len(prompt) + answer
            return {**row, "prompt_input_ids": prompt, "prompt_attention_mask": [1] * len(prompt)}

        def _get_train_sampler(self, dataset=None):
            return SequentialSampler(self.train_dataset)

    class Clock(transformers.TrainerCallback):
        def __init__(self):
            self.seconds, self.processor, self.began = [], [], (0.0, 0.0)

        def on_step_begin(self, *_, **__):
            self.began = time.perf_counter(), time.process_time()

        def on_step_end(self, *_, **__):
            self.seconds.append(time.perf_counter() - self.began[0])
            self.processor.append(time.process_time() - self.began[1])

    torch.set_num_threads(args.threads)
    datasets.disable_progress_bars()
    transformers.logging.set_verbosity_error()
    transformers.set_seed(args.seed)
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(
        vocab_size=VOCAB, hidden_size=576, intermediate_size=1536, num_hidden_layers=30,
        num_attention_heads=9, num_key_value_heads=3, max_position_embeddings=8192,
        rms_norm_eps=1e-5, tie_word_embeddings=True, bos_token_id=EOS, eos_token_id=EOS,
        dtype=torch.float32))
    # The trainer asks it for the padding's id and nothing else.
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel({"<pad>": EOS}, unk_token="<pad>")),
        pad_token="<pad>", bos_token="<pad>", eos_token="<pad>")
    dataset = datasets.Dataset.from_list(
        [{"prompt": "", "chosen": "", "rejected": "", **pair} for pair in pairs])
    checkpointing = {"gradient_checkpointing": False} if args.no_gradient_checkpointing else {}
    clock = Clock()
    with tempfile.TemporaryDirectory() as out:
        trainer = FromIds(
            model=model, train_dataset=dataset, processing_class=tokenizer, callbacks=[clock],
            args=ORPOConfig(
                output_dir=out, bf16=False, use_cpu=True, max_steps=args.warmup + args.steps,
                per_device_train_batch_size=args.batch_size, seed=args.seed, report_to=[],
                save_strategy="no", disable_tqdm=True, logging_strategy="no",
                dataloader_pin_memory=False, **checkpointing))
        trainer.remove_callback(transformers.PrinterCallback)  # stdout is for the figures
        loss = trainer.train().training_loss
    timed = pairs[args.warmup * args.batch_size:]
    seconds = clock.seconds[args.warmup:]
    lengths = [len(p["promptIds"]) + len(p[key]) for p in timed
               for key in ("chosenIds", "rejectedIds")]
    per_batch = 2 * args.batch_size
    padded = sum(per_batch * max(lengths[i:i + per_batch])
                 for i in range(0, len(lengths), per_batch))
    print(json.dumps({
        "pairs_per_second": len(timed) / sum(seconds),
        "pairs": len(timed),
        "tokens": sum(lengths),
        "padded_tokens": padded,
        "seconds_per_step": seconds,
        "processor_seconds_per_step": clock.processor[args.warmup:],
        "batch_size": args.batch_size,
        "gradient_checkpointing": trainer.args.gradient_checkpointing,
        "attention": model.config._attn_implementation,
        "dtype": str(model.dtype).removeprefix("torch."),
        "parameters": model.num_parameters(),
        "loss": loss,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "trl": trl.__version__,
        "transformers": transformers.__version__,
    }))


main()
