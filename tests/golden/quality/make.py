"""Decisions of datatrove's filters on made-up texts, for quality_test.c.

    python make.py > sample.jsonl      (datatrove 0.10)

Words are runs between white space here as there, so that the rules are compared and not the word tokenizers. Texts are drawn from small
word lists with repeated lines, bullets, ellipses and symbols mixed in, so that every rule fires somewhere.
"""
import json
import random
import datatrove.pipeline.filters.gopher_quality_filter as gq
import datatrove.pipeline.filters.gopher_repetition_filter as gr
import datatrove.pipeline.filters.fineweb_quality_filter as fq
from datatrove.data import Document

for module in (gq, gr, fq):
    module.split_into_words = lambda text, language=None: text.split()
filters = {"gopher-repetition": gr.GopherRepetitionFilter(), "gopher-quality": gq.GopherQualityFilter(), "fineweb": fq.FineWebQualityFilter()}

random.seed(5)
EN = "the a of and to have with that be cat walks slowly through old garden while rain falls on quiet town people talk about weather every morning".split()
KO = "오늘 아침에 사람들은 공원으로 천천히 걸어갔다 비가 조용히 내렸고 아이들은 집에서 책을 읽었다 그리고 고양이는 창가에 앉아 있었다".split()
ODD = ["#", "##", "...", "…", "-", "•", "12", "3.5", "!!!", "a", "extraordinarilylongwordindeed"]


def sentence(words, n):
    return " ".join(random.choice(words) for _ in range(n)) + random.choice([".", ".", "?", "", "...", "…", '"'])


def text(kind):
    words = random.choice([EN, EN, KO, EN + KO])
    lines = [sentence(words + (ODD if kind == "odd" else []), random.randint(2, 25)) for _ in range(random.randint(3, 16))]
    if kind == "repeated":
        lines += [random.choice(lines) for _ in range(random.randint(1, 8))]
    if kind == "bullets":
        lines = [random.choice(["- ", "• ", ""]) + line for line in lines]
    if kind == "short":
        lines = [sentence(words, random.randint(1, 4)) for _ in range(40)]
    if kind == "phrase":
        phrase = " ".join(random.choice(words) for _ in range(random.randint(2, 9)))
        lines = [line + " " + phrase for line in lines]
    return random.choice(["\n", "\n", "\n\n", " "]).join(lines)


for i in range(96):
    t = text(("plain", "odd", "repeated", "bullets", "short", "phrase")[i % 6])
    decisions = {}
    for name, f in filters.items():
        r = f.filter(Document(text=t, id=str(i)))
        decisions[name] = "" if r is True else r[1]
    print(json.dumps({"text": t, **decisions}, ensure_ascii=False))
