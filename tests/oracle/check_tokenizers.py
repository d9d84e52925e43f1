#!/usr/bin/env python3
"""Ids of `jikji tokenizer encode` against tiktoken, tokenizers and sentencepiece on hostile and ordinary text.

    tests/oracle/check_tokenizers.py --data DATA --work DIR [--megabytes 2] [WORD ...]

DATA and DIR as for bench/peers/tokenizer_speed.py, which makes the tokenizers in DIR and must have run once. Texts: every code point alone
and doubled; random code points; random concatenations of vocabulary entries; words of 15, 16, 31, 32, 63, 64, 65, 65535 and 65536
characters; and up to --megabytes of every data set, as it is, in NFC and in NFD. Prints a line a tokenizer and exits with 1 when
anything differs. sentencepiece up to 0.2.1 compares a new sum in double with a kept one in float, and so does jikji: with these releases
every id must be equal. Later ones round both; there, two ways whose scores are equal within a float's precision are counted apart, as
ties.
"""
import argparse, importlib.util, json, os, random, subprocess, sys, unicodedata

FLOAT_EPSILON = 2.0 ** -22  # two roundings of a sum may part two equal ones by so much of it
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def speed_module():
    sys.argv, saved = [sys.argv[0]], sys.argv
    source = open(f"{ROOT}/bench/peers/tokenizer_speed.py").read().rsplit("main()", 1)[0]
    module = {"__file__": f"{ROOT}/bench/peers/tokenizer_speed.py", "__name__": "speed"}
    exec(compile(source, "tokenizer_speed.py", "exec"), module)
    sys.argv = saved
    return module


def hostile_texts(entries):
    rng = random.Random(7)
    points = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    for c in points:
        yield c
        yield c + c
    for _ in range(20000):
        yield "".join(rng.choice(points[:0x3000] if rng.random() < 0.7 else points) for _ in range(rng.randint(1, 40)))
    for _ in range(40000):
        yield "".join(rng.choice(entries) for _ in range(rng.randint(1, 12)))
    for n in (15, 16, 31, 32, 63, 64, 65, 65535, 65536):
        for unit in ("a", "ab", "가", "가나다", " ", "1", "\\n", "é", "ㅋ"):
            yield (unit * n)[:n]
        yield "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(n))
        yield "".join(chr(rng.randint(0xAC00, 0xD7A3)) for _ in range(n))


def data_texts(speed, data, n_bytes):
    for name in sorted(os.listdir(data)):
        if not os.path.isdir(f"{data}/{name}") or name == "tokenizers":
            continue
        text = speed["read_set"](data, name)[:n_bytes].decode("utf-8", "ignore")
        for start in range(0, len(text), 3000):
            part = text[start:start + 3000]
            yield from {part, unicodedata.normalize("NFC", part), unicodedata.normalize("NFD", part)}


def jikji_ids(path, texts, work):
    with open(f"{work}/texts.jsonl", "w") as f:
        f.writelines(json.dumps({"text": t}) + "\n" for t in texts)
    with open(f"{work}/ids.txt", "wb") as f:
        subprocess.run([f"{ROOT}/build/jikji", "tokenizer", "encode", "--tokenizer", path, "--jsonl", f"{work}/texts.jsonl"], stdout=f, check=True)
    with open(f"{work}/ids.txt") as f:
        return [[int(i) for i in line.split()] for line in f]


def peers_of(speed, name, path):
    """(name, encode a list of texts, score of a list of ids or None, vocabulary entries as text)"""
    if path.endswith(".model"):
        import sentencepiece
        model = sentencepiece.SentencePieceProcessor(model_file=path)
        entries = [model.id_to_piece(i).replace("\u2581", " ") for i in range(model.get_piece_size())]
        rounds_both = tuple(map(int, sentencepiece.__version__.split("."))) > (0, 2, 1)
        score = (lambda ids: sum(model.get_score(i) for i in ids)) if rounds_both else None
        return [(f"sentencepiece {sentencepiece.__version__}", lambda t: model.encode(t, num_threads=1), score, entries)]
    import tokenizers
    if os.path.exists(f"{path}/vocab.txt"):
        lower = json.load(open(f"{path}/tokenizer_config.json"))["do_lower_case"]
        model = tokenizers.BertWordPieceTokenizer(f"{path}/vocab.txt", lowercase=lower, strip_accents=lower)._tokenizer
    else:
        model = tokenizers.Tokenizer.from_file(f"{path}/tokenizer.json")
        model.encode_special_tokens = True
    special = {i for i, t in model.get_added_tokens_decoder().items() if t.special}  # text that spells one is only text to jikji
    entries = [model.decode([i], skip_special_tokens=False) for i in range(model.get_vocab_size()) if i not in special]
    found = [("tokenizers", lambda t: [e.ids for e in model.encode_batch_fast(t, add_special_tokens=False)], None, entries)]
    if name in ("cl100k", "o200k"):
        encoding = speed["tiktoken_of"](path, speed["CL100K"] if name == "cl100k" else speed["O200K"])
        found.append(("tiktoken", lambda t: [encoding.encode_ordinary(x) for x in t], None, entries))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--megabytes", type=float, default=2)
    parser.add_argument("words", nargs="*")
    args = parser.parse_args()
    speed = speed_module()
    n_wrong_all = 0
    names = ["cl100k", "o200k", "bert", "koelectra", "llama2.model", "t5.model", "ko_unigram.model", "ko_bpe.model"]
    for word in set(args.words) - set(names):
        parser.error(f"no tokenizer {word}; there are {', '.join(names)}")
    for name in names:
        if args.words and name not in args.words:
            continue
        path = f"{args.work}/{name}"
        peers = peers_of(speed, name, path)
        texts = [*hostile_texts(peers[0][3]), *data_texts(speed, args.data, int(args.megabytes * 1e6))]
        ours = jikji_ids(path, texts, args.work)
        for peer, encode, score, _ in peers:
            n_wrong = n_tied = 0
            for start in range(0, len(texts), 4096):
                for text, a, b in zip(texts[start:start + 4096], ours[start:start + 4096], encode(texts[start:start + 4096])):
                    if a == list(b):
                        continue
                    if score and abs(score(a) - score(b)) <= FLOAT_EPSILON * (1 + abs(score(a))):
                        n_tied += 1
                        continue
                    n_wrong += 1
                    if n_wrong <= 3:
                        print(f"  {name} {peer}: {text[:60]!r}: {a[:12]} {list(b)[:12]}")
            n_wrong_all += n_wrong
            print(f"{name}: {peer}: {len(texts)} texts, {sum(map(len, texts))} characters, {n_wrong} differ, {n_tied} ties", flush=True)
    sys.exit(n_wrong_all > 0)


main()
