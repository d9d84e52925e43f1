"""Reads what `jikji corpus build` wrote with each project's own rules, and compares.

    python tests/oracle/check_shards.py OUT_MEGATRON OUT_LLMC OUT_NANOGPT TOKENIZER

The three folders come from one recipe with shards.format megatron, llmc and nanogpt. Megatron: core/datasets/indexed_dataset.py;
llm.c: dev/data/data_common.py; nanoGPT: train.py, get_batch. The documents of documents.jsonl.zst are encoded again by tokenizers.
"""
import io, json, struct, sys
import numpy as np
import zstandard
from tokenizers import Tokenizer

def megatron(prefix):
    index = open(prefix + ".idx", "rb").read()
    assert index[:9] == b"MMIDIDX\x00\x00"
    version, code, n, n_boundaries = struct.unpack("<QBQQ", index[9:34])
    assert version == 1
    dtype = {1: np.uint8, 2: np.int8, 3: np.int16, 4: np.int32, 5: np.int64, 8: np.uint16}[code]
    lengths = np.frombuffer(index, np.int32, n, 34)
    pointers = np.frombuffer(index, np.int64, n, 34 + 4 * n)
    documents = np.frombuffer(index, np.int64, n_boundaries, 34 + 12 * n)
    assert len(index) == 34 + 12 * n + 8 * n_boundaries and documents[0] == 0 and documents[-1] == n
    tokens = np.fromfile(prefix + ".bin", dtype)
    size = np.dtype(dtype).itemsize
    return [tokens[p // size : p // size + l].astype(np.int64) for p, l in zip(pointers, lengths)]

def llmc(path):
    header = np.fromfile(path, np.int32, 256)
    assert (header[0], header[1]) in ((20240520, 1), (20240801, 7))
    tokens = np.fromfile(path, np.uint16 if header[1] == 1 else np.uint32, offset=1024)
    assert len(tokens) == header[2]
    return tokens.astype(np.int64)

def lines(path):
    with open(path, "rb") as file:
        for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True), "utf-8"):
            yield json.loads(line)

def main(out_megatron, out_llmc, out_nanogpt, tokenizer):
    sides = {"train": megatron(out_megatron + "/train"), "val": megatron(out_megatron + "/val")}
    for side, documents in sides.items():
        flat = np.concatenate(documents)
        assert (llmc(f"{out_llmc}/{side}.bin") == flat).all()
        assert (np.fromfile(f"{out_nanogpt}/{side}.bin", np.uint16) == flat).all()
        sources = list(lines(f"{out_megatron}/{side}.sources.jsonl.zst"))
        assert [s["tokens"] for s in sources] == [len(d) for d in documents]
    by_id = {s["id"]: d for side, documents in sides.items() for s, d in zip(lines(f"{out_megatron}/{side}.sources.jsonl.zst"), documents)}
    tok = Tokenizer.from_file(tokenizer + "/tokenizer.json")
    n = 0
    for record in lines(out_megatron + "/documents.jsonl.zst"):
        ids = by_id[str(record["id"])]
        assert tok.encode(record["text"], add_special_tokens=False).ids == ids[:-1].tolist(), record["id"]
        n += 1
    assert n == sum(map(len, sides.values()))
    print(f"{n} documents, {sum(len(d) for s in sides.values() for d in s)} tokens: megatron, llm.c and nanoGPT agree with tokenizers")

main(*sys.argv[1:])
