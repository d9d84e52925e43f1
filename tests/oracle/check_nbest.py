#!/usr/bin/env python3
"""n-best cuts and extended vocabularies against the programs that own them.

    tests/oracle/check_nbest.py --model UNIGRAM.model --text FILE [--lines 300] [--best 8]
    tests/oracle/check_nbest.py --old TEXT --text FILE --work DIR

With --model: `jikji tokenizer encode --nbest` against sentencepiece's lists; lists whose scores agree within 1e-3 in the same order but whose cuts
stand in another are counted as ties. With --old: vocabularies of 3,000 tokens from TEXT, extended to 5,000 from FILE, must keep their ids and encode
in tokenizers as here, but for ties of a unigram model. Exits with 1 when anything else differs. Needs build/jikji and the two packages.
"""
import argparse, os, subprocess, sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
JIKJI = f"{ROOT}/build/jikji"


def run(*words, lines=None):
    text = None if lines is None else "\n".join(lines) + "\n"
    return subprocess.run([JIKJI, "tokenizer", *words], input=text, capture_output=True, text=True, check=True).stdout


def check_nbest(model_path, lines, best):
    import sentencepiece
    model = sentencepiece.SentencePieceProcessor(model_file=model_path)
    ours = {}
    for line in run("encode", "--tokenizer", model_path, "--nbest", str(best), lines=lines).splitlines():
        number, _, ids = line.split("\t")
        ours.setdefault(int(number), []).append([int(i) for i in ids.split()])
    score = lambda ids: sum(model.get_score(i) for i in ids)
    n_same = n_tied = n_wrong = 0
    for i, line in enumerate(lines):
        theirs = model.nbest_encode_as_ids(line, best)
        if theirs == ours[i]:
            n_same += 1
        elif len(theirs) == len(ours[i]) and all(abs(score(a) - score(b)) < 1e-3 for a, b in zip(theirs, ours[i])):
            n_tied += 1
        else:
            n_wrong += 1
    print(f"{len(lines)} lines, {best} best: {n_same} equal, {n_tied} with ties, {n_wrong} differ")
    return n_wrong


def check_extended(old, text, lines, work):
    from tokenizers import Tokenizer
    n_wrong = 0
    for kind in ("byte-bpe", "unigram"):
        small, large = f"{work}/{kind}", f"{work}/{kind}-more"
        run("train", "--quiet", "--type", kind, "--vocab-size", "3000", "--out", small, old)
        run("train", "--quiet", "--extend", small, "--vocab-size", "5000", "--format", "lines", "--out", large, text)
        before, after = Tokenizer.from_file(f"{small}/tokenizer.json"), Tokenizer.from_file(f"{large}/tokenizer.json")
        n_moved = sum(after.token_to_id(token) != i for token, i in before.get_vocab().items())
        theirs = [e.ids for e in after.encode_batch(lines, add_special_tokens=False)]
        ours = [[int(i) for i in line.split()] for line in run("encode", "--tokenizer", large, lines=lines).splitlines()]
        n_tied = sum(a != b and kind == "unigram" and sorted(a) == sorted(b) for a, b in zip(ours, theirs))
        n_differ = sum(a != b for a, b in zip(ours, theirs)) - n_tied
        n_before = sum(len(e.ids) for e in before.encode_batch(lines, add_special_tokens=False))
        print(f"{kind}: {after.get_vocab_size()} tokens, {n_moved} ids moved, {n_differ} of {len(lines)} lines differ, {n_tied} ties; "
              f"{n_before} tokens before, {sum(map(len, ours))} after")
        n_wrong += n_moved + n_differ
    return n_wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model")
    parser.add_argument("--old")
    parser.add_argument("--text", required=True)
    parser.add_argument("--work")
    parser.add_argument("--lines", type=int, default=300)
    parser.add_argument("--best", type=int, default=8)
    args = parser.parse_args()
    with open(args.text) as f:
        lines = [line.rstrip("\n") for line in f][:args.lines]
    n_wrong = check_nbest(args.model, lines, args.best) if args.model else 0
    n_wrong += check_extended(args.old, args.text, lines, args.work) if args.old else 0
    sys.exit(n_wrong > 0)


main()
