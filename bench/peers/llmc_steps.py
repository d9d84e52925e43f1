#!/usr/bin/env python3
"""Training steps of llm.c's CPU program (train_gpt2.c) at GPT-2 124M: the peer of train_speed.py.

    llmc_steps.py CHECKOUT --seq-len 1024 --batch-size 1 --steps 2 [--threads 2]

Copies train_gpt2.c, its headers and its Makefile from the checkout into a temporary folder, sets the sizes that its main() fixes, and
builds with its own Makefile. Weights and tokens are random, in llm.c's own formats. Prints one JSON object: seconds of each step after
the first, threads, commit.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import numpy as np

LENGTH_MAX, VOCAB, LAYERS, HEADS, WIDTH, VOCAB_PADDED = 1024, 50257, 12, 12, 768, 50304


def copy_with_sizes(checkout, folder, batch, seq_len, steps):
    shutil.copytree(os.path.join(checkout, "llmc"), os.path.join(folder, "llmc"))
    shutil.copy(os.path.join(checkout, "Makefile"), folder)
    with open(os.path.join(checkout, "train_gpt2.c")) as file:
        source = file.read()
    sizes = {r"int B = \d+;": f"int B = {batch};", r"int T = \d+;": f"int T = {seq_len};", r"int val_num_batches = \d+;": "int val_num_batches = 1;",
             r"step <= \d+;": f"step <= {steps};", r"step % 10 == 0": "step < 0"}
    for pattern, text in sizes.items():
        source, n = re.subn(pattern, text, source)
        if n != 1:
            sys.exit(f"{checkout}/train_gpt2.c: \"{pattern}\" found {n} times, expected once: another version of llm.c?")
    with open(os.path.join(folder, "train_gpt2.c"), "w") as file:
        file.write(source)


def parameter_shapes():
    c, n = WIDTH, LAYERS
    return [("normal", VOCAB_PADDED * c), ("normal", LENGTH_MAX * c), ("one", n * c), ("zero", n * c), ("normal", n * 3 * c * c), ("zero", n * 3 * c),
            ("normal", n * c * c), ("zero", n * c), ("one", n * c), ("zero", n * c), ("normal", n * 4 * c * c), ("zero", n * 4 * c),
            ("normal", n * 4 * c * c), ("zero", n * c), ("one", c), ("zero", c)]


def write_checkpoint(folder):
    rng = np.random.default_rng(1)
    header = np.zeros(256, np.int32)
    header[:8] = [20240326, 3, LENGTH_MAX, VOCAB, LAYERS, HEADS, WIDTH, VOCAB_PADDED]
    with open(os.path.join(folder, "gpt2_124M.bin"), "wb") as file:
        header.tofile(file)
        for kind, count in parameter_shapes():
            values = np.zeros(count, np.float32) if kind == "zero" else np.ones(count, np.float32)
            if kind == "normal":
                values = rng.standard_normal(count, np.float32) * np.float32(0.02)
            values.tofile(file)


def write_tokens(folder, n_tokens):
    place = os.path.join(folder, "dev/data/tinyshakespeare")
    os.makedirs(place)
    header = np.zeros(256, np.int32)
    header[:3] = [20240520, 1, n_tokens]
    tokens = np.random.default_rng(2).integers(0, VOCAB, n_tokens, np.uint16)
    for name in ("train", "val"):
        with open(os.path.join(place, f"tiny_shakespeare_{name}.bin"), "wb") as file:
            header.tofile(file)
            tokens.tofile(file)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout")
    parser.add_argument("--seq-len", type=int, required=True)
    parser.add_argument("--batch-size", type=int, required=True)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--threads", type=int, default=0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        copy_with_sizes(args.checkout, folder, args.batch_size, args.seq_len, args.steps)
        write_checkpoint(folder)
        write_tokens(folder, 8 * args.batch_size * args.seq_len + 1)
        subprocess.run(["make", "train_gpt2"], cwd=folder, check=True, stdout=sys.stderr, stderr=sys.stderr)
        env = dict(os.environ, **({"OMP_NUM_THREADS": str(args.threads)} if args.threads else {}))
        done = subprocess.run(["./train_gpt2"], cwd=folder, env=env, check=True, capture_output=True, text=True).stdout
    seconds = [float(ms) / 1000 for ms in re.findall(r"\(took ([\d.]+) ms\)", done)]
    commit = subprocess.run(["git", "-C", args.checkout, "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    print(json.dumps({"seconds": seconds[1:], "threads": args.threads, "commit": commit or "unknown"}))


if __name__ == "__main__":
    main()
