"""The voice demo in PyTorch: a recogniser of spoken digits learns another speaker.

    python voice.py                     trains on five speakers, six times, writes ../fixtures/voice and two tables
    python voice.py --read-back FOLDER  compares predictions with a device's (`firmware-example/run.sh voice` left FOLDER)

Two networks, each by softmax cross-entropy: `dense`, 312-64-10 with ReLU, and `convolution`, two convolutions along the 24 moments with batch
normalization and the mean of their answers. First 15 epochs on the 2500 recordings of five speakers (SGD with momentum 0.9, batches of 32; rate 0.02,
or 0.05 falling along a cosine). Batch normalization is then folded into the convolutions. What is written is F16, which the firmware reads. Then, as the
firmware does, 20 epochs on 50 recordings of the sixth (plain SGD, batches of 10, rate 0.1 or 0.05; the last layer alone 0.3 or 0.5); tested on that
speaker's other 450. `../examples/src/bin/voice.rs` is the same in Rust.
"""

import argparse
import copy
import itertools
import sys
from pathlib import Path

import numpy
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from pytorch_loop import numbers

HERE = Path(__file__).resolve().parent
DATA = HERE.parent / "data" / "fsdd_mfcc.bin"
FIXTURES = HERE.parent / "fixtures" / "voice"
SPEAKERS = ["george", "jackson", "lucas", "nicolas", "theo", "yweweler"]
TUNED_ON = 5  # recordings of each digit
TOLERANCE = 1e-6


def recordings():
    """Inputs, labels, speakers, and the number of each recording among its speaker's of the digit."""
    contents = DATA.read_bytes()
    assert contents[:4] == b"TDS1"
    rows = numpy.frombuffer(contents, dtype=numpy.uint8)[16:].reshape(3000, 3 + 24 * 13)
    inputs = torch.from_numpy(rows[:, 3:].copy().view(numpy.int8).astype(numpy.float32) / 32)
    label, speaker, number = (torch.from_numpy(rows[:, column].astype(numpy.int64)) for column in range(3))
    return inputs, label, speaker, number


def dense():
    return nn.Sequential(nn.Linear(312, 64), nn.ReLU(), nn.Linear(64, 10))


def convolution():
    """As it is after folding: 3,626 parameters."""
    first, second = (nn.Conv1d(ins, outs, 3, padding=1) for ins, outs in [(13, 24), (24, 32)])
    pool, mean = nn.MaxPool1d(2), nn.AdaptiveAvgPool1d(1)
    return nn.Sequential(first, nn.ReLU(), pool, second, nn.ReLU(), mean, nn.Flatten(), nn.Linear(32, 10))


def normalized(module):
    """With batch normalization behind each convolution."""
    layers = [[layer, nn.BatchNorm1d(layer.out_channels)] if isinstance(layer, nn.Conv1d) else [layer] for layer in module]
    return nn.Sequential(*sum(layers, []))


def folded(module):
    """With each batch normalization in the convolution before it, in inference."""
    module, layers = module.eval(), []
    for layer in module:
        if isinstance(layer, nn.BatchNorm1d):
            layers[-1] = fuse_conv_bn_eval(layers[-1], layer)
        else:
            layers.append(layer)
    return nn.Sequential(*layers)


class Kind:
    """A network with how it is trained: first on five speakers, then on the sixth."""

    def __init__(self, network, rate, cosine, all_rate, last_rate, shape):
        self.network, self.rate, self.cosine, self.all_rate, self.last_rate, self.shape = network, rate, cosine, all_rate, last_rate, shape


KINDS = {
    "dense": Kind(dense, 0.02, False, 0.1, 0.3, lambda rows: rows),
    # PyTorch has channels first.
    "convolution": Kind(convolution, 0.05, True, 0.05, 0.5, lambda rows: rows.reshape(-1, 24, 13).transpose(1, 2).contiguous()),
}


