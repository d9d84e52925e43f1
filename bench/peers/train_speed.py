#!/usr/bin/env python3
"""Training speed of Jikji beside PyTorch, eager and compiled, and llm.c, in turns on this machine: the same model and precision (llm.c: f32).

    train_speed.py JIKJI MODEL [--precision f32|bf16] [--batch-size N] [--micro-batch-size N] [--seq-len N] [--rounds 3]
    train_speed.py build/jikji nano --rounds 5
    train_speed.py build/jikji gpt2-124m --batch-size 4 --micro-batch-size 1 --peer-micro-batch-size 4
    train_speed.py build/jikji gpt2-124m --peers llm.c --llmc ../llm.c --rounds 1 --steps 1

Each round runs each contestant once: its rate is all the round's tokens over all its seconds, warming up left out. A contestant's number is
the median of its rounds, the spread their least and most. Each peer takes the better of one thread and all of them, by the median of some
steps before the rounds. llm.c, which has no micro batches, runs one sequence a step; its threads are found with short ones.
Needs torch in the Python that runs this, and numpy and a C compiler for llm.c.
"""
import argparse
import os
import statistics
import sys

from run_json import last_json, program

HERE = os.path.dirname(os.path.abspath(__file__))
PEERS = ("PyTorch eager", "PyTorch compiled", "llm.c")
LLMC_TRIAL_LENGTH = 64  # tokens: one thread takes minutes for a sequence of 1,024
USUAL = {"gpt2-124m": (1024, 4, 1), "llama-110m": (1024, 4, 1), "nano": (64, 12, 12), "mini": (256, 12, 12)}


def rate_of(n_tokens, seconds):
    return n_tokens * len(seconds) / sum(seconds)


def ours(args):
    report = last_json([args.jikji, "bench", "train", args.model, "--precision", args.precision, "--seq-len", str(args.seq_len),
                        "--batch-size", str(args.batch_size), "--micro-batch-size", str(args.micro_batch_size), "--rounds", "1",
                        "--seconds", str(args.seconds), "--json"])
    return report["tokens_per_second"], report


def torch_run(args, compiled, threads, steps):
    command = [sys.executable, os.path.join(HERE, "torch_steps.py"), args.model, "--seq-len", str(args.seq_len), "--batch-size",
               str(args.batch_size), "--micro-batch-size", str(args.peer_micro_batch_size), "--steps", str(steps), "--precision",
               args.peer_precision, "--threads", str(threads)]
    report = last_json(command + (["--compile"] if compiled else []))
    return rate_of(args.seq_len * args.batch_size, report["seconds"]), report


def llmc_run(args, threads, steps, seq_len):
    command = [sys.executable, os.path.join(HERE, "llmc_steps.py"), args.llmc, "--seq-len", str(seq_len), "--batch-size", "1", "--steps",
               str(steps), "--threads", str(threads)]
    report = last_json(command)
    return rate_of(seq_len, report["seconds"]), report


def peer_run(args, name, threads, steps):
    return llmc_run(args, threads, steps, args.seq_len) if name == "llm.c" else torch_run(args, name == "PyTorch compiled", threads, steps)


def trial_rate(args, name, threads, steps):
    if name == "llm.c":
        return llmc_run(args, threads, 1, min(args.seq_len, LLMC_TRIAL_LENGTH))[0]
    return 1 / statistics.median(torch_run(args, name == "PyTorch compiled", threads, max(1, steps // 4))[1]["seconds"])


def best_threads(args, name, steps):
    counts = [args.peer_threads] if args.peer_threads else sorted({1, len(os.sched_getaffinity(0))})
    return counts[0] if len(counts) == 1 else max(counts, key=lambda n: trial_rate(args, name, n, steps))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("jikji", type=program)
    parser.add_argument("model", choices=USUAL)
    parser.add_argument("--precision", choices=("f32", "bf16"), default="f32")
    parser.add_argument("--peer-precision", choices=("f32", "bf16"), help="of PyTorch; the same unless set")
    parser.add_argument("--seq-len", type=int)
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--micro-batch-size", type=int)
    parser.add_argument("--peer-micro-batch-size", type=int, help="of PyTorch, which may like another; the same unless set")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer-threads", type=int, default=0, help="of the peers, instead of trying one and all")
    parser.add_argument("--steps", type=int, default=0, help="of PyTorch in a round; 0: 60 of a nano model, else 3")
    parser.add_argument("--seconds", type=float, default=3.0, help="of our steps in a round, at least")
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=PEERS[:2], help="who takes turns with us")
    parser.add_argument("--llmc", help="a checkout of llm.c; adds it to the peers (gpt2-124m only)")
    args = parser.parse_args()
    seq_len, batch, micro = USUAL[args.model]
    args.seq_len = args.seq_len or seq_len
    args.batch_size = args.batch_size or batch
    args.micro_batch_size = args.micro_batch_size or min(micro, args.batch_size)
    args.peer_precision = args.peer_precision or args.precision
    args.peer_micro_batch_size = args.peer_micro_batch_size or args.micro_batch_size
    steps = args.steps or (60 if args.model == "nano" else 3)
    peers = list(args.peers) + (["llm.c"] if args.llmc and "llm.c" not in args.peers else [])
    if "llm.c" in peers and (not args.llmc or args.model != "gpt2-124m"):
        parser.error("llm.c needs --llmc CHECKOUT and the model gpt2-124m")
    if args.batch_size % args.micro_batch_size or args.batch_size % args.peer_micro_batch_size:
        parser.error(f"--batch-size {args.batch_size} is not a multiple of the micro batches, {args.micro_batch_size} and {args.peer_micro_batch_size}")

    threads = {name: best_threads(args, name, steps) for name in peers}
    rates = {"jikji": []} | {name: [] for name in peers}
    versions = {}
    for _ in range(args.rounds):
        rate, report = ours(args)
        rates["jikji"].append(rate)
        for name in peers:
            rate, peer = peer_run(args, name, threads[name], steps)
            rates[name].append(rate)
            versions |= {"llm.c": peer["commit"]} if name == "llm.c" else {"torch": peer["torch"]}
    best = statistics.median(rates["jikji"])
    beside = f" (PyTorch: {args.peer_precision})" if args.peer_precision != args.precision else ""
    print(f"{args.model}, {args.precision}{beside}, steps of {args.batch_size} x {args.seq_len} tokens, {report['threads']} threads,"
          f" {report['cpu_level']}, {', '.join(' '.join(v) for v in versions.items())}, {args.rounds} rounds in turns\n")
    print(f"{'':18}{'tokens/s':>12}{'least':>12}{'most':>12}{'jikji is':>12}")
    for name, values in rates.items():
        middle = statistics.median(values)
        note = f" ({threads[name]} threads)" if name in threads else ""
        print(f"{name:18}{middle:12.1f}{min(values):12.1f}{max(values):12.1f}{best / middle:11.2f}x{note}")


if __name__ == "__main__":
    main()
