"""The voice demo in PyTorch: a recogniser of spoken digits learns another speaker.

    python voice.py                     trains on five speakers, six times, writes ../fixtures/voice/*.safetensors and a table
    python voice.py --read-back FOLDER  compares predictions with a device's (`firmware-example/run.sh voice` left FOLDER)

312-64-10, ReLU, softmax cross-entropy. First 15 epochs on the 2500 recordings of five speakers (SGD with momentum 0.9, rate 0.02, batches of
32); written as F16, which is what the firmware reads. Then, as the firmware does, 20 epochs on 50 recordings of the sixth (plain SGD,
batches of 10, rate 0.1; the last layer alone 0.3); tested on that speaker's other 450. `../examples/src/bin/voice.rs` is the same in Rust.
"""

import argparse
import copy
import sys
from pathlib import Path

import numpy
import torch
from safetensors.torch import load_file, save_file
from torch import nn

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


def network():
    return nn.Sequential(nn.Linear(312, 64), nn.ReLU(), nn.Linear(64, 10))


def train(parameters, module, inputs, labels, rate, momentum, batch, epochs, generator):
    optimizer = torch.optim.SGD(parameters, lr=rate, momentum=momentum)
    loss = nn.CrossEntropyLoss()
    for _ in range(epochs):
        for chosen in torch.randperm(len(inputs), generator=generator).split(batch):
            optimizer.zero_grad()
            loss(module(inputs[chosen]), labels[chosen]).backward()
            optimizer.step()


def accuracy(module, inputs, labels):
    return 100 * (module(inputs).argmax(1) == labels).float().mean().item()


def write():
    FIXTURES.mkdir(exist_ok=True)
    inputs, labels, speakers, number = recordings()
    print("| speaker | before | after | last layer only |")
    print("| --- | --- | --- | --- |")
    rows = []
    for index, name in enumerate(SPEAKERS):
        torch.manual_seed(index)
        generator = torch.Generator().manual_seed(index)
        own, few = speakers == index, number < TUNED_ON
        module = network()
        for layer in (module[0], module[2]):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
        train(module.parameters(), module, inputs[~own], labels[~own], 0.02, 0.9, 32, 15, generator)
        save_file(module.half().state_dict(), FIXTURES / f"{name}.safetensors", metadata={"format": "pt"})

        module = module.float()
        test = inputs[own & ~few], labels[own & ~few]
        row = [accuracy(module, *test)]
        for last_only, rate in [(False, 0.1), (True, 0.3)]:
            tuned = copy.deepcopy(module)
            parameters = tuned[2].parameters() if last_only else tuned.parameters()
            train(parameters, tuned, inputs[own & few], labels[own & few], rate, 0, 10, 20, generator)
            row.append(accuracy(tuned, *test))
        rows.append(row)
        print(f"| {name} | {' | '.join(f'{value:.1f}' for value in row)} |", flush=True)
    print(f"| mean | {' | '.join(f'{value:.1f}' for value in numpy.mean(rows, axis=0))} |")


def read_back(folder):
    """What a device learned: `NAME/adapted.safetensors`, and in `NAME/predictions.txt` the logits that it gave.

    Each library adds 312 products of numbers up to 4 in an order of its own, so logits are compared in units of the largest."""
    inputs, _, speakers, number = recordings()
    found = 0
    for index, name in enumerate(SPEAKERS):
        if not (folder / name / "adapted.safetensors").exists():
            continue
        found += 1
        module = network()
        start = load_file(FIXTURES / f"{name}.safetensors")
        state = load_file(folder / name / "adapted.safetensors")
        module.load_state_dict(state, strict=True)
        (theirs,) = numbers((folder / name / "predictions.txt").read_text(encoding="utf-8")).values()
        theirs = theirs.reshape(-1, 10)
        # Every ninth: five of each digit.
        test = inputs[(speakers == index) & (number >= TUNED_ON)][::9]
        ours, exact = (model(values).detach().numpy() for model, values in [(module, test), (copy.deepcopy(module).double(), test.double())])
        scale = abs(exact).max()
        difference, device, pytorch = (abs(a - b).max() / scale for a, b in [(ours, theirs), (theirs, exact), (ours, exact)])
        moved = max(abs(state[key] - start[key].float()).max().item() for key in state)
        print(
            f"{name}: {len(theirs)} predictions, logits up to {scale:.0f}: of that PyTorch and the device differ by {difference:.1e}, "
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
