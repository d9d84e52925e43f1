#!/usr/bin/env python3
"""Does TensorBoard read what a run wrote?   python3 tests/oracle/check_tensorboard.py RUN [RUN ...]

For each run's folder: stock TensorBoard (its Python reader, which checks every CRC) loads RUN/tensorboard, and every scalar, sample and
histogram is compared with RUN/log.jsonl and, for the weights at the last step, with the checkpoint's safetensors:

    scalars     equal to the log's number rounded to f32, at the same steps and no others
    samples     the log's text, indented as a Markdown code block
    histograms  count, minimum, maximum, sum of the last step's weights; the gradients' norm against the log's grad_norm to 1e-4

Exits with 1 if anything differs. Needs: pip install tensorboard safetensors numpy.
"""
import json
import os
import sys

import numpy
from safetensors.numpy import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

SCALARS = {"loss/train": "loss", "step/lr": "lr", "step/grad_norm": "grad_norm", "loss/validation": "val_loss",
           "evaluation/perplexity": "perplexity", "evaluation/bits_per_byte": "bits_per_byte"}


def read_log(run):
    with open(os.path.join(run, "log.jsonl"), encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def compare_scalars(events, log, faults):
    n = 0
    for tag, key in SCALARS.items():
        want = [(row["step"], float(numpy.float32(row[key]))) for row in log if key in row]
        got = [(e.step, e.value) for e in events.Scalars(tag)] if want else []
        n += len(want)
        if got != want:
            faults.append(f"{tag}: {len(got)} values, expected {len(want)}; first difference "
                          f"{next((p for p in zip(got, want) if p[0] != p[1]), 'in length')}")
    return n


def compare_samples(events, log, faults):
    want = [(row["step"], "\n".join("    " + line for line in row["sample"].split("\n"))) for row in log if "sample" in row]
    got = [(e.step, e.tensor_proto.string_val[0].decode()) for e in events.Tensors("sample")] if want else []
    if got != want:
        faults.append(f"sample: {got!r}, expected {want!r}")
    return len(want)


def compare_histograms(events, log, run, faults):
    tags = [t for t in events.Tags()["histograms"] if t.startswith("weights/")]
    last = os.path.join(run, "checkpoints", "last")
    weights = load_file(os.path.join(last, "model.safetensors"))
    for tag in tags:
        name = tag[len("weights/"):]
        h = events.Histograms(tag)[-1].histogram_value
        w = weights[name if name in weights else "transformer." + name].astype(numpy.float64)
        got, want = [h.num, h.min, h.max], [w.size, w.min(), w.max()]
        if got != want or sum(h.bucket) != w.size or abs(h.sum - w.sum()) > 1e-9 * numpy.abs(w).sum():
            faults.append(f"{tag}: {got}, expected {want}")
        below = sum(c for limit, c in zip(h.bucket_limit, h.bucket) if limit <= 1e-12)
        if below != (w < 1e-12).sum() and below != (w < 0).sum():
            faults.append(f"{tag}: {below} values below 0, expected {(w < 0).sum()}")
    norms = {row["step"]: row["grad_norm"] for row in log if "grad_norm" in row}
    squares = {}
    for tag in events.Tags()["histograms"]:
        if tag.startswith("gradients/"):
            for e in events.Histograms(tag):
                squares[e.step] = squares.get(e.step, 0.0) + e.histogram_value.sum_squares
    for step, total in squares.items():
        if step in norms and abs(total ** 0.5 / norms[step] - 1) > 1e-4:
            faults.append(f"gradients at step {step}: norm {total ** 0.5}, the log says {norms[step]}")
    return len(tags) + len(squares)


def check(run):
    faults = []
    events = EventAccumulator(os.path.join(run, "tensorboard"), size_guidance={"scalars": 0, "tensors": 0, "histograms": 0})
    events.Reload()
    log = read_log(run)
    n = compare_scalars(events, log, faults), compare_samples(events, log, faults), compare_histograms(events, log, run, faults)
    print(f"{run}: {n[0]} scalars, {n[1]} samples, {n[2]} histograms: {'equal' if not faults else 'DIFFERENT'}")
    for fault in faults:
        print("   ", fault)
    return not faults


if __name__ == "__main__":
    sys.exit(0 if all([check(run) for run in sys.argv[1:]]) and len(sys.argv) > 1 else 1)
