"""Decisions and texts of datatrove's C4 filters on made-up pages, for c4_test.c.

    python make_c4.py > c4.jsonl      (datatrove 0.10)

Sentences are runs up to . ? ! and what closes behind them, here as there for such plain words, so that the rules are compared and not the sentence
splitters.
"""
import json
import random
import re
import datatrove.pipeline.filters.c4_filters as c4
from datatrove.data import Document

c4.split_into_sentences = lambda text, language=None: [s for s in re.split(r"(?<=[.?!])[\"']*\s+|(?<=[.?!][\"'])\s+", text) if s]
random.seed(11)
WORDS = "cats walk slowly through old gardens while rain falls on quiet towns people talk about weather every morning fields shine again".split()
KO = "오늘 아침에 사람들은 공원으로 천천히 걸어갔다 비가 조용히 내렸고 아이들은 집에서 책을 읽었다".split()
ODD = ["JavaScript is needed.", "Please enable javascript here.", "Lorem Ipsum dolor sit.", "function f() { return here; }.", "See our Privacy Policy here.", "This site uses cookies today.",
       "Read the terms of use first.", "a" * 1001 + " is a long word.", "Too short.", "No end mark at all", "It trails off...", "Known facts[12] are cited[citation needed].", "History[edit]",
       "He said \"I will go.\"", "\tIt is indented by a tab. ", "Is it so?", "Yes it is!", "[ 3] stays as it is.", "Empty [] brackets go away."]


def sentence(words):
    return " ".join(random.choice(words) for _ in range(random.randint(3, 12))).capitalize() + random.choice([".", ".", ".", "?", "!"])


for i in range(120):
    words = random.choice([WORDS, WORDS, KO])
    lines = [" ".join(sentence(words) for _ in range(random.randint(1, 4))) for _ in range(random.randint(1, 7))]
    for _ in range(random.randint(0, 3)):
        lines.insert(random.randint(0, len(lines)), random.choice(ODD))
    if i % 6 == 0:
        lines = [" ".join(sentence(words) for _ in range(8)) for _ in range(random.randint(2, 4))]
    text = random.choice(["\n", "\n", "\n\n", "\r\n"]).join(lines)
    page = Document(text=text, id=str(i))
    r = c4.C4QualityFilter().filter(page)
    paragraphs = c4.C4ParagraphFilter().filter(Document(text=text, id=str(i)))
    print(json.dumps({"text": text, "c4": "" if r is True else r[1], "kept": page.text if r is True else "", "mc4": "" if paragraphs is True else "paragraphs"}, ensure_ascii=False))
