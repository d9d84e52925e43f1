#!/usr/bin/env python3
"""Training steps of PyTorch on the models that `jikji bench train` knows by name: the peer of train_speed.py.

    torch_steps.py MODEL --seq-len 64 --batch-size 12 --micro-batch-size 12 --steps 20 [--compile] [--precision bf16] [--threads 2]

Prints one JSON object: seconds of each step after two that warm up (compiling included), loss, versions. A step is what a
PyTorch user writes: micro batches forward and backward with scaled_dot_product_attention and cross_entropy, clipping, fused AdamW.
"""
import argparse
import json
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

MODELS = {
    "gpt2-124m": dict(kind="gpt2", vocab=50257, width=768, layers=12, heads=12, context=1024),
    "llama-110m": dict(kind="llama", vocab=32000, width=768, layers=12, heads=12, context=1024, hidden=2048),
    "nano": dict(kind="gpt2", vocab=65, width=128, layers=4, heads=4, context=64),
    "mini": dict(kind="gpt2", vocab=65, width=384, layers=6, heads=6, context=256),
}


def attend(q, k, v, heads):
    batch, length, width = q.shape
    q, k, v = (x.view(batch, length, heads, width // heads).transpose(1, 2) for x in (q, k, v))
    return q, k, v


class GptBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        q, k, v = attend(*self.qkv(self.norm1(x)).chunk(3, -1), self.heads)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(x.shape)
        x = x + self.out(y)
        return x + self.down(F.gelu(self.up(self.norm2(x)), approximate="tanh"))


def rotate(x, cos, sin):
    left, right = x.chunk(2, -1)
    return x * cos + torch.cat((-right, left), -1) * sin


class LlamaBlock(nn.Module):
    def __init__(self, width, heads, hidden):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.RMSNorm(width, eps=1e-6), nn.RMSNorm(width, eps=1e-6)
        self.q, self.k, self.v, self.out = (nn.Linear(width, width, bias=False) for _ in range(4))
        self.gate, self.up = nn.Linear(width, hidden, bias=False), nn.Linear(width, hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)

    def forward(self, x, cos, sin):
        h = self.norm1(x)
        q, k, v = attend(self.q(h), self.k(h), self.v(h), self.heads)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(x.shape)
        x = x + self.out(y)
        h = self.norm2(x)
        return x + self.down(F.silu(self.gate(h)) * self.up(h))


class Model(nn.Module):
    def __init__(self, kind, vocab, width, layers, heads, context, hidden=0):
        super().__init__()
        self.kind = kind
        self.tokens = nn.Embedding(vocab, width)
        if kind == "gpt2":
            self.places = nn.Embedding(context, width)
            self.blocks = nn.ModuleList(GptBlock(width, heads) for _ in range(layers))
            self.norm = nn.LayerNorm(width)
        else:
            size = width // heads
            angle = torch.outer(torch.arange(context), 10000.0 ** (-torch.arange(0, size, 2) / size)).repeat(1, 2)
            self.register_buffer("cos", angle.cos())
            self.register_buffer("sin", angle.sin())
            self.blocks = nn.ModuleList(LlamaBlock(width, heads, hidden) for _ in range(layers))
            self.norm = nn.RMSNorm(width, eps=1e-6)
        self.head = nn.Linear(width, vocab, bias=False)
        self.head.weight = self.tokens.weight
        self.apply(lambda m: nn.init.normal_(m.weight, std=0.02) if isinstance(m, (nn.Linear, nn.Embedding)) else None)

    def forward(self, tokens, labels):
        length = tokens.shape[1]
        x = self.tokens(tokens)
        if self.kind == "gpt2":
            x = x + self.places.weight[:length]
        for block in self.blocks:
            x = block(x) if self.kind == "gpt2" else block(x, self.cos[:length], self.sin[:length])
        return F.cross_entropy(self.head(self.norm(x)).flatten(0, 1).float(), labels.flatten())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=MODELS)
    parser.add_argument("--seq-len", type=int, required=True)
    parser.add_argument("--batch-size", type=int, required=True)
    parser.add_argument("--micro-batch-size", type=int, required=True)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--precision", choices=("f32", "bf16"), default="f32")
    parser.add_argument("--compile", action="store_true")
    args = parser.parse_args()
    if args.micro_batch_size < 1 or args.batch_size % args.micro_batch_size:
        parser.error(f"--batch-size {args.batch_size} is not a multiple of --micro-batch-size {args.micro_batch_size}")
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    shape = MODELS[args.model]
    model = Model(**shape)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.1, fused=True)
    run = torch.compile(model) if args.compile else model
    n_micro = args.batch_size // args.micro_batch_size
    seconds, loss = [], None
    for step in range(args.steps + 2):
        begun = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        for _ in range(n_micro):
            tokens = torch.randint(shape["vocab"], (args.micro_batch_size, args.seq_len))
            labels = torch.randint(shape["vocab"], (args.micro_batch_size, args.seq_len))
            with torch.autocast("cpu", torch.bfloat16, enabled=args.precision == "bf16"):
                loss = run(tokens, labels) / n_micro
            loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        seconds.append(time.perf_counter() - begun)
    print(json.dumps({"seconds": seconds[2:], "loss": loss.item() * n_micro, "torch": torch.__version__,
                      "threads": torch.get_num_threads()}))


if __name__ == "__main__":
    main()
