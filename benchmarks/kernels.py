"""Which operations give which bits on this CPU: a digest an operation, under each setting of torch, MKL and threads.

    python benchmarks/kernels.py [--only build] [--threads 1,2] [--json | --md]

The first setting is what the build fixes. Its digests are the same on every CPU with AVX2, whoever made it; those of
other settings show what moves. `docs/reproducibility.md` has the digests seen so far: send yours. The last operation is
four steps of a small Llama: forward, backward, clipping, AdamW.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from measure import machine
from report import ROOT, Table, parser, progress, tell

# Settings by name; the first is applied by prodabuild itself, whatever the variables of the process are.
SETTINGS: dict[str, dict[str, str]] = {
    "build": {},
    "default": {},
    "avx2": {"ATEN_CPU_CAPABILITY": "avx2"},
    "avx2, MKL AVX2": {"ATEN_CPU_CAPABILITY": "avx2", "MKL_CBWR": "AVX2"},
    "avx2, MKL AVX2,STRICT": {"ATEN_CPU_CAPABILITY": "avx2", "MKL_CBWR": "AVX2,STRICT"},
    "avx2, MKL COMPATIBLE": {"ATEN_CPU_CAPABILITY": "avx2", "MKL_CBWR": "COMPATIBLE"},
    "avx2, VML AVX2": {"ATEN_CPU_CAPABILITY": "avx2", "MKL_VML_DEBUG_CPU_TYPE": "3"},
    "avx2, oneDNN AVX2": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"},
    "no AVX": {"ATEN_CPU_CAPABILITY": "default", "MKL_CBWR": "COMPATIBLE"},
}
CLEARED = ("ATEN_CPU_CAPABILITY", "MKL_CBWR", "MKL_VML_DEBUG_CPU_TYPE", "ONEDNN_MAX_CPU_ISA", "OMP_NUM_THREADS")
PROGRAM = """
import contextlib, hashlib, json, sys, warnings
warnings.simplefilter("ignore")
exact = contextlib.nullcontext
if sys.argv[1] == "build":
    import prodabuild.training
    from prodabuild.training.exact import exact
import torch
torch.set_num_threads(int(sys.argv[2]))
F = torch.nn.functional


def digest(*tensors):
    found = hashlib.sha256()
    for tensor in tensors:
        found.update(tensor.detach().contiguous().numpy().tobytes())
    return found.hexdigest()[:8]


def values(*shape, seed=1):  # by whole numbers: no kernel decides
    count = torch.Size(shape).numel()
    whole = (torch.arange(count, dtype=torch.int64) * 7919 * (2 * seed + 1) + seed * 104729) % 65537
    return ((whole - 32768).float() / 8192).view(shape)


def both(function, *inputs):  # a function, and its gradients
    inputs = [each.clone().requires_grad_() for each in inputs]
    out = function(*inputs)
    out.backward(values(*out.shape, seed=9))
    return digest(out, *(each.grad for each in inputs))


def adamw():
    weight = torch.nn.Parameter(values(300, 129))
    optimiser = torch.optim.AdamW([weight], lr=1e-3, fused=True)
    for step in range(3):
        weight.grad = values(300, 129, seed=step)
        optimiser.step()
    return digest(weight)


def clipped():
    weight = torch.nn.Parameter(values(2048, 129))
    weight.grad = values(2048, 129, seed=5)
    return digest(torch.nn.utils.clip_grad_norm_([weight], 1.0), weight.grad)


def training():
    from transformers import LlamaConfig, LlamaForCausalLM
    torch.manual_seed(0)
    config = LlamaConfig(vocab_size=2000, hidden_size=128, intermediate_size=352, num_hidden_layers=2,
                         num_attention_heads=4, num_key_value_heads=4, tie_word_embeddings=False)
    model = LlamaForCausalLM(config).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    for step in range(4):
        rows = (torch.arange(16 * 64) * 7919 + step).remainder(2000).view(16, 64)
        model(input_ids=rows, labels=rows).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad()
    return digest(*(tensor for _, tensor in sorted(model.state_dict().items())))


