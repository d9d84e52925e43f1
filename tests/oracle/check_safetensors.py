"""Random files both ways: the reference writes, we read and write, the reference reads.

    python3 tests/oracle/check_safetensors.py [BUILD_DIR] [FILES]

A copy must hold the same values (F16 widened to F32); where nothing was widened it must be the same bytes. Formats we do
not read must be refused by name.
"""

import pathlib
import random
import subprocess
import sys
import tempfile

import torch
from safetensors.torch import load_file, save_file

ROOT = pathlib.Path(__file__).resolve().parents[2]
OURS = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.uint8]
FOREIGN = [torch.int16, torch.int8, torch.bool, torch.float8_e4m3fn, torch.float8_e5m2, torch.complex64]
CHARS = "abz.0_/ \\\"\t\n\x01한글é😀\u2028"


def random_tensor(rng, dtypes):
    dtype = rng.choice(dtypes)
    shape = [rng.choice([0, 1, 1, 2, 3, 5, 17]) for _ in range(rng.randrange(5))]
    count = torch.Size(shape).numel()
    bits = torch.tensor([rng.randrange(256) for _ in range(count * dtype.itemsize)], dtype=torch.uint8)
    if dtype == torch.bool:
        bits %= 2
    return bits.view(dtype).reshape(shape) if count else torch.zeros(shape, dtype=dtype)


def random_tensors(rng, dtypes):
    names = {"".join(rng.choice(CHARS) for _ in range(rng.randrange(12))) for _ in range(rng.randrange(1, 9))}
    return {name: random_tensor(rng, dtypes) for name in names if name != "__metadata__"}


def same(a, b):
    """Equal bits, or equal numbers where NaN equals NaN: widening an f16 may quieten one."""
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if torch.equal(a.contiguous().flatten().view(torch.uint8), b.contiguous().flatten().view(torch.uint8)):
        return True
    return a.is_floating_point() and bool(((a == b) | (a.isnan() & b.isnan())).all())


def main():
    build = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build")
    n_files = int(sys.argv[2]) if len(sys.argv) > 2 else 300
    rng = random.Random(1)
    n_equal_bytes = n_refused = 0
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        tool, source, target = folder / "copy", folder / "from.safetensors", folder / "to.safetensors"
        subprocess.run(["mpicc", "-std=gnu11", "-I", ROOT / "src", ROOT / "tests/oracle/safetensors_copy.c",
                        build / "libjikji_lib.a", "-lxxhash", "-lm", "-fopenmp", "-o", tool], check=True)
        for i in range(n_files):
            tensors = random_tensors(rng, OURS)
            save_file(tensors, source, metadata={"format": "pt"})
            subprocess.run([tool, source, target], check=True)
            copy = load_file(target)
            widened = {n: t.float() if t.dtype == torch.float16 else t for n, t in tensors.items()}
            assert copy.keys() == widened.keys(), i
            for name, tensor in widened.items():
                assert same(copy[name], tensor), (i, name, tensor, copy[name])
            if all(t.dtype != torch.float16 for t in tensors.values()):
                assert source.read_bytes() == target.read_bytes(), i
                n_equal_bytes += 1
        for dtype in FOREIGN:
            save_file({"odd one": random_tensor(rng, [dtype])}, source)
            result = subprocess.run([tool, source, target], capture_output=True, text=True)
            assert result.returncode == 1 and "odd one" in result.stderr, (dtype, result.stderr)
            n_refused += 1
    print(f"{n_files} files copied, {n_equal_bytes} of them byte for byte, {n_refused} foreign formats refused by name")


if __name__ == "__main__":
    main()