def train(parameters, module, inputs, labels, rate, momentum, batch, epochs, generator, cosine=False):
    optimizer = torch.optim.SGD(parameters, lr=rate, momentum=momentum)
    steps = epochs * -(-len(inputs) // batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps) if cosine else None
    loss = nn.CrossEntropyLoss()
    for _ in range(epochs):
        for chosen in torch.randperm(len(inputs), generator=generator).split(batch):
            optimizer.zero_grad()
            loss(module(inputs[chosen]), labels[chosen]).backward()
            optimizer.step()
            if schedule:
                schedule.step()


def accuracy(module, inputs, labels):
    return 100 * (module(inputs).argmax(1) == labels).float().mean().item()


def initialize(name, module):
    """Glorot-uniform weights; He-uniform for convolutions."""
    for layer in module:
        if isinstance(layer, nn.Conv1d):
            nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
        elif isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
        if isinstance(layer, (nn.Conv1d, nn.Linear)):
            nn.init.zeros_(layer.bias)
    return normalized(module) if name == "convolution" else module


def write():
    rows, labels, speakers, number = recordings()
    for name, kind in KINDS.items():
        write_kind(name, kind, kind.shape(rows), labels, speakers, number)


def write_kind(name, kind, inputs, labels, speakers, number):
    folder = FIXTURES / name
    folder.mkdir(exist_ok=True, parents=True)
    print(f"| {name} | before | after | last layer only |")
    print("| --- | --- | --- | --- |")
    rows = []
    for index, speaker in enumerate(SPEAKERS):
        torch.manual_seed(index)
        generator = torch.Generator().manual_seed(index)
        own, few = speakers == index, number < TUNED_ON
        module = initialize(name, kind.network())
        train(module.parameters(), module, inputs[~own], labels[~own], kind.rate, 0.9, 32, 15, generator, kind.cosine)
        module = folded(module)
        save_file(module.half().state_dict(), folder / f"{speaker}.safetensors", metadata={"format": "pt"})

        module = module.float()
        test = inputs[own & ~few], labels[own & ~few]
        row = [accuracy(module, *test)]
        for last_only, rate in [(False, kind.all_rate), (True, kind.last_rate)]:
            tuned = copy.deepcopy(module)
            parameters = tuned[-1].parameters() if last_only else tuned.parameters()
            train(parameters, tuned, inputs[own & few], labels[own & few], rate, 0, 10, 20, generator)
            row.append(accuracy(tuned, *test))
        rows.append(row)
        print(f"| {speaker} | {' | '.join(f'{value:.1f}' for value in row)} |", flush=True)
    print(f"| mean | {' | '.join(f'{value:.1f}' for value in numpy.mean(rows, axis=0))} |\n")


def read_back(folder):
    """What a device learned: `KIND/NAME/adapted.safetensors`, and in `KIND/NAME/predictions.txt` the logits that it gave.

    Each library adds hundreds of products of numbers up to 4 in an order of its own, so logits are compared in units of the largest."""
    rows, _, speakers, number = recordings()
    found = 0
    for (name, kind), (index, speaker) in itertools.product(KINDS.items(), enumerate(SPEAKERS)):
        theirs = folder / name / speaker
        if not (theirs / "adapted.safetensors").exists():
            continue
        found += 1
        module = kind.network()
        start = load_file(FIXTURES / name / f"{speaker}.safetensors")
        state = load_file(theirs / "adapted.safetensors")
        module.load_state_dict(state, strict=True)
        (logits,) = numbers((theirs / "predictions.txt").read_text(encoding="utf-8")).values()
        logits = logits.reshape(-1, 10)
        # Every ninth: five of each digit.
        test = kind.shape(rows[(speakers == index) & (number >= TUNED_ON)][::9])
        ours, exact = (model(values).detach().numpy() for model, values in [(module, test), (copy.deepcopy(module).double(), test.double())])
        scale = abs(exact).max()
        difference, device, pytorch = (abs(a - b).max() / scale for a, b in [(ours, logits), (logits, exact), (ours, exact)])
        moved = max(abs(state[key] - start[key].float()).max().item() for key in state)
        print(
            f"{name}, {speaker}: {len(logits)} predictions, logits up to {scale:.0f}: of that PyTorch and the device differ by {difference:.1e}, "
            f"the device from f64 by {device:.1e}, PyTorch by {pytorch:.1e}; a weight had moved by {moved:.2f}"
        )
        if not difference <= TOLERANCE or moved < 0.01:
            sys.exit("too far, or not trained")
    if found == 0:
        sys.exit(f"there is nothing in {folder}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--read-back", type=Path, metavar="FOLDER")
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    folder = parser.parse_args().read_back
    if folder:
        read_back(folder)
    else:
        write()


if __name__ == "__main__":
    main()
