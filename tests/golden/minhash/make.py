"""Signatures of datatrove's MinHash on made-up texts, for minhash_datatrove_test.c.

    python make.py > signatures.jsonl      (datatrove 0.10, numpy, xxhash)

Words are runs between white space, here as there. Signatures are those of the class itself, wrapping products included; numbers are written as texts,
since they need 61 bits.
"""
import json
import types
import xxhash
import datatrove.pipeline.dedup.minhash as mh

mh.load_word_tokenizer = lambda language: types.SimpleNamespace(word_tokenize=lambda text: text.split())
TEXTS = [
    "The quick brown fox jumps over the lazy dog, and then it jumps again over the dog.",
    "THE QUICK (brown) fox: jumps - over the lazy dog; and then it jumps again over the dog!",
    "In 1,024 cases of 3.14 and 12.5.7 it was ١٢٫٥ or １２, in 2026 as in 1999.",
    "Café crème, naïve façade, Ångström, Çağ, ÎLE, ΟΔΥΣΣΕΥΣ ΣΑΣ, İstanbul and straße.",
    "직지는 금속활자로 찍은 가장 오래된 책이다. 1377년에 청주 흥덕사에서 찍었다고 한다.",
    "오늘\t아침에\n비가  왔다 그리고 저녁에는 눈이 왔다 내일은 맑다고 한다",
    "吾輩は猫である。 名前は まだ 無い。 どこで 生れたか 頓と 見当が つかぬ。",
    "one two three four five",
    "one two three four",
    "a_b c-d e/f g\\h i|j k~l m`n o^p q=r s+t «u» „v“ w…x y—z",
]
for n_grams, buckets, rows, seed in ((5, 14, 8, 1), (2, 5, 3, 7)):
    step = mh.MinhashDedupSignature("/tmp/none", mh.MinhashConfig(n_grams=n_grams, num_buckets=buckets, hashes_per_bucket=rows, seed=seed))
    step._hash_func = lambda text: xxhash.xxh64_intdigest(text.encode())  # xxhash 4 takes bytes only
    for text in TEXTS:
        shingles = step.get_shingles(text)
        signature = [str(x) for band in step.get_signature(shingles) for x in band] if shingles.size else []
        print(json.dumps({"text": text, "n": n_grams, "bands": buckets, "rows": rows, "seed": seed, "signature": " ".join(signature)}, ensure_ascii=False))
