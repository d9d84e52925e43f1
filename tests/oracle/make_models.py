#!/usr/bin/env python3
"""Makes tests/golden/models: tiny random models of each family by transformers, and what they compute in float64 PyTorch.

    python3 tests/oracle/make_models.py tests/golden/models [CASE ...]        (transformers 5, torch, safetensors, numpy)

Each case is a Hugging Face directory (config.json, model.safetensors, as transformers saves them) and expected.safetensors:

    ids, lengths        i32    sequences laid end to end, and how long each is
    labels              i32    the token after each position; -100: no target (the end of a sequence, and a few others)
    logits              f64    [N, V]
    loss                f64    [1] mean over targets, nats
    grad.<name>         f32    derivative of that mean by each weight (computed in f64, rounded once)
    steps.ids           i32    [10, T + 1] one sequence for each of ten AdamW steps: inputs and, shifted by one, labels
    steps.loss          f64    [10] the loss of each step, before its update
    steps.options       f64    lr, beta1, beta2, eps, weight_decay (matrices only), grad_norm_max (factor max / norm)

Weights, biases and gains are all random, so that nothing can be forgotten unseen. transformers computes parts of its models in f32
whatever the model's dtype is (the mean square of a norm, a softmax, the angles of a rotary embedding, slopes and scales); those are
replaced by the same formulas in f64 (in_float64), and the script shows how far plain transformers in f32 lies from the result.
"""
import os
import sys

import numpy as np
import torch
from safetensors.numpy import save_file
from transformers import (AutoModelForCausalLM, BloomConfig, Gemma2Config, GemmaConfig, GPT2Config, LlamaConfig, MistralConfig, OPTConfig,
                          Qwen2Config, Qwen3Config)
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
from transformers.models.bloom import modeling_bloom

