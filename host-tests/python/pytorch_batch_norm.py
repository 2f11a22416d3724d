"""Steps of batch normalization by PyTorch, written down for the library to be compared with.

    python pytorch_batch_norm.py          writes ../fixtures/pytorch_batch_norm.txt
    python pytorch_batch_norm.py --check  computes again, writes nothing, and tells how far the committed file is off

A `BatchNorm1d(9)` sees three batches of four samples of five positions. After each it learns by SGD from a loss that is the sum of its outputs,
each times a weight. Then it predicts. The format is that of the other `pytorch_*.txt`; values lie `[sample][position][channel]`.
"""

import argparse
from pathlib import Path

import numpy
import torch
from torch import nn

FILE = Path(__file__).resolve().parent.parent / "fixtures" / "pytorch_batch_norm.txt"
STEPS, SAMPLES, POSITIONS, CHANNELS = 3, 4, 5, 9
RATE = 0.1


def arrays():
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(CHANNELS)
    with torch.no_grad():
        norm.weight.uniform_(-1, 1)
        norm.bias.uniform_(-1, 1)
    found = {"gain": norm.weight.detach().clone(), "bias": norm.bias.detach().clone()}
    rule = torch.optim.SGD(norm.parameters(), RATE)
    shape = (STEPS, SAMPLES, POSITIONS, CHANNELS)
    # Channels with means and widths of their own.
    inputs = torch.randn(shape) * torch.linspace(0.2, 2.0, CHANNELS) + torch.linspace(-3.0, 3.0, CHANNELS)
    weights = torch.randn(shape)
    found |= {"inputs": inputs, "weights": weights}
    each = {"outputs": [], "gradients": [], "gains": [], "biases": [], "means": [], "variances": []}
    for x, weight in zip(inputs, weights):
        x = x.clone().requires_grad_()
        y = norm(x.transpose(1, 2)).transpose(1, 2)  # PyTorch has channels first
        rule.zero_grad()
        (y * weight).sum().backward()
        rule.step()
        now = [y, x.grad, norm.weight, norm.bias, norm.running_mean, norm.running_var]
        for values, all_values in zip(now, each.values()):
            all_values.append(values.detach().clone())
    norm.eval()
    found |= {name: torch.stack(values) for name, values in each.items()}
    found["predictions"] = norm(inputs[0].transpose(1, 2)).transpose(1, 2).detach()
    return found


def text(name, tensor):
    shape = "".join(f" {size}" for size in tensor.shape)
    return f"{name}{shape}: {' '.join(str(numpy.float32(value)) for value in tensor.flatten().tolist())}\n"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    found = arrays()
    if not parser.parse_args().check:
        head = f"# Made by host-tests/python/pytorch_batch_norm.py with PyTorch {torch.__version__}\n"
        FILE.write_text(head + "".join(text(name, tensor) for name, tensor in found.items()))
        return
    committed = dict(line.split(": ") for line in FILE.read_text().splitlines() if not line.startswith("#"))
    most = 0.0
    for head, values in committed.items():
        values = torch.tensor([float(value) for value in values.split()])
        most = max(most, (values - found[head.split()[0]].flatten()).abs().max().item())
    print(f"largest difference {most:.1e}")
    assert most < 2e-6


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
