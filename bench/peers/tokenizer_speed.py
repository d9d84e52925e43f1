#!/usr/bin/env python3
"""Encoding rates of jikji beside tokenizers, tiktoken and sentencepiece: one core, cold, the same documents, the ids compared.

    bench/peers/tokenizer_speed.py --data DATA --work DIR [--rounds 3] [--megabytes 4] [--quicktok DIR LIBRARY] [WORD ...]
    bench/peers/tokenizer_speed.py --data DATA --work DIR --any-input [--rounds 3] [--megabytes 2] [WORD ...]

DATA is the folder of public data sets (docs/performance-tokenizer.md names them), DIR a folder for texts and tokenizers made here.
WORD keeps the rows whose name holds it. Needs build/jikji_tests and build/jikji, zstd, and the three packages. Prints a Markdown table:
median MB/s of the rounds by processor time, programs taking turns, each in a process of its own that has not seen the text. --quicktok adds
quicktok: DIR is its source tree (for the tables in data/), LIBRARY the shared library built of it (c++ -std=c++20 -O3 -march=native -shared -fPIC
src/*.cpp). --any-input measures jikji alone, on texts of which each is one document and meant to be slow: a row a tokenizer, of every family
and compiled pattern (WORD may also name a text).
"""
import argparse, ctypes, glob, json, os, random, re, shutil, statistics, struct, subprocess, sys, time, unicodedata

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DOCUMENT_BYTES = 4096
CL100K = (r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s")
O200K = "|".join([
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n/]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+"])


def read(path):
    if path.endswith(".zst"):
        return subprocess.run(["zstd", "-dcq", path], capture_output=True, check=True).stdout
    return open(path, "rb").read()


def read_set(data, name):
    files = sorted(p for p in glob.glob(f"{data}/{name}/**/*", recursive=True) if os.path.isfile(p))
    return b"".join(read(p) for p in files if not re.search("README|LICENSE", p))


def make_texts(data, work, n_bytes):
    """English prose, and Korean law and reviews half and half; n_bytes each, and a longer training text of both."""
    english = b"".join(read_set(data, s) for s in ["en-us-speeches", "en-wikitext-2", "en-c4-wiki-demo", "en-lambada"])
    law = b"".join(read_set(data, s) for s in ["ko-law", "ko-rust-book"])
    reviews = "\n".join(f[1] for f in (l.split("\t") for l in read_set(data, "ko-nsmc").decode("utf-8", "replace").split("\n"))
                        if len(f) > 1).encode()
    half = n_bytes // 2
    texts = {"en": english[:n_bytes], "ko": law[:half] + reviews[:half], "train": english + law[:6000000] + reviews[:6000000]}
    for name, text in texts.items():
        with open(f"{work}/{name}.txt", "wb") as f:
            f.write(text.decode("utf-8", "ignore").encode())


def any_inputs(work, n_bytes):
    """Texts that are hard on one part or another, the same on every run: name to bytes."""
    dice = random.Random(4)
    def draw(alphabet):
        text = "".join(dice.choices(alphabet, k=n_bytes // len(alphabet[0].encode()) + 1))
        return text.encode()[:n_bytes].decode(errors="ignore").encode()
    korean = open(f"{work}/ko.txt", encoding="utf-8").read()
    marks = [chr(c) for c in range(0x300, 0x370)]
    mapped = [chr(c) for c in [*range(0x3300, 0x3358), *range(0x3371, 0x33E0), *range(0xFDF0, 0xFDFC)]]  # NFKC makes several characters of each
    emoji = ["\U0001F1F0\U0001F1F7", "\U0001F389", "\U0001F468\u200D\U0001F469\u200D\U0001F467", "\U0001F44D\U0001F3FD", "\u2764\uFE0F", "\U0001F600"]
    return {"one letter": b"a" * n_bytes, "letters": draw([chr(c) for c in range(97, 123)]), "hangul": draw([chr(c) for c in range(0xAC00, 0xD7A4)]),
            "words run": "".join(korean.split()).encode()[:n_bytes].decode(errors="ignore").encode(), "spaces": b" " * n_bytes,
            "newlines": b"\n" * n_bytes, "digits": draw("0123456789"), "punctuation": draw([chr(c) for c in range(33, 127) if not chr(c).isalnum()]),
            "bytes": dice.randbytes(n_bytes), "NFD": unicodedata.normalize("NFD", korean).encode()[:n_bytes].decode(errors="ignore").encode(),
            "emoji": draw(emoji)[:n_bytes], "marks": draw(["e", *marks, *marks])[:n_bytes], "Han": draw([chr(c) for c in range(0x4E00, 0xA000)]), "new words": draw([*map(chr, range(97, 123)), *"     "]),
            "high bytes": bytes(dice.choices(range(128, 256), k=n_bytes)), "ASCII": bytes(dice.choices(range(128), k=n_bytes)),
            "U+FDFA": ("\uFDFA" * (n_bytes // 3)).encode(), "U+FDFA words": ("\uFDFA " * (n_bytes // 4)).encode(), "mapped": draw(mapped),
            "mapped words": draw([*mapped, *" " * len(mapped)]), "mapped and letters": draw([*mapped, *map(chr, range(97, 123)), *" " * 60]),
            "numerals": ("\u2167" * (n_bytes // 3)).encode(), "far word": ("\U0001F389 " * (n_bytes // 5)).encode(), "far words": draw([*map(chr, range(0x20000, 0x20400)), *" " * 512]),
            "far marks": ("\U0001D161" * (n_bytes // 4)).encode()}  # the last become several marks each, whose order counts


def make_tokenizers(data, work, others):
    def train(name, size):
        if not os.path.exists(f"{work}/{name}/tokenizer.json"):
            subprocess.run([f"{ROOT}/build/jikji", "tokenizer", "train", "--quiet", "--out", f"{work}/{name}", "--pattern", name, "--vocab-size", size,
                            f"{work}/train.txt"], check=True)
    train("cl100k", "100000")
    train("o200k", "200000")
    for name, size in [("gpt2", "50257"), ("llama3", "128000"), ("qwen", "151000")] if others else []:
        train(name, size)
    t = f"{data}/tokenizers"
    for name, source in {"bert.txt": "bert-base-uncased/vocab.txt", "koelectra.txt": "koelectra/vocab.txt", "llama2.model": "llama2/tokenizer.model.zst",
                         "t5.model": "torchtune-small/t5-spiece.model.zst", "ko_unigram.model": "ko-spm/ko_unigram.model",
                         "ko_bpe.model": "ko-spm/ko_bpe.model"}.items():
        with open(f"{work}/{name}", "wb") as f:
            f.write(read(f"{t}/{source}"))
    for name, lower in [("bert", True), ("koelectra", False)]:
        os.makedirs(f"{work}/{name}", exist_ok=True)
        os.replace(f"{work}/{name}.txt", f"{work}/{name}/vocab.txt")
        with open(f"{work}/{name}/tokenizer_config.json", "w") as f:
            json.dump({"tokenizer_class": "BertTokenizer", "do_lower_case": lower}, f)


def documents(path):
    text, begin = open(path, "rb").read(), 0
    while begin < len(text):
        end = text.find(b"\n", min(begin + DOCUMENT_BYTES, len(text)))
        end = end + 1 if end >= 0 else len(text)
        yield text[begin:end].decode()
        begin = end


def ranks_of(path):
    model = json.load(open(f"{path}/tokenizer.json"))
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in printable]
    byte_of = {chr(b): b for b in printable} | {chr(256 + i): b for i, b in enumerate(others)}
    added = {a["content"] for a in model["added_tokens"]}
    return {bytes(byte_of[c] for c in token): i for token, i in model["model"]["vocab"].items() if token not in added}


def tiktoken_of(path, pattern):
    import tiktoken
    return tiktoken.Encoding("bench", pat_str=pattern, mergeable_ranks=ranks_of(path), special_tokens={})


class Quicktok:
    """Through its C interface; the vocabulary in the files it reads, beside its own tables of character classes."""
    def __init__(self, path, source, library):
        name, ranks = os.path.basename(path), ranks_of(path)
        first = min(ranks.values())
        for table in glob.glob(f"{source}/data/uniclass*.bin"):
            shutil.copy(table, path)
        with open(f"{path}/{name}-q.vocab", "wb") as f:
            f.write(struct.pack("<I", len(ranks)))
            for token, i in sorted(ranks.items(), key=lambda r: r[1]):
                f.write(struct.pack("<H", len(token)) + token + struct.pack("<I", i - first))
        with open(f"{path}/{name}-q.special", "wb") as f:
            f.write(struct.pack("<I", 0))
        with open(f"{path}/{name}-q.enc", "w") as f:
            f.write(f"scanner={name}\nid_offset={first}\n")
        self.lib = ctypes.CDLL(library)
        self.lib.qt_load_dir.restype = ctypes.c_void_p
        self.lib.qt_encode.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_void_p]
        message = ctypes.create_string_buffer(256)
        self.handle = self.lib.qt_load_dir(path.encode(), f"{name}-q".encode(), message, ctypes.c_size_t(256))
        if not self.handle:
            raise SystemExit(f"quicktok: {message.value.decode()}")

    def encode(self, document):
        ids, n = ctypes.POINTER(ctypes.c_uint32)(), ctypes.c_size_t()
        self.lib.qt_encode(self.handle, document, len(document), ctypes.byref(ids), ctypes.byref(n))
        return ids, n.value


def version_of(peer, quicktok):
    if peer == "quicktok":
        return open(f"{quicktok[0]}/VERSION").read().strip()
    import importlib.metadata
    return importlib.metadata.version(peer)


def run_peer(peer, path, text, *quicktok):
    """In a process of its own: load, encode once, print rate, ids and checksum."""
    docs = list(documents(text))
    n_bytes = os.path.getsize(text)
    if peer == "tiktoken":
        encoding = tiktoken_of(path, CL100K if "cl100k" in path else O200K)
        encode = lambda: [encoding.encode_ordinary(d) for d in docs]
    elif peer == "quicktok":
        model, raw = Quicktok(path, *quicktok), [d.encode() for d in docs]
        encode = lambda: [model.encode(d) for d in raw]
    elif peer == "sentencepiece":
        import sentencepiece
        model = sentencepiece.SentencePieceProcessor(model_file=path)
        encode = lambda: model.encode(docs, num_threads=1)
    else:
        import tokenizers
        if os.path.exists(f"{path}/vocab.txt"):
            lower = json.load(open(f"{path}/tokenizer_config.json"))["do_lower_case"]
            model = tokenizers.BertWordPieceTokenizer(f"{path}/vocab.txt", lowercase=lower, strip_accents=lower)._tokenizer
        else:
            model = tokenizers.Tokenizer.from_file(f"{path}/tokenizer.json")
        encode = lambda: [e.ids for e in model.encode_batch_fast(docs, add_special_tokens=False)]
    start = time.process_time()
    ids = encode()
    seconds = time.process_time() - start
    import numpy
    if peer == "quicktok":
        ids = [numpy.ctypeslib.as_array(i, (n,)) if n else [] for i, n in ids]
    flat = numpy.concatenate([numpy.asarray(i, dtype=numpy.uint64) for i in ids])
    total = int(((flat + numpy.uint64(1)) * numpy.arange(1, len(flat) + 1, dtype=numpy.uint64)).sum(dtype=numpy.uint64))
    print(f"encode {n_bytes / seconds / 1e6:.2f} MB/s, {len(flat)} ids, checksum {total}")


def measure(peer, path, text, quicktok=None, is_one_document=False):
    env = dict(os.environ, RAYON_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false", OMP_NUM_THREADS="1")
    if peer == "jikji":
        env |= {"JIKJI_BENCH_TOKENIZER": path, "JIKJI_BENCH_TEXT": text, "JIKJI_BENCH_ROUNDS": "1"}
        if is_one_document:
            env["JIKJI_BENCH_DOCUMENT_BYTES"] = str(os.path.getsize(text))
        command = [f"{ROOT}/build/jikji_tests", "--bench", "tokenizer.encode"]
    else:
        command = [sys.executable, os.path.abspath(__file__), "--peer", peer, path, text, *(quicktok or [])]
    out = subprocess.run(command, env=env, capture_output=True, text=True)
    found = re.search(r"encode ([0-9.]+) MB/s, (.*)", out.stdout)
    if not found:
        raise SystemExit(f"{peer} {path}: {out.stdout}{out.stderr}")
    return float(found[1]), found[2]


def print_any_input(work, n_bytes, rounds, words):
    texts = any_inputs(work, n_bytes)
    for name, text in texts.items():
        with open(f"{work}/any {name}.txt", "wb") as f:
            f.write(text)
    names = [n for n in texts if n in words] or list(texts)
    print("| tokenizer | " + " | ".join(names) + " |\n|" + "---|" * (1 + len(names)))
    rows = ["gpt2", "cl100k", "o200k", "llama3", "qwen", "t5.model", "ko_unigram.model", "ko_bpe.model", "llama2.model", "koelectra", "bert"]
    kept = [w for w in words if w not in texts]
    for row in rows:
        if kept and not any(w in row for w in kept):
            continue
        rates = [statistics.median(measure("jikji", f"{work}/{row}", f"{work}/any {n}.txt", is_one_document=True)[0] for _ in range(rounds)) for n in names]
        print(f"| {row.removesuffix('.model')} | " + " | ".join(f"{r:.0f}" for r in rates) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data")
    parser.add_argument("--work")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--megabytes", type=float)
    parser.add_argument("--quicktok", nargs=2, metavar=("DIR", "LIBRARY"))
    parser.add_argument("--any-input", action="store_true")
    parser.add_argument("--peer", nargs="+", help=argparse.SUPPRESS)
    parser.add_argument("words", nargs="*")
    args = parser.parse_args()
    if args.peer:
        run_peer(*args.peer)
        return
    os.makedirs(args.work, exist_ok=True)
    make_texts(args.data, args.work, 4000000 if args.any_input else int((args.megabytes or 4) * 1e6))
    make_tokenizers(args.data, args.work, args.any_input)
    if args.any_input:
        print_any_input(args.work, int((args.megabytes or 2) * 1e6), args.rounds, args.words)
        return
    rows = [("cl100k", "en", ["tiktoken", "tokenizers"]), ("o200k", "en", ["tiktoken", "tokenizers"]),
            ("cl100k", "ko", ["tiktoken", "tokenizers"]), ("o200k", "ko", ["tiktoken", "tokenizers"]),
            ("bert", "en", ["tokenizers"]), ("koelectra", "ko", ["tokenizers"]), ("llama2.model", "en", ["sentencepiece"]),
            ("llama2.model", "ko", ["sentencepiece"]), ("t5.model", "en", ["sentencepiece"]), ("ko_unigram.model", "ko", ["sentencepiece"]),
            ("ko_bpe.model", "ko", ["sentencepiece"])]
    print("| tokenizer | text | jikji MB/s | peer | peer MB/s | ratio | ids |\n|---|---|---|---|---|---|---|")
    for name, text, peers in rows:
        if args.words and not any(w in f"{name} {text}" for w in args.words):
            continue
        rates = {p: [] for p in ["jikji", *peers]}
        ids = {}
        if args.quicktok and "tiktoken" in peers:
            rates["quicktok"] = []
            peers = [*peers, "quicktok"]
        for _ in range(args.rounds):
            for p in rates:
                rate, ids[p] = measure(p, f"{args.work}/{name}", f"{args.work}/{text}.txt", args.quicktok)
                rates[p].append(rate)
        ours = statistics.median(rates["jikji"])
        for p in peers:
            theirs = statistics.median(rates[p])
            same = "equal" if ids[p] == ids["jikji"] else f"DIFFER: {ids['jikji']} / {ids[p]}"
            print(f"| {name} | {text} | {ours:.1f} | {p} {version_of(p, args.quicktok)} | {theirs:.1f} | {ours / theirs:.1f} | {same} |", flush=True)


main()
