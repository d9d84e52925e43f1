#!/usr/bin/env python3
"""Does transformers see the same model as jikji?   python3 tests/oracle/check_saved.py build/jikji DIR [DIR ...]

For each Hugging Face directory (one that jikji saved, or the goldens): loads it in transformers with every missing, unexpected or
mismatched weight an error, and compares

    logits      `jikji inspect logits` against float64 PyTorch           |delta|_2 / |reference|_2 <= 2e-6
    loss, grads `jikji inspect grads` against float64 PyTorch            2e-6, 1e-5; a key bias 1e-8 absolute where its true
                gradient is zero (no rotations: softmax does not see what is added to all scores of a query)

A gradient that is all but zero by cancellation has few digits in f32, whoever computes it. Where PyTorch in f32 is itself farther than
1e-5 from PyTorch in float64, ours in f32 may be as far as that, and the line says so; in f64 the bound stays.

on random ids as long as the model allows, 64 at most. Exits with 1 if anything is beyond its bound. transformers computes some
parts in f32 whatever the dtype; they are replaced by f64 as in make_models.py.
"""
import os
import subprocess
import sys
import tempfile

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from make_models import in_float64  # noqa: E402

LOGITS, LOSS, GRAD, KEY_BIAS = 2e-6, 2e-6, 1e-5, 1e-8


def distance(got, want):
    return ((got.double() - want).norm() / want.norm()).item()


def inspect(jikji, view, folder, ids, dtype):
    with tempfile.TemporaryDirectory() as work:
        out = os.path.join(work, "out.safetensors")
        command = [jikji, "inspect", view, folder, "--ids", ",".join(map(str, ids)), "--out", out, "--dtype", dtype]
        subprocess.run(command, check=True)
        return load_file(out)


def truly_zero(config, name, gradient):
    index = torch.arange(gradient.numel()).reshape(gradient.shape)
    if name.endswith("attn.c_attn.bias"):
        return index // config.n_embd == 1
    if name.endswith("query_key_value.bias"):
        return index // (config.hidden_size // config.n_head) % 3 == 1
    return torch.full_like(index, config.model_type == "opt" and name.endswith("k_proj.bias"), dtype=torch.bool)


def gradients(model, ids):
    logits = model(input_ids=ids[None]).logits[0]
    loss = torch.nn.functional.cross_entropy(logits[:-1], ids[1:])
    model.zero_grad()
    loss.backward()
    return logits.detach(), loss.item(), {name: parameter.grad.clone() for name, parameter in model.named_parameters()}


def check(jikji, folder):
    model, info = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True, dtype=torch.float32)
    bad = {key: value for key, value in info.items() if value}
    n = min(64, getattr(model.config, "max_position_embeddings", 64))
    ids = torch.randint(model.config.vocab_size, (n,), generator=torch.Generator().manual_seed(7))
    torch_f32 = gradients(model.eval(), ids)[2]
    want, loss, references = gradients(in_float64(model), ids)

    ill = {}
    worst = {"logits": 0.0, "loss": 0.0, "grad": 0.0, "key bias": 0.0}
    for dtype in ("f32", "f64"):
        logits = inspect(jikji, "logits", folder, ids.tolist(), dtype)["logits"]
        grads = inspect(jikji, "grads", folder, ids.tolist(), dtype)
        worst["logits"] = max(worst["logits"], distance(logits, want))
        worst["loss"] = max(worst["loss"], abs(grads.pop("loss").item() / loss - 1))
        for name, reference in references.items():
            got, theirs = grads.pop(name), torch_f32[name]
            zero = truly_zero(model.config, name, got)
            if zero.any():
                worst["key bias"] = max(worst["key bias"], got[zero].abs().max().item())
                got, reference, theirs = got[~zero], reference[~zero], theirs[~zero]
            if not got.numel():
                continue
            far, torch_far = distance(got, reference), distance(theirs, reference)
            if dtype == "f32" and GRAD < far <= torch_far:
                ill[name] = f"{far:.1e} (PyTorch f32 {torch_far:.1e})"
            else:
                worst["grad"] = max(worst["grad"], far)
        bad.update({"gradient of an unknown weight": list(grads)} if grads else {})
    ok = not bad and worst["logits"] <= LOGITS and worst["loss"] <= LOSS and worst["grad"] <= GRAD and worst["key bias"] <= KEY_BIAS
    print(f"{'ok  ' if ok else 'FAIL'} {folder}: " + ", ".join(f"{k} {v:.1e}" for k, v in worst.items()), bad or "")
    for name, said in ill.items():
        print(f"     few digits in f32: {name} {said}")
    return ok


if __name__ == "__main__":
    results = [check(sys.argv[1], folder) for folder in sys.argv[2:]]
    sys.exit(0 if all(results) else 1)
