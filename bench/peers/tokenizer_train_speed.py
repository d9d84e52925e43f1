#!/usr/bin/env python3
"""Training a tokenizer: jikji beside tokenizers (byte-level BPE) and sentencepiece (Unigram), in turns, on one thread.

    bench/peers/tokenizer_train_speed.py --data DATA --work DIR [--rounds 3] [--megabytes 8] [--bpe-size 32000] [--unigram-size 8000]

DATA is the folder of public data sets (its ko-nsmc: Korean reviews, one a document), DIR a folder for what is made here. Prints a Markdown table:
median processor seconds and peak resident memory of whole processes, loading the text and writing the vocabulary included. Needs build/jikji and
both packages.
"""
import argparse, importlib.metadata, multiprocessing, os, statistics, subprocess, sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def write_reviews(data, path, n_bytes):
    table = subprocess.run(["zstd", "-dcq", f"{data}/ko-nsmc/reviews.tsv.zst"], capture_output=True, check=True).stdout.decode()
    reviews = [fields[1] for fields in (line.split("\t") for line in table.split("\n")[1:]) if len(fields) > 1 and fields[1]]
    with open(path, "wb") as f:
        f.write("\n".join(reviews).encode()[:n_bytes].decode(errors="ignore").encode() + b"\n")


def train_peer(peer, text, size, out):
    if peer == "tokenizers":
        from tokenizers import Tokenizer, models, pre_tokenizers, trainers
        model = Tokenizer(models.BPE())
        model.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        trainer = trainers.BpeTrainer(vocab_size=size, min_frequency=2, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
        model.train([text], trainer)
        model.save(f"{out}.json")
    else:
        import sentencepiece
        sentencepiece.SentencePieceTrainer.train(input=text, model_prefix=out, vocab_size=size, model_type="unigram", num_threads=1,
                                                 minloglevel=2)


def measure(command):
    """Processor seconds and peak megabytes of one process."""
    env = dict(os.environ, RAYON_NUM_THREADS="1", OMP_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false")
    pid = os.posix_spawnp(command[0], command, env, file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)])
    _, status, used = os.wait4(pid, 0)
    if status != 0:
        raise SystemExit(f"failed: {' '.join(command)}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1000


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data")
    parser.add_argument("--work")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--megabytes", type=float, default=8)
    parser.add_argument("--bpe-size", type=int, default=32000)
    parser.add_argument("--unigram-size", type=int, default=8000)
    parser.add_argument("--peer", nargs=4, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.peer:
        train_peer(args.peer[0], args.peer[1], int(args.peer[2]), args.peer[3])
        return
    os.makedirs(args.work, exist_ok=True)
    text = f"{args.work}/reviews.txt"
    writer = multiprocessing.Process(target=write_reviews, args=(args.data, text, int(args.megabytes * 1e6)))  # a child's peak begins at its parent's
    writer.start()
    writer.join()
    print("| type | jikji s | peer | peer s | times as fast | jikji MB | peer MB |\n|---|---|---|---|---|---|---|")
    for kind, size, peer in [("byte-bpe", args.bpe_size, "tokenizers"), ("unigram", args.unigram_size, "sentencepiece")]:
        ours = [f"{ROOT}/build/jikji", "tokenizer", "train", "--quiet", "true", "--type", kind, "--vocab-size", str(size), "--format", "lines",
                "--threads", "1", "--out", f"{args.work}/ours-{kind}", text]
        theirs = [sys.executable, os.path.abspath(__file__), "--peer", peer, text, str(size), f"{args.work}/{peer}"]
        takes = [(measure(ours), measure(theirs)) for _ in range(args.rounds)]
        (s, mb), (peer_s, peer_mb) = [[statistics.median(take[who][i] for take in takes) for i in (0, 1)] for who in (0, 1)]
        print(f"| {kind} {size} | {s:.1f} | {peer} {importlib.metadata.version(peer)} | {peer_s:.1f} | {peer_s / s:.1f} | {mb:.0f} | {peer_mb:.0f} |", flush=True)


main()
