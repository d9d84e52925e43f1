"""Makes tests/golden/safetensors/ with the reference implementation (safetensors 0.8.0, torch).

    python3 tests/golden/make_safetensors.py

Values are small enough to be written again, by formula, in src/engine/tensor/safetensors_test.c.
"""

import json
import pathlib

import torch
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent / "safetensors"
HERE.mkdir(exist_ok=True)


def ramp(n, dtype):
    """0.25 * i - 1, exact in every floating format here; plain i for integers."""
    if dtype.is_floating_point:
        return (torch.arange(n, dtype=torch.float64) * 0.25 - 1).to(dtype)
    return torch.arange(n).to(dtype)


everything = {
    "f64": ramp(6, torch.float64).reshape(2, 3),
    "f32": ramp(24, torch.float32).reshape(2, 3, 4),
    "f16": torch.tensor([0.0, -0.0, 1.0, -2.5, 65504.0, 2.0**-24, 2.0**-14, float("inf")], dtype=torch.float16),
    "bf16": ramp(10, torch.bfloat16).reshape(5, 2),
    "i64": ramp(4, torch.int64) - 2**40,
    "i32": ramp(5, torch.int32),
    "i16": ramp(3, torch.int16),
    "i8": ramp(3, torch.int8),
    "u8": ramp(7, torch.uint8),
    "bool": torch.tensor([True, False, True]),
    "f8_e4m3": ramp(4, torch.float32).to(torch.float8_e4m3fn),
    "scalar": torch.tensor(2.5),
    "empty": torch.zeros(0, 7),
    "five": ramp(2, torch.float32).reshape(1, 1, 2, 1, 1),
    '한글 "이름"\\\n': ramp(2, torch.float32),
}
save_file(everything, HERE / "everything.safetensors", metadata={"format": "pt", "작성": "golden"})

# What our writer writes, byte for byte; the length of its header asks for padding.
written = {
    "b.weight": ramp(6, torch.float32).reshape(2, 3),
    "a.weight": ramp(3, torch.bfloat16),
    "c.step": torch.tensor([7], dtype=torch.int64),
    "e.byte": ramp(3, torch.uint8),
    "d.empty": torch.zeros(0, 2),
    'q"\\\t한글': torch.tensor(0.5, dtype=torch.float64),
    "i.ids": ramp(2, torch.int32),
}
save_file(written, HERE / "written.safetensors", metadata={"format": "pt"})

# The index decides: "stray" is not there, and "w0" is the one in the second shard.
shards = {
    "model-00001-of-00002.safetensors": {"w1": ramp(4, torch.float32), "stray": ramp(1, torch.float32), "w0": torch.zeros(3)},
    "model-00002-of-00002.safetensors": {"w2": ramp(2, torch.bfloat16), "w0": ramp(3, torch.float32)},
}
for name, tensors in shards.items():
    save_file(tensors, HERE / name, metadata={"format": "pt"})
weight_map = {t: name for name, tensors in shards.items() for t in tensors}
del weight_map["stray"]
index = {"metadata": {"total_size": 32}, "weight_map": weight_map}
(HERE / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")
