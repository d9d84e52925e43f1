#!/usr/bin/env python3
"""Attention forward and backward of Jikji beside torch's scaled_dot_product_attention, in turns on this machine: one causal sequence.

    attention_speed.py JIKJI [--lengths 512,2048,8192,16384] [--heads 12] [--width 64] [--precision f32|bf16] [--rounds 5]

Each round gives each contestant a turn: the median of nine calls of up to 4,096 tokens, of one call of more, after one that warms up. Numbers
are medians of the rounds, spreads their least and most. PyTorch takes the better of one thread and all of them at each length. Needs torch in the Python that runs this.
"""
import argparse
import os
import statistics
import time

from run_json import last_json, program


def calls_a_turn(length):
    return 9 if length <= 4096 else 1


def torch_seconds(q, threads):
    import torch
    torch.set_num_threads(threads)
    seconds = []
    for _ in range(1 + calls_a_turn(q[0].shape[2])):
        leaves = [x.detach().clone().requires_grad_() for x in q[:3]]
        begun = time.perf_counter()
        torch.nn.functional.scaled_dot_product_attention(*leaves, is_causal=True).backward(q[3])
        seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds[1:])


def our_seconds(args, length):
    fused = last_json([args.jikji, "bench", "attention", "--lengths", str(length), "--heads", str(args.heads), "--width", str(args.width), "--precision",
                       args.precision, "--rounds", str(calls_a_turn(length)), "--memory", "0", "--json"])["lengths"][0]["fused"]
    return fused["forward_seconds"] + fused["backward_seconds"]


def main():
    import torch
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("jikji", type=program)
    parser.add_argument("--lengths", default="512,2048,8192,16384")
    parser.add_argument("--heads", type=int, default=12)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--precision", choices=("f32", "bf16"), default="f32")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    n_cpus = len(os.sched_getaffinity(0))
    dtype = torch.bfloat16 if args.precision == "bf16" else torch.float32
    print(f"{args.heads} heads of {args.width}, {args.precision}, forward and backward, torch {torch.__version__}, {args.rounds} rounds in turns\n")
    print(f"{'tokens':>7}{'jikji ms':>12}{'least':>11}{'most':>11}{'torch ms':>12}{'least':>11}{'most':>11}{'jikji is':>11}")
    for length in map(int, args.lengths.split(",")):
        q = [torch.randn(1, args.heads, length, args.width, dtype=dtype) for _ in range(4)]
        tried = {n: torch_seconds(q, n) for n in sorted({1, n_cpus})}
        threads = min(tried, key=tried.get)
        mine, peer = [], []
        for _ in range(args.rounds):
            mine.append(1e3 * our_seconds(args, length))
            peer.append(1e3 * torch_seconds(q, threads))
        a, b = statistics.median(mine), statistics.median(peer)
        print(f"{length:7}{a:12.2f}{min(mine):11.2f}{max(mine):11.2f}{b:12.2f}{min(peer):11.2f}{max(peer):11.2f}{b / a:10.2f}x ({threads} threads)")


if __name__ == "__main__":
    main()
