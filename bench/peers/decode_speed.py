#!/usr/bin/env python3
"""Decoding and prefill of Jikji beside transformers, and llama.cpp where it is built, in turns on this machine: one sequence, random weights of
the same shape, the same precision.

    decode_speed.py JIKJI gpt2-124m|llama-110m [--precision f32|bf16] [--weights packed|int8|int4] [--prompt 256] [--new-tokens 32] [--rounds 5]
                    [--llama-bench LLAMA-BENCH --gguf MODEL.gguf]
    decode_speed.py build/jikji llama-110m --weights int8 --llama-bench llama.cpp/build/bin/llama-bench --gguf llama-110m.q8_0.gguf

Each round runs each contestant once; a contestant's number is the median of its rounds, the spread their least and most. transformers takes
the better of one thread and all of them, found before the rounds; llama-bench likewise. `--gguf` is the same shape in the precision that is
compared: f32, bf16, or q8_0 for int8; `random_gguf.py` writes such files for llama-110m. `bench/peers/llama_cpp.c` takes llama-bench's place where only libllama is built. Needs torch and
transformers in the Python that runs this.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.abspath(__file__)


def last_json(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


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
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16 if args.precision == "bf16" else torch.float32).eval()
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


def ours(args, threads):
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads))
    command = [args.jikji, "bench", "decode", args.model, "--precision", args.precision, "--weights", args.weights, "--prompt", str(args.prompt),
               "--new-tokens", str(args.new_tokens), "--rounds", "1", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{done.stderr[-2000:]}")
    r = json.loads(done.stdout.strip().splitlines()[-1])
    return {"decode": r["decode_tokens_per_second"], "prefill": r["prefill_tokens_per_second"],
            "version": f"{r['cpu_level']}, {100 * r['share_of_reading']:.0f} % of reading, {100 * r['prefill_share_of_peak']:.0f} % of products"}


def theirs(args, threads):
    return last_json([sys.executable, HERE, args.jikji, args.model, "--precision", args.precision, "--prompt", str(args.prompt), "--new-tokens",
                      str(args.new_tokens), "--threads", str(threads), "--transformers-once"])


def llama(args, threads):
    done = subprocess.run([args.llama_bench, "-m", args.gguf, "-p", str(args.prompt), "-n", str(args.new_tokens), "-t", str(threads), "-r", "1",
                           "-o", "json"], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{args.llama_bench}\n{done.stderr[-2000:]}")
    rows = json.loads(done.stdout)
    rate = {("prefill" if r["n_prompt"] else "decode"): r["avg_ts"] for r in rows}
    return rate | {"version": f"llama.cpp {rows[0]['build_commit']}, {rows[0]['model_type']}"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("jikji")
    parser.add_argument("model", choices=("gpt2-124m", "llama-110m"))
    parser.add_argument("--precision", choices=("f32", "bf16"), default="f32")
    parser.add_argument("--weights", choices=("stored", "packed", "int8", "int4"), default="packed")
    parser.add_argument("--prompt", type=int, default=256)
    parser.add_argument("--new-tokens", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--llama-bench")
    parser.add_argument("--gguf")
    parser.add_argument("--threads", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--transformers-once", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.transformers_once:
        return transformers_once(args)
    if bool(args.llama_bench) != bool(args.gguf):
        sys.exit("--llama-bench and --gguf go together")
    contestants = {"jikji": ours, "transformers": theirs} | ({"llama.cpp": llama} if args.llama_bench else {})
    n_cpus = len(os.sched_getaffinity(0))
    threads = {}
    for name, run in contestants.items():
        tried = {n: run(args, n)["decode"] for n in sorted({1, n_cpus})}
        threads[name] = max(tried, key=tried.get)
    results = {name: [] for name in contestants}
    for _ in range(args.rounds):
        for name, run in contestants.items():
            results[name].append(run(args, threads[name]))
    print(f"{args.model}, {args.precision}, our weights {args.weights}, prompt {args.prompt}, {args.new_tokens} new tokens, {args.rounds} rounds"
          " in turns; transformers has no 8 or 4 bits here, so its weights are whole\n")
    print(f"{'':14}{'threads':>8}{'decode/s':>10}{'least':>9}{'most':>9}{'jikji is':>10}{'prefill/s':>11}{'least':>9}{'most':>9}{'jikji is':>10}")
    best = {what: statistics.median(r[what] for r in results["jikji"]) for what in ("decode", "prefill")}
    for name, rows in results.items():
        line = f"{name:14}{threads[name]:8}"
        for what, width in (("decode", 10), ("prefill", 11)):
            values = [r[what] for r in rows]
            middle = statistics.median(values)
            line += f"{middle:{width}.1f}{min(values):9.1f}{max(values):9.1f}{best[what] / middle:9.2f}x"
        print(f"{line}  {rows[-1]['version']}")


if __name__ == "__main__":
    main()
