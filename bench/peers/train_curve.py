#!/usr/bin/env python3
"""Loss curves of Jikji beside PyTorch: nanoGPT's CPU recipe (recipes/shakespeare.yaml) on one text, several seeds each.

    train_curve.py JIKJI TEXT [--steps 500] [--eval-every 100] [--seeds 5] [--precision f32|bf16] [--keep FILE]

Both see the same text by characters, split at 0.9, and the same model, batch, optimizer and schedule; weights and windows are drawn by
each one's own generator. Prints the validation loss (nats a character, whole held-out part) at the same steps: mean and spread of the
seeds. --precision is ours; PyTorch trains in f32. A run that FILE holds is not done again. Needs torch in the Python that runs this.
"""
import argparse
import json
import math
import os
import statistics
import subprocess
import tempfile

from run_json import program

HERE = os.path.dirname(os.path.abspath(__file__))
BATCH, LENGTH, LR, MIN_LR, WARMUP = 12, 64, 1e-3, 1e-4, 100


def our_curve(args, seed, folder):
    out = os.path.join(folder, f"run-{seed}")
    recipe = os.path.join(HERE, "..", "..", "recipes", "shakespeare.yaml")
    subprocess.run([args.jikji, "train", recipe, "--data.text", args.text, "--seed", str(seed), "--out", out, "--train.steps", str(args.steps),
                    "--train.precision", args.precision, "--train.eval_every", str(args.eval_every), "--train.checkpoint_every", "0", "--train.sample", ""],
                   check=True, capture_output=True, cwd=os.path.join(HERE, "..", ".."))
    curve = {}
    with open(os.path.join(out, "log.jsonl"), encoding="utf-8") as lines:
        for record in map(json.loads, lines):
            if "val_loss" in record:
                curve[record["step"]] = record["val_loss"]
    return curve


def torch_curve(args, seed):
    import torch
    from torch_steps import MODELS, Model
    torch.manual_seed(seed)
    with open(args.text, encoding="utf-8") as file:
        text = file.read()
    symbols = {c: i for i, c in enumerate(sorted(set(text)))}
    ids = torch.tensor([symbols[c] for c in text])
    train, held_out = ids[:int(0.9 * len(ids))], ids[int(0.9 * len(ids)):]
    n_rows = (len(held_out) - 1) // LENGTH
    x_val, y_val = held_out[:n_rows * LENGTH].view(n_rows, LENGTH), held_out[1:n_rows * LENGTH + 1].view(n_rows, LENGTH)
    model = Model(**(MODELS["nano"] | {"vocab": len(symbols)}))
    for block in model.blocks:
        for linear in (block.out, block.down):
            torch.nn.init.normal_(linear.weight, std=0.02 / math.sqrt(2 * len(model.blocks)))
    torch.nn.init.normal_(model.places.weight, std=0.02)
    for module in model.modules():
        if isinstance(module, torch.nn.Linear) and module.bias is not None:
            torch.nn.init.zeros_(module.bias)
    matrices = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() <= 1]
    optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}], betas=(0.9, 0.99), fused=True)
    curve = {}
    for step in range(1, args.steps + 1):
        progress = max(0.0, (step - WARMUP) / max(1, args.steps - WARMUP))
        rate = LR * step / WARMUP if step < WARMUP else MIN_LR + (LR - MIN_LR) * (1 + math.cos(math.pi * progress)) / 2
        for group in optimizer.param_groups:
            group["lr"] = rate
        at = torch.randint(len(train) - LENGTH, (BATCH,))
        x, y = torch.stack([train[i:i + LENGTH] for i in at]), torch.stack([train[i + 1:i + 1 + LENGTH] for i in at])
        optimizer.zero_grad(set_to_none=True)
        model(x, y).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % args.eval_every == 0:
            with torch.no_grad():
                total = sum(model(a, b).item() * len(a) for a, b in zip(x_val.split(256), y_val.split(256)))
            curve[step] = total / n_rows
    return curve


def kept(args, who, seed, run):
    """The curve {step: loss} of a run, from the file of finished ones if it is there."""
    key = {"who": who, "precision": args.precision if who == "jikji" else "f32", "seed": seed, "steps": args.steps, "eval_every": args.eval_every}
    if args.keep and os.path.exists(args.keep):
        with open(args.keep, encoding="utf-8") as lines:
            for record in map(json.loads, lines):
                if all(record.get(name) == value for name, value in key.items()):
                    return {int(step): loss for step, loss in record["curve"].items()}
    curve = run()
    if args.keep:
        with open(args.keep, "a", encoding="utf-8") as out:
            out.write(json.dumps(key | {"curve": curve}) + "\n")
    return curve


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("jikji", type=program)
    parser.add_argument("text")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--eval-every", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--precision", choices=("f32", "bf16"), default="f32", help="of our runs")
    parser.add_argument("--keep", help="a file that remembers finished runs, one JSON object a line")
    args = parser.parse_args()
    args.text = os.path.abspath(args.text)
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(1, args.seeds + 1):
            ours.append(kept(args, "jikji", seed, lambda: our_curve(args, seed, folder)))
            theirs.append(kept(args, "torch", seed, lambda: torch_curve(args, seed)))
    print(f"validation loss, nats a character, {args.seeds} seeds each: mean (least to most)\n")
    print(f"{'step':>6}{'jikji':>28}{'PyTorch':>28}{'apart':>9}{'seeds vary':>12}")
    for step in sorted(theirs[0]):
        row, means, spread = f"{step:6}", [], 0.0
        for curves in (ours, theirs):
            values = [c[step] for c in curves]
            means.append(statistics.mean(values))
            spread = max(spread, max(values) - min(values))
            row += f"{f'{means[-1]:.4f} ({min(values):.4f} to {max(values):.4f})':>28}"
        print(f"{row}{abs(means[0] - means[1]):9.4f}{spread:12.4f}")


if __name__ == "__main__":
    main()
