"""NumPy and PyTorch at the same work as `benches/src/work.rs`, one thread.

    python3 peers.py            # a table: microseconds for each step, prediction or epoch
    python3 peers.py serve      # does what benches/peers asks for, line by line

The networks, data and initial weights are made by the formulas of `work.rs`; change both. PyTorch is measured if it is there.
"""

import os

# Before NumPy is loaded: its libraries read these once.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import csv
import sys
from dataclasses import dataclass
from pathlib import Path
from time import process_time

import numpy

try:
    import torch

    torch.set_num_threads(1)
except ImportError:
    torch = None

DATA = Path(__file__).resolve().parents[2] / "host-tests" / "data"
SEED = 7


@dataclass
class Work:
    name: str
    source: str  # xor, iris, digits, images, large images
    samples: int
    sizes: list  # of the network of convolutions values in and out alone
    task: str  # values: sigmoid and mean squared error; classes: ReLU, softmax and cross-entropy
    rule: str  # sgd, adam
    rate: float
    batch: int
    plan: str  # steps, epochs, drawn, predictions
    count: int

    def is_convolutional(self):
        return self.source == "large images"

    def layers(self):
        """Positions, inputs at each and outputs of every layer with parameters. A kernel is a layer on its taps."""
        if self.is_convolutional():
            return [(9, 1, 8), (9, 8, 16), (25, 16, 10)]
        return [(1, *sizes) for sizes in zip(self.sizes, self.sizes[1:])]


def all_works():
    xor = dict(source="xor", samples=4, sizes=[2, 3, 1], task="values", rule="sgd", rate=2.0, plan="steps", count=401)
    iris = dict(source="iris", sizes=[4, 16, 3], task="classes", rule="adam", rate=0.01)
    digits = dict(source="digits", sizes=[64, 32, 10], task="classes", rule="sgd", rate=0.1)
    images = dict(source="images", sizes=[196, 100, 50, 10], task="values", rule="sgd", rate=5.0)
    large = dict(source="large images", sizes=[784, 10], task="classes", rule="sgd")
    works = [
        Work("XOR 2-3-1 SGD, batch 1", batch=1, **xor),
        Work("XOR 2-3-1 SGD, batch 4", batch=4, **xor),
        Work("iris 4-16-3 Adam, batch 1", batch=1, samples=112, plan="steps", count=337, **iris),
        Work("iris 4-16-3 Adam, batch 16", batch=16, samples=112, plan="steps", count=337, **iris),
        Work("digits 64-32-10 SGD, batch 1", batch=1, samples=512, plan="steps", count=513, **digits),
        Work("digits 64-32-10 SGD, batch 32", batch=32, samples=512, plan="steps", count=97, **digits),
        Work("196-100-50-10 SGD, batch 1", batch=1, samples=128, plan="steps", count=129, **images),
        Work("196-100-50-10 SGD, batch 64", batch=64, samples=512, plan="steps", count=25, **images),
        Work("predict 196-100-50-10", batch=1, samples=128, plan="predictions", count=1000, **images),
        Work("iris, an epoch in batches of 16", batch=16, samples=120, plan="epochs", count=20, **iris),
        Work("digits, an epoch in batches of 32", batch=32, samples=1438, plan="epochs", count=2, **digits),
        Work("MNIST, random mini-batches of 64", batch=64, samples=60_000, plan="drawn", count=2000, **images),
        Work("MNIST 28x28 convolutions SGD, batch 1", batch=1, samples=10, rate=0.05, plan="steps", count=161, **large),
        Work("MNIST 28x28 convolutions SGD, batch 32", batch=32, samples=128, rate=0.1, plan="steps", count=49, **large),
        Work("predict MNIST 28x28 convolutions", batch=1, samples=10, rate=0.05, plan="predictions", count=200, **large),
    ]
    return {work.name: work for work in works}


# The data of `work.rs`


def unit(a, b):
    """A number in [0, 1) that two indices settle; arrays of indices give arrays."""
    word = numpy.uint32(0x9E3779B1) * numpy.asarray(a, numpy.uint32)
    word = word + numpy.uint32(0x85EBCA77) * numpy.asarray(b, numpy.uint32)
    word = (word ^ (word >> 15)) * numpy.uint32(0x2C1B3C6D)
    word = (word ^ (word >> 12)) * numpy.uint32(0x297A2D39)
    word ^= word >> 15
    return (word >> 8).astype(numpy.float32) / numpy.float32(16_777_216)