wide, square = values(1000, 336), values(64, 65, 33)
angles = torch.arange(512.0)[:, None] / torch.tensor([10000.0 ** (step / 32) for step in range(0, 32, 2)])
operations = {
    "normal draws": lambda: digest(torch.randn(4096, generator=torch.Generator().manual_seed(3))),
    "matmul 1000x336x128": lambda: both(torch.mm, wide, values(336, 128)),
    "matmul 1000x128x32": lambda: both(torch.mm, values(1000, 128), values(128, 32)),
    "matmul 300x129x2047": lambda: both(torch.mm, values(300, 129), values(129, 2047)),
    "batched matmul 64x65x33": lambda: both(torch.bmm, square, square.transpose(1, 2).contiguous()),
    "attention": lambda: both(F.scaled_dot_product_attention, *(values(2, 4, 65, 32, seed=s) for s in (1, 2, 3))),
    "cos, sin of positions": lambda: digest(angles.cos(), angles.sin()),
    "exp": lambda: digest(wide.exp()), "log": lambda: digest((wide.abs() + 0.01).log()),
    "sqrt": lambda: digest(wide.abs().sqrt()), "tanh": lambda: both(torch.tanh, wide),
    "softmax": lambda: both(lambda x: x.softmax(-1), wide),
    "softmax of 65": lambda: both(lambda x: x.softmax(-1), values(520, 65)),
    "log_softmax": lambda: both(lambda x: x.log_softmax(-1), wide),
    "logsumexp": lambda: both(lambda x: x.logsumexp(-1), wide),
    "cross entropy": lambda: both(lambda x: F.cross_entropy(x, torch.arange(1000) % 336, reduction="sum"), wide),
    "silu": lambda: both(F.silu, wide), "gelu": lambda: both(F.gelu, wide),
    "gelu, tanh": lambda: both(lambda x: F.gelu(x, approximate="tanh"), wide),
    "layer norm": lambda: both(lambda x, w: F.layer_norm(x, (336,), w), wide, values(336)),
    "RMS norm": lambda: both(lambda x, w: w * x * (x.pow(2).mean(-1, keepdim=True) + 1e-6).rsqrt(), wide, values(336)),
    "sum of all": lambda: digest(wide.sum()), "sum of columns": lambda: digest(wide.sum(0)),
    "embedding": lambda: both(lambda w: F.embedding(torch.arange(999).mul(31) % 500, w), values(500, 129)),
    "clip by norm": clipped, "AdamW": adamw, "training": training,
}
with exact("cpu") if sys.argv[1] == "build" else exact():
    found = {name: operation() for name, operation in operations.items()}
print(json.dumps(found))
"""


def digests(name: str, threads: int) -> dict[str, str]:
    """Return the digest of each operation under a setting, computed in a process of its own."""
    kept = {key: value for key, value in os.environ.items() if key not in CLEARED}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "build" if name == "build" else "plain", str(threads)],
        env=kept | SETTINGS[name] | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stderr)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def main() -> None:
    asking = parser(__doc__)
    asking.add_argument("--only", choices=list(SETTINGS), help="this setting alone")
    asking.add_argument("--threads", default="1,2", help="numbers of threads, separated by commas")
    asked = asking.parse_args()
    found: dict[str, dict[str, str]] = {}
    for name in [asked.only] if asked.only else SETTINGS:
        for threads in map(int, asked.threads.split(",")):
            progress(f"{name}, {threads} threads")
            found[f"{name} / {threads}"] = digests(name, threads)
    document: dict[str, Any] = {"machine": machine(), "digests": found}
    rows = [(operation, *(each[operation] for each in found.values())) for operation in next(iter(found.values()))]
    moving = [row[0] for row in rows if len(set(row[1:])) > 1]
    notes = (f"Settings / threads. Not the same under all of these settings: {', '.join(moving) or 'none'}.",)
    tell(asked, document, [Table("Digests by operation", ("operation", *found), rows, notes)])


if __name__ == "__main__":
    main()