CASES = {
    "gpt2-tied": (1, GPT2Config(vocab_size=37, n_embd=12, n_head=3, n_layer=2, n_inner=20, n_positions=24, bos_token_id=0,
                                eos_token_id=0)),
    "gpt2-untied": (2, GPT2Config(vocab_size=41, n_embd=14, n_head=2, n_layer=1, n_positions=19, tie_word_embeddings=False,
                                  layer_norm_epsilon=1e-6, bos_token_id=1, eos_token_id=2)),
    "llama-tied": (3, LlamaConfig(vocab_size=31, hidden_size=16, intermediate_size=22, num_hidden_layers=2, num_attention_heads=4,
                                  num_key_value_heads=2, max_position_embeddings=32, tie_word_embeddings=True)),
    "llama-untied": (4, LlamaConfig(vocab_size=29, hidden_size=12, intermediate_size=17, num_hidden_layers=2, num_attention_heads=3,
                                    num_key_value_heads=1, head_dim=6, max_position_embeddings=32, attention_bias=True,
                                    mlp_bias=True, rms_norm_eps=1e-5,
                                    rope_parameters={"rope_type": "default", "rope_theta": 500.0})),
    "llama-full": (5, LlamaConfig(vocab_size=43, hidden_size=10, intermediate_size=13, num_hidden_layers=1, num_attention_heads=5,
                                  max_position_embeddings=40, bos_token_id=0, eos_token_id=[1, 2])),
    "mistral": (6, MistralConfig(vocab_size=33, hidden_size=15, intermediate_size=19, num_hidden_layers=2, num_attention_heads=6,
                                 num_key_value_heads=2, head_dim=10, max_position_embeddings=32, sliding_window=5,
                                 rope_parameters={"rope_type": "linear", "rope_theta": 100.0, "factor": 2.5})),
    "qwen2": (7, Qwen2Config(vocab_size=35, hidden_size=18, intermediate_size=21, num_hidden_layers=2, num_attention_heads=3,
                             num_key_value_heads=1, max_position_embeddings=32, tie_word_embeddings=True,
                             rope_parameters={"rope_type": "yarn", "rope_theta": 50.0, "factor": 2.0,
                                              "original_max_position_embeddings": 16})),
    "qwen3": (8, Qwen3Config(vocab_size=32, hidden_size=14, intermediate_size=18, num_hidden_layers=3, num_attention_heads=5,
                             num_key_value_heads=5, head_dim=6, max_position_embeddings=32, use_sliding_window=True,
                             sliding_window=4, max_window_layers=1,
                             rope_parameters={"rope_type": "llama3", "rope_theta": 300.0, "factor": 4.0, "low_freq_factor": 1.0,
                                              "high_freq_factor": 4.0, "original_max_position_embeddings": 24})),
    # A pad_token_id would make PyTorch drop the gradient of that row of the table.
    "gemma": (9, GemmaConfig(vocab_size=34, hidden_size=15, intermediate_size=19, num_hidden_layers=2, num_attention_heads=3,
                             num_key_value_heads=1, head_dim=8, max_position_embeddings=32, pad_token_id=None)),
    "gemma2": (10, Gemma2Config(vocab_size=36, hidden_size=15, intermediate_size=18, num_hidden_layers=2, num_attention_heads=5,
                                num_key_value_heads=5, head_dim=6, max_position_embeddings=32, sliding_window=4,
                                query_pre_attn_scalar=11, attn_logit_softcapping=1.5, final_logit_softcapping=2.5,
                                tie_word_embeddings=False, pad_token_id=None)),
    "opt": (11, OPTConfig(vocab_size=38, hidden_size=15, ffn_dim=22, num_hidden_layers=2, num_attention_heads=3,
                          max_position_embeddings=20, pad_token_id=None)),
    "opt-narrow": (12, OPTConfig(vocab_size=31, hidden_size=14, ffn_dim=17, num_hidden_layers=2, num_attention_heads=2,
                                 max_position_embeddings=20, word_embed_proj_dim=9, do_layer_norm_before=False, enable_bias=False,
                                 pad_token_id=None)),
    "gpt2-erf": (14, GPT2Config(vocab_size=29, n_embd=15, n_head=5, n_layer=1, n_positions=19, activation_function="gelu")),
    "bloom": (13, BloomConfig(vocab_size=35, hidden_size=18, n_layer=2, n_head=6, tie_word_embeddings=False)),
}
LENGTHS = (13, 1, 5)
STEPS, STEP_LEN = 10, 16
LR, BETA1, BETA2, EPS, DECAY, NORM_MAX = 3e-3, 0.9, 0.95, 1e-8, 0.1, 1.0


def make_model(seed, config):
    for name in ("resid_pdrop", "embd_pdrop", "attn_pdrop", "dropout"):
        if hasattr(config, name):
            setattr(config, name, 0.0)
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager")
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn_like(parameter)
            parameter.copy_(noise * 0.15 if parameter.dim() > 1 else 1 + 0.2 * noise if parameter.mean() == 1 else 0.1 * noise)
    return model.eval()


def frequencies(config, seq_len):
    """transformers' own formulas, but in f64: wherever they ask for f32 they get f64."""
    kind = config.rope_parameters["rope_type"]
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    if kind == "default":
        return config.rope_parameters["rope_theta"] ** (-torch.arange(0, width, 2, dtype=torch.float64) / width), 1.0
    single = torch.float32, torch.float
    torch.float32 = torch.float = torch.float64
    try:
        return ROPE_INIT_FUNCTIONS[kind](config, seq_len=seq_len)
    finally:
        torch.float32, torch.float = single


def alibi_slopes(heads, device):
    power = 2 ** int(np.log2(heads))
    exponents = [8 * (h + 1) / power for h in range(power)] + [4 * (2 * h + 1) / power for h in range(heads - power)]
    return 2.0 ** -torch.tensor(exponents, dtype=torch.float64)


