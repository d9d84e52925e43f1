#!/usr/bin/env python3
"""Decoding and prefill of Jikji beside transformers, and llama.cpp where it is built, in turns on this machine: one sequence, random weights of
the same shape, in one table for all kinds of weights.

    decode_speed.py JIKJI gpt2-124m|llama-110m [--weights f32,bf16,int8] [--prompt 256] [--new-tokens 32] [--rounds 5] [--threads N]
                    [--llama-bench LLAMA-BENCH --gguf FOLDER]
    decode_speed.py build/jikji llama-110m --llama-bench llama.cpp/build/bin/llama-bench --gguf models/

Each round runs each contestant once; a contestant's number is the median of its rounds, the spread their least and most. Without --threads each takes
the better of one thread and all of them, found before the rounds. The folder has llama-110m.f32.gguf, .bf16.gguf and .q8_0.gguf, which stands
beside int8; `random_gguf.py` writes such files. transformers has no 8 or 4 bits here: beside int8 and int4 its weights are whole.
`bench/peers/llama_cpp.c` takes llama-bench's place where only libllama is built. Needs torch and transformers in the Python that runs this.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

from run_json import last_json, program

HERE = os.path.abspath(__file__)

# Weights: how we store and compute, and which file llama.cpp reads.
KINDS = {"f32": ("packed", "f32", "f32"), "bf16": ("packed", "bf16", "bf16"), "int8": ("int8", "f32", "q8_0"), "int4": ("int4", "f32", None)}


def transformers_once(args):
    """The contestant itself, in a process of its own: two figures and versions as JSON."""
    import torch
    import transformers
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    shape = dict(vocab_size=50257, n_positions=1024, n_embd=768, n_layer=12, n_head=12)
    if args.model == "gpt2-124m":
        config = transformers.GPT2Config(**shape)
    else:
        config = transformers.LlamaConfig(vocab_size=32000, max_position_embeddings=1024, hidden_size=768, num_hidden_layers=12,
                                          num_attention_heads=12, num_key_value_heads=12, intermediate_size=2048, tie_word_embeddings=True)
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16 if args.weights == "bf16" else torch.float32).eval()
    prompt = torch.randint(config.vocab_size, (1, args.prompt))

    def seconds(n_new):
        begun = time.perf_counter()
        model.generate(prompt, max_new_tokens=n_new, min_new_tokens=n_new, do_sample=False, pad_token_id=0)
        return time.perf_counter() - begun

    with torch.inference_mode():
        seconds(2)
        first = min(seconds(1) for _ in range(3))  # its noise would be that of the difference
        whole = seconds(1 + args.new_tokens)
    print(json.dumps({"decode": args.new_tokens / (whole - first), "prefill": args.prompt / first,
                      "version": f"transformers {transformers.__version__}, torch {torch.__version__}"}))


def ours(args, kind, threads):
    weights, precision, _ = KINDS[kind]
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads))
    r = last_json([args.jikji, "bench", "decode", args.model, "--precision", precision, "--weights", weights, "--prompt", str(args.prompt),
                   "--new-tokens", str(args.new_tokens), "--rounds", "1", "--json"], env=environment)
    return {"decode": r["decode_tokens_per_second"], "prefill": r["prefill_tokens_per_second"],
            "version": f"{r['cpu_level']}, {100 * r['share_of_reading']:.0f} % of reading, {100 * r['prefill_share_of_peak']:.0f} % of products"}


def theirs(args, kind, threads):
    return last_json([sys.executable, HERE, args.jikji, args.model, "--weights", "bf16" if kind == "bf16" else "f32", "--prompt", str(args.prompt),
                      "--new-tokens", str(args.new_tokens), "--threads", str(threads), "--transformers-once"])


def llama(args, kind, threads):
    model = os.path.join(args.gguf, f"llama-110m.{KINDS[kind][2]}.gguf")
    done = subprocess.run([args.llama_bench, "-m", model, "-p", str(args.prompt), "-n", str(args.new_tokens), "-t", str(threads), "-r", "1",
                           "-o", "json"], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{args.llama_bench}\n{done.stderr[-2000:]}")
    rows = json.loads(done.stdout)
    rate = {("prefill" if r["n_prompt"] else "decode"): r["avg_ts"] for r in rows}
    return rate | {"version": f"llama.cpp {rows[0]['build_commit']}, {rows[0]['model_type']}"}


def compare(args, kind):
    contestants = {"jikji": ours, "transformers": theirs} | ({"llama.cpp": llama} if args.llama_bench and KINDS[kind][2] else {})
    threads = {}
    for name, run in contestants.items():
        tried = [args.threads] if args.threads else sorted({1, len(os.sched_getaffinity(0))})
        threads[name] = tried[0] if len(tried) == 1 else max(tried, key=lambda n: run(args, kind, n)["decode"])
    results = {name: [] for name in contestants}
    for _ in range(args.rounds):
        for name, run in contestants.items():
            results[name].append(run(args, kind, threads[name]))
    best = {what: statistics.median(r[what] for r in results["jikji"]) for what in ("decode", "prefill")}
    for name, rows in results.items():
        line = f"{kind:6}{name:14}{threads[name]:8}"
        for what, width in (("decode", 10), ("prefill", 11)):
            values = [r[what] for r in rows]
            middle = statistics.median(values)
            line += f"{middle:{width}.1f}{min(values):9.1f}{max(values):9.1f}{best[what] / middle:9.2f}x"
        print(f"{line}  {rows[-1]['version']}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("jikji", type=program)
    parser.add_argument("model", choices=("gpt2-124m", "llama-110m"))
    parser.add_argument("--weights", default="f32,bf16,int8", help=", ".join(KINDS))
    parser.add_argument("--prompt", type=int, default=256)
    parser.add_argument("--new-tokens", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, help="for all, instead of the better of one and all")
    parser.add_argument("--llama-bench", type=program)
    parser.add_argument("--gguf", help="folder of llama-110m.f32.gguf and its like")
    parser.add_argument("--transformers-once", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.transformers_once:
        return transformers_once(args)
    kinds = args.weights.split(",")
    if not set(kinds) <= set(KINDS):
        sys.exit(f"--weights {args.weights}: some of {', '.join(KINDS)} expected")
    if bool(args.llama_bench) != bool(args.gguf) or (args.gguf and args.model != "llama-110m"):
        sys.exit("--llama-bench and --gguf go together, for llama-110m")
    print(f"{args.model}, prompt {args.prompt}, {args.new_tokens} new tokens, {args.rounds} rounds in turns\n")
    print(f"{'':6}{'':14}{'threads':>8}{'decode/s':>10}{'least':>9}{'most':>9}{'jikji is':>10}{'prefill/s':>11}{'least':>9}{'most':>9}{'jikji is':>10}")
    for kind in kinds:
        compare(args, kind)


if __name__ == "__main__":
    main()
