"""Gradients of layers on images, by PyTorch.

    python pytorch_layers.py          writes ../fixtures/pytorch_layers/*.safetensors and prints how far f32 is from f64
    python pytorch_layers.py --check  computes again, writes nothing, and tells how far the committed files are off

Two networks: the types `First` and `Second` of the test `pytorch_layers` in Rust. A file has `weights.NAME` and `gradients.NAME` for each parameter, in PyTorch's
layout, and, channels last, `inputs`, `outputs`, `outputs_gradient` and `inputs_gradient`. The loss is the mean cross-entropy.

Each gradient is computed in f64 too, and must be within DRIFT of the one in f32: at a kink it would not be.
"""

import argparse
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional as F

FOLDER = Path(__file__).resolve().parent.parent / "fixtures" / "pytorch_layers"
SEED = 1
LABELS = [0, 2, 1]
DRIFT = 1e-6
# How far two machines may differ: PyTorch's order of additions depends on the processor.
REPEATABLE = 2e-6


def norm(x, weight, bias):
    """Over the channels of each position."""
    return F.layer_norm(x.permute(0, 2, 3, 1), weight.shape, weight, bias).permute(0, 3, 1, 2)


def first(p, x):
    x = F.relu(F.conv2d(x, p["stem.weight"], p["stem.bias"], stride=2, padding=1))
    # Of an even kernel the odd position is behind.
    body = torch.tanh(F.conv2d(x, p["depthwise.weight"], p["depthwise.bias"], padding="same", groups=4))
    x = F.relu(F.conv2d(body, p["body.weight"], p["body.bias"], padding=1) + x)
    x = norm(F.max_pool2d(x, 2), p["norm.weight"], p["norm.bias"])
    return F.linear(x.mean((2, 3)), p["last.weight"], p["last.bias"])


def second(p, x):
    x = torch.tanh(F.conv2d(x, p["stem.weight"], p["stem.bias"], stride=2))
    x = F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)
    body = F.relu(F.conv2d(x, p["body.0.weight"], p["body.0.bias"], stride=2, padding=1))
    body = F.conv2d(body, p["body.1.weight"], p["body.1.bias"], padding=1)
    x = F.relu(body + F.conv2d(x, p["shortcut.weight"], p["shortcut.bias"], stride=2))
    return F.linear(x.amax((2, 3)), p["last.weight"], p["last.bias"])


# Network, shape of an input, shapes of the weights; a bias has one value for each output.
NETWORKS = {
    "first": (first, [2, 9, 8], {"stem": [4, 2, 3, 3], "depthwise": [4, 1, 3, 2], "body": [4, 4, 3, 3], "norm": [4], "last": [3, 4]}),
    "second": (second, [2, 12, 13], {"stem": [5, 2, 3, 3], "body.0": [6, 5, 3, 3], "body.1": [6, 6, 3, 3], "shortcut": [6, 5, 1, 1], "last": [3, 6]}),
}


def channels_last(images):
    return images.permute(0, 2, 3, 1).contiguous()


def tensors(network, shape, weights, dtype):
    generator = torch.Generator().manual_seed(SEED)
    drawn = lambda shape: torch.rand(shape, generator=generator) * 1.4 - 0.7  # noqa: E731
    p = {f"{name}.{kind}": drawn(size) for name, shape in weights.items() for kind, size in [("weight", shape), ("bias", shape[:1])]}
    inputs = torch.randn([len(LABELS), *shape], generator=generator)
    p = {name: tensor.to(dtype).requires_grad_() for name, tensor in p.items()}
    x = inputs.to(dtype).requires_grad_()
    outputs = network(p, x)
    outputs.retain_grad()
    F.cross_entropy(outputs, torch.tensor(LABELS)).backward()
    found = {f"weights.{name}": tensor.detach() for name, tensor in p.items()}
    found |= {f"gradients.{name}": tensor.grad for name, tensor in p.items()}
    found |= {"inputs": channels_last(inputs), "inputs_gradient": channels_last(x.grad)}
    return found | {"outputs": outputs.detach(), "outputs_gradient": outputs.grad}


def farthest(one, other):
    if one.keys() != other.keys():
        sys.exit("other tensors")
    return max((one[name].double() - other[name].double()).abs().max().item() for name in one)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    FOLDER.mkdir(exist_ok=True)
    for name, parts in NETWORKS.items():
        found = tensors(*parts, torch.float32)
        drift = farthest(found, tensors(*parts, torch.float64))
        print(f"{name}: f32 is within {drift:.1e} of f64")
        if not drift <= DRIFT:
            sys.exit("too far")
        path = FOLDER / f"{name}.safetensors"
        if check:
            off = farthest(found, load_file(path))
            print(f"{name}: the committed file is within {off:.1e}")
            if not off <= REPEATABLE:
                sys.exit("too far")
        else:
            save_file(found, path, metadata={"format": "pt"})


if __name__ == "__main__":
    main()