def in_float64(model):
    model = model.double()
    modeling_bloom._get_alibi_slopes = alibi_slopes
    softmax = torch.nn.functional.softmax
    torch.nn.functional.softmax = lambda x, dim=None, dtype=None: softmax(x, dim=dim)
    for module in model.modules():
        kind = type(module).__name__
        if kind.endswith("RMSNorm"):
            eps = module.eps if hasattr(module, "eps") else module.variance_epsilon
            unit = 1.0 if kind.startswith("Gemma") else 0.0
            module.forward = lambda x, m=module, eps=eps, unit=unit: (
                (unit + m.weight) * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps)))
        if kind.endswith("ScaledWordEmbedding"):
            module.embed_scale = torch.tensor(module.embedding_dim ** 0.5, dtype=torch.float64)
        if kind == "BloomGelu":
            module.forward = lambda x: torch.nn.functional.gelu(x, approximate="tanh")
        if kind.endswith("RotaryEmbedding"):
            def angles(x, position_ids):
                inverse, amplitude = frequencies(model.config, int(position_ids.max()) + 1)
                a = position_ids[..., None].double() * inverse
                a = torch.cat((a, a), dim=-1)
                return a.cos() * amplitude, a.sin() * amplitude
            module.forward = angles
    return model


def forward(model, sequences):
    return torch.cat([model(input_ids=s[None]).logits[0] for s in sequences])


def loss_sum(logits, labels):
    return torch.nn.functional.cross_entropy(logits, labels, ignore_index=-100, reduction="sum")


def ten_steps(model, ids):
    groups = [{"params": [p for p in model.parameters() if p.dim() > 1], "weight_decay": DECAY},
              {"params": [p for p in model.parameters() if p.dim() == 1], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=LR, betas=(BETA1, BETA2), eps=EPS)
    losses = []
    for row in ids:
        optimizer.zero_grad()
        loss = loss_sum(forward(model, [row[:-1]]), row[1:]) / STEP_LEN
        loss.backward()
        norm = torch.sqrt(sum((p.grad ** 2).sum() for p in model.parameters()))
        for p in model.parameters():
            p.grad *= min(1.0, NORM_MAX / norm.item())
        optimizer.step()
        losses.append(loss.item())
    return losses


def make_case(root, name, seed, config):
    folder = os.path.join(root, name)
    model = make_model(seed, config)
    model.save_pretrained(folder)

    generator = torch.Generator().manual_seed(100 + seed)
    ids = torch.randint(config.vocab_size, (sum(LENGTHS),), generator=generator)
    sequences = torch.split(ids, LENGTHS)
    labels = torch.cat([torch.cat((s[1:], torch.tensor([-100]))) for s in sequences])
    labels[[3, 7]] = -100
    with torch.no_grad():
        plain = forward(model, sequences)

    model = in_float64(model)
    logits = forward(model, sequences)
    loss = loss_sum(logits, labels) / (labels != -100).sum()
    loss.backward()
    expected = {
        "ids": ids.numpy().astype(np.int32), "lengths": np.array(LENGTHS, np.int32), "labels": labels.numpy().astype(np.int32),
        "logits": logits.detach().numpy(), "loss": np.array([loss.item()]),
        "steps.options": np.array([LR, BETA1, BETA2, EPS, DECAY, NORM_MAX]),
    }
    for parameter_name, parameter in model.named_parameters():
        expected["grad." + parameter_name] = parameter.grad.numpy().astype(np.float32)
    step_ids = torch.randint(config.vocab_size, (STEPS, STEP_LEN + 1), generator=generator)
    expected["steps.ids"] = step_ids.numpy().astype(np.int32)
    expected["steps.loss"] = np.array(ten_steps(model, step_ids))
    save_file(expected, os.path.join(folder, "expected.safetensors"))
    distance = ((plain.double() - logits).norm() / logits.norm()).item()
    print(f"{name}: loss {loss.item():.6f}, ten steps {expected['steps.loss'][0]:.4f} -> {expected['steps.loss'][-1]:.4f}, "
          f"plain transformers in f32 lies {distance:.1e} away")


if __name__ == "__main__":
    for case in sys.argv[2:] or CASES:
        make_case(sys.argv[1], case, *CASES[case])
