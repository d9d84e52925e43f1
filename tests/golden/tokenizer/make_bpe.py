"""Writes bpe.txt: what Hugging Face's trainer and encoder make of text.txt. Run with tokenizers 0.23:  python make_bpe.py

First the merges, one a line; then a blank line; then the ids of the text's lines."""
import json
import os
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

here = os.path.dirname(os.path.abspath(__file__))
text = open(os.path.join(here, "text.txt"), encoding="utf-8", newline="").read()
tok = Tokenizer(models.BPE())
tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
alphabet = pre_tokenizers.ByteLevel.alphabet()
tok.train_from_iterator([text], trainers.BpeTrainer(vocab_size=400, min_frequency=2, special_tokens=["<|endoftext|>"],
                                                    initial_alphabet=alphabet, show_progress=False))
model = json.loads(tok.to_str())["model"]
with open(os.path.join(here, "bpe.txt"), "w", encoding="utf-8") as out:
    for left, right in model["merges"]:
        out.write(f"{left} {right}\n")
    out.write("\n")
    for line in text.split("\n"):
        out.write(" ".join(map(str, tok.encode(line).ids)) + "\n")