def parameters(work):
    """Weights with a row per input (channel by channel, and the positions of each), and biases, layer by layer."""
    for layer, (positions, channels, outputs) in enumerate(work.layers()):
        inputs = positions * channels
        bound = numpy.sqrt(numpy.float32(6.0 / (inputs + outputs)))
        numbers = unit(numpy.array([layer]), numpy.arange(inputs * outputs))
        weights = (bound * (2 * numbers - 1)).reshape(positions, channels, outputs)
        yield weights.swapaxes(0, 1).reshape(inputs, outputs), numpy.zeros(outputs, numpy.float32)


def table(name, scale):
    with open(DATA / name, encoding="utf-8") as file:
        rows = numpy.array(list(csv.reader(file))[1:], dtype=numpy.float32)
    return rows[:, :-1] / numpy.float32(scale), rows[:, -1].astype(int)


def samples(work):
    """Inputs, target values, classes."""
    if work.source == "xor":
        inputs = numpy.array([[0, 0], [0, 1], [1, 0], [1, 1]], numpy.float32)
        labels = numpy.array([0, 1, 1, 0])
        return inputs, labels.reshape(4, 1).astype(numpy.float32), labels
    if work.source in ("images", "large images"):
        sample, pixel = numpy.arange(work.samples), numpy.arange(work.sizes[0])
        labels = sample % 10
        half = numpy.float32(0.5)
        pattern = unit(100 + numpy.arange(10)[:, None], pixel)[labels]
        inputs = half * pattern + half * unit(1000 + sample[:, None], pixel)
    else:
        inputs, labels = table(f"{work.source}.csv", 8 if work.source == "iris" else 16)
        order = numpy.arange(work.samples) * 37 % len(labels)
        inputs, labels = numpy.ascontiguousarray(inputs[order]), labels[order]
    return inputs, numpy.eye(work.sizes[-1], dtype=numpy.float32)[labels], labels


# The libraries


class NumPy:
    """The textbook's formulas on whole batches, in f32, in place where NumPy can."""

    name = "NumPy"

    def __init__(self, work):
        self.work = work
        self.layers = list(parameters(work))
        self.moments = [[[numpy.zeros_like(p), numpy.zeros_like(p)] for p in layer] for layer in self.layers]
        self.steps = 0

    @staticmethod
    def tensors(inputs, targets, labels):
        return inputs, targets

    def activate(self, values, is_last):
        if self.work.task == "values":
            numpy.negative(values, out=values)
            numpy.exp(values, out=values)
            values += 1
            numpy.reciprocal(values, out=values)
        elif not is_last:
            numpy.maximum(values, 0, out=values)
        return values

    def forward(self, inputs):
        """The input and the output of every layer."""
        activations = [inputs]
        for index, (weights, bias) in enumerate(self.layers):
            values = activations[-1] @ weights
            values += bias
            activations.append(self.activate(values, index == len(self.layers) - 1))
        return activations

    def predict(self, batch):
        return self.forward(batch[0])[-1][0, 0]

    def slope(self, outputs):
        if self.work.task == "values":
            return outputs * (1 - outputs)
        return outputs > 0

    def step(self, batch):
        inputs, targets = batch
        activations = self.forward(inputs)
        outputs = activations[-1]
        if self.work.task == "values":
            error = outputs - targets
            loss = numpy.square(error).mean()
            delta = error * (2 / error.size) * self.slope(outputs)
        else:
            shifted = outputs - outputs.max(axis=1, keepdims=True)
            exponentials = numpy.exp(shifted)
            sums = exponentials.sum(axis=1, keepdims=True)
            loss = (numpy.log(sums)[:, 0] - (shifted * targets).sum(axis=1)).mean()
            delta = (exponentials / sums - targets) / len(inputs)
        self.steps += 1
        for index in range(len(self.layers) - 1, -1, -1):
            below = activations[index]
            gradients = below.T @ delta, delta.sum(axis=0)
            if index > 0:
                delta = delta @ self.layers[index][0].T
                delta *= self.slope(below)
            for parameter, gradient, moments in zip(self.layers[index], gradients, self.moments[index]):
                self.update(parameter, gradient, moments)
        return loss

    def update(self, parameter, gradient, moments):
        if self.work.rule == "sgd":
            gradient *= self.work.rate
            parameter -= gradient
            return
        first, second = moments
        first *= 0.9
        first += 0.1 * gradient
        second *= 0.999
        second += 0.001 * numpy.square(gradient)
        rate = self.work.rate / (1 - 0.9**self.steps)
        root = numpy.sqrt(second)
        root *= 1 / (1 - 0.999**self.steps) ** 0.5
        root += 1e-8
        parameter -= rate * first / root


