#!/usr/bin/env python3
"""Proves `jikji tokenizer convert` with the programs that own the formats: tokenizers, sentencepiece, tiktoken.

    check_converted.py JIKJI TEXTS.jsonl FOLDER

FOLDER holds vocabularies as published (tokenizer.json directories, *.model, *.tiktoken, encoder.json + vocab.bpe, vocab.txt). Each is
converted to every format that takes it; the foreign program loads what was written and must give Jikji's ids for every text."""
import json, os, struct, subprocess, sys, tempfile
import sentencepiece, tiktoken, tokenizers
from tiktoken.load import load_tiktoken_bpe

jikji, texts_path, folder = sys.argv[1:4]
texts = [json.loads(line)["text"] for line in open(texts_path, encoding="utf-8")]


def encoded(path, *flags):
    lines = subprocess.run([jikji, "tokenizer", "encode", "--tokenizer", path, "--jsonl", texts_path, "--field", "text", *flags],
                           capture_output=True, text=True, check=True).stdout.split("\n")
    return [[int(i) for i in line.split()] for line in lines[:len(texts)]]


def by_tokenizers(path):
    tok = tokenizers.Tokenizer.from_file(path + "/tokenizer.json")
    return lambda text: tok.encode(text, add_special_tokens=False).ids, set(t.content for t in tok.get_added_tokens_decoder().values())


def by_vocab_merges(path):
    tok = tokenizers.Tokenizer(tokenizers.models.BPE.from_file(path + "/vocab.json", path + "/merges.txt"))
    tok.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    return lambda text: tok.encode(text).ids, set()


def by_vocab_txt(path):
    config = json.load(open(path + "/tokenizer_config.json")) if os.path.exists(path + "/tokenizer_config.json") else None
    if config is None:
        return None, set()
    tok = tokenizers.BertWordPieceTokenizer(path + "/vocab.txt", lowercase=config["do_lower_case"], strip_accents=config["strip_accents"],
                                            handle_chinese_chars=config["tokenize_chinese_chars"])
    return lambda text: tok.encode(text, add_special_tokens=False).ids, {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}


def by_sentencepiece(path):
    tok = sentencepiece.SentencePieceProcessor(model_file=path)
    return tok.encode, set()


def by_tiktoken(path, pattern):
    tok = tiktoken.Encoding("converted", pat_str=pattern, mergeable_ranks=load_tiktoken_bpe(path), special_tokens={})
    return tok.encode_ordinary, set()


def by_llmc(path, pattern):
    """The reader of llm.c's tokenizer.h, then the ranks as tiktoken would take them."""
    data = open(path, "rb").read()
    magic, version, n, eot = struct.unpack_from("<4i", data)
    assert (magic, version) == (20240328, 2)
    ranks, at = {}, 1024
    for i in range(n):
        length = data[at]
        if i != eot:
            ranks[data[at + 1:at + 1 + length]] = i
        at += 1 + length
    assert at == len(data)
    return tiktoken.Encoding("converted", pat_str=pattern, mergeable_ranks=ranks, special_tokens={}).encode_ordinary, set()


failed = False
for name in sorted(os.listdir(folder)):
    source = os.path.join(folder, name)
    ours = subprocess.run([jikji, "tokenizer", "encode", "--tokenizer", source], input=b"a\n", capture_output=True)
    if ours.returncode:
        continue
    want = encoded(source)
    if name.endswith(".model") and open(source, "rb").read(1) == b"\n":  # sums that tie fall differently in different versions
        own = sentencepiece.SentencePieceProcessor(model_file=source)
        print(f"{name}: {sum(own.encode(t) == i for t, i in zip(texts, want))} of {len(texts)} texts as sentencepiece {sentencepiece.__version__}")
    for to, suffix in (("json", ""), ("sentencepiece", ".model"), ("tiktoken", ".tiktoken"), ("vocab-merges", ""), ("vocab-txt", ""), ("llm.c", ".bin")):
        with tempfile.TemporaryDirectory() as out:
            target = os.path.join(out, "x" + suffix)
            run = subprocess.run([jikji, "tokenizer", "convert", "--tokenizer", source, "--to", to, "--out", target], capture_output=True, text=True)
            if run.returncode:
                print(f"{name} -> {to}: refused: {run.stderr.strip().split('jikji: ')[-1][-150:]}")
                continue
            pattern = next((line.split("--pattern '", 1)[1][:-1] for line in run.stderr.split("\n") if "read it with --pattern" in line), None)
            encode, special = {"json": by_tokenizers, "sentencepiece": by_sentencepiece, "vocab-merges": by_vocab_merges, "vocab-txt": by_vocab_txt,
                               "tiktoken": lambda p: by_tiktoken(p, pattern), "llm.c": lambda p: by_llmc(p, pattern)}[to](target)
            if encode is None:
                print(f"{name} -> {to}: no program here reads it without a config")
                continue
            compared = wrong = ties = 0
            for text, ids in zip(texts, want):
                if any(s in text for s in special):  # the library always parses special tokens; Jikji never does unasked
                    continue
                compared += 1
                got = encode(text)
                ties += got != ids and sorted(got) == sorted(ids)  # equal sums of log probabilities
                wrong += sorted(got) != sorted(ids)
            failed |= wrong > 0
            print(f"{name} -> {to}: {compared - wrong - ties} of {compared} texts equal, {ties} ties, {wrong} wrong")
sys.exit(failed)
