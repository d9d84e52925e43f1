"""Makes adamw.safetensors with torch.optim.AdamW (torch 2.x, CPU, foreach=False): five steps on 101 numbers.

    python3 tests/golden/adamw/make_adamw.py

grad holds sums over tokens; AdamW saw them times 1/8. All settings are exact in f32.
"""

import pathlib

import torch
from safetensors.torch import save_file

torch.manual_seed(1)
STEPS, COUNT = 5, 101
p = torch.nn.Parameter(torch.randn(COUNT))
grad = torch.randn(STEPS, COUNT) * 10.0 ** torch.randint(-6, 3, (COUNT,))
start = p.detach().clone()
optimizer = torch.optim.AdamW([p], lr=2.0**-10, betas=(0.875, 0.96875), eps=2.0**-27, weight_decay=0.125, foreach=False)
after = []
for step in range(STEPS):
    p.grad = grad[step] / 8
    optimizer.step()
    after.append(p.detach().clone())
state = optimizer.state[p]
save_file(
    {"start": start, "grad": grad, "after": torch.stack(after), "m": state["exp_avg"], "v": state["exp_avg_sq"]},
    pathlib.Path(__file__).parent / "adamw.safetensors",
)