class PyTorch:
    """The usual loop."""

    name = "PyTorch"

    def __init__(self, work):
        self.work = work
        layers = []
        for (positions, channels, outputs), (weights, bias) in zip(work.layers(), parameters(work)):
            behind = [torch.nn.Sigmoid() if work.task == "values" else torch.nn.ReLU()]
            if positions == 9:  # 3 × 3
                layer = torch.nn.Conv2d(channels, outputs, 3)
                behind.append(torch.nn.MaxPool2d(2))
            else:
                layer = torch.nn.Linear(*weights.shape)
            with torch.no_grad():
                layer.weight.copy_(torch.from_numpy(weights.T).reshape(layer.weight.shape))
                layer.bias.copy_(torch.from_numpy(bias))
            if positions == 25:  # 5 × 5
                layers.append(torch.nn.Flatten())
            layers += [layer, *behind]
        if work.task == "classes":
            layers.pop()
        self.network = torch.nn.Sequential(*layers)
        make = torch.optim.SGD if work.rule == "sgd" else torch.optim.Adam
        self.optimizer = make(self.network.parameters(), lr=work.rate)
        self.criterion = torch.nn.MSELoss() if work.task == "values" else torch.nn.CrossEntropyLoss()

    def tensors(self, inputs, targets, labels):
        targets = targets if self.work.task == "values" else labels
        if self.work.is_convolutional():
            inputs = inputs.reshape(-1, 1, 28, 28)
        return torch.from_numpy(inputs), torch.from_numpy(targets)

    def predict(self, batch):
        with torch.inference_mode():
            return self.network(batch[0])[0, 0]

    def step(self, batch):
        inputs, targets = batch
        self.optimizer.zero_grad()
        loss = self.criterion(self.network(inputs), targets)
        loss.backward()
        self.optimizer.step()
        return loss.detach()


# The plans


class Run:
    """A library with a work and its data."""

    def __init__(self, library, work):
        self.library, self.work = library, work
        self.data = library(work).tensors(*samples(work))
        rows = range(0, work.samples - work.batch + 1, work.batch)
        self.batches = [tuple(part[row : row + work.batch] for part in self.data) for row in rows]

    def run(self):
        """Seconds of the processor for the plan, from the initial weights on, and the last loss or output."""
        work, data, batches = self.work, self.data, self.batches
        peer = self.library(work)
        untrained = float(self.library(work).step(batches[0]))
        random = numpy.random.default_rng(SEED)
        start = process_time()
        if work.plan == "steps":
            for step in range(work.count):
                value = peer.step(batches[step % len(batches)])
        elif work.plan == "epochs":
            for _ in range(work.count):
                order = random.permutation(work.samples)
                for first in range(0, work.samples, work.batch):
                    rows = order[first : first + work.batch]
                    value = peer.step(tuple(part[rows] for part in data))
        elif work.plan == "drawn":
            for _ in range(work.count):
                rows = random.integers(work.samples, size=work.batch)
                value = peer.step(tuple(part[rows] for part in data))
        else:
            for step in range(work.count):
                value = peer.predict(batches[step % len(batches)])
        seconds = process_time() - start
        # In its own random order a run can't be compared with another's, but it must have learnt.
        if work.plan in ("epochs", "drawn"):
            assert float(value) < 0.7 * untrained, f"{work.name}: loss {untrained} before, {value} after"
        return seconds, float(value)


LIBRARIES = {library.name: library for library in (NumPy, PyTorch) if library is NumPy or torch is not None}


def versions():
    yield f"NumPy {numpy.__version__}"
    if torch is not None:
        yield f"PyTorch {torch.__version__.split('+')[0]}"


def serve():
    """First a line of versions; then for each line `library, tab, work` one of seconds and value."""
    print("\t".join(versions()), flush=True)
    works, runs = all_works(), {}
    for line in sys.stdin:
        library, name = line.rstrip("\n").split("\t")
        if (library, name) not in runs:
            runs = {(library, name): Run(LIBRARIES[library], works[name])} | {
                key: run for key, run in runs.items() if key[1] == name  # of other works nothing is kept
            }
        seconds, value = runs[library, name].run()
        print(f"{seconds!r}\t{value!r}", flush=True)


def print_table():
    print(", ".join(versions()) + "; microseconds for each step, prediction or epoch, best of runs")
    for name, work in all_works().items():
        cells = []
        for library in LIBRARIES.values():
            if library is NumPy and work.is_convolutional():
                continue  # it has no convolutions
            run = Run(library, work)
            repeats = 3 if work.plan == "drawn" else 20
            best = min(run.run()[0] for _ in range(repeats))
            cells.append(f"{library.name} {best / work.count * 1e6:10.1f}")
        print(f"{name:36} {'   '.join(cells)}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        serve()
    elif not sys.argv[1:]:
        print_table()
    else:
        sys.exit(__doc__)
