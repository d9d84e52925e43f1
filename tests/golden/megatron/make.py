"""Writes Megatron .bin/.idx pairs with numpy, from the format's description, independently of the C writer.

    python make.py      writes u16.{bin,idx}, i32.{bin,idx} and several.{bin,idx} beside itself

u16 and i32 hold one sequence a document: the C writer must give the same bytes for the same documents.
several holds documents of 2, 0 and 1 sequences in int64, with the multimodal byte a sequence at the end: for the reader.
"""
import os
import struct
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
CODES = {np.uint16: 8, np.int32: 4, np.int64: 5}


def write(name, dtype, documents, modes=False):
    sequences = [np.array(s, dtype) for document in documents for s in document]
    with open(os.path.join(HERE, name + ".bin"), "wb") as f:
        for s in sequences:
            f.write(s.tobytes(order="C"))
    lengths = np.array([len(s) for s in sequences], np.int32)
    ends = np.cumsum(lengths.astype(np.int64) * np.dtype(dtype).itemsize)
    pointers = np.concatenate([[0], ends[:-1]]).astype(np.int64)
    boundaries = np.concatenate([[0], np.cumsum([len(d) for d in documents])]).astype(np.int64)
    with open(os.path.join(HERE, name + ".idx"), "wb") as f:
        f.write(b"MMIDIDX\x00\x00")
        f.write(struct.pack("<Q", 1))
        f.write(struct.pack("<B", CODES[dtype]))
        f.write(struct.pack("<Q", len(lengths)))
        f.write(struct.pack("<Q", len(boundaries)))
        f.write(lengths.tobytes() + pointers.tobytes() + boundaries.tobytes())
        if modes:
            f.write(np.zeros(len(lengths), np.int8).tobytes())


# Document d holds d + 1 tokens: (37 d + 11 i) mod 300, scaled up for the wide one.
narrow = [[[(37 * d + 11 * i) % 300 for i in range(d + 1)]] for d in range(20)]
wide = [[[t * 211 for t in s] for s in document] for document in narrow]
write("u16", np.uint16, narrow)
write("i32", np.int32, wide)
write("several", np.int64, [[[1, 2, 3], [4]], [], [[5, 6]]], modes=True)
