"""The PyTorch loop: small networks trained by PyTorch, written down for the library to be compared with.

    python pytorch_loop.py              writes ../fixtures/pytorch_*.txt and prints a table of the runs
    python pytorch_loop.py --check      trains again, writes nothing, and tells how far the committed files are off
    python pytorch_loop.py --find-seed  looks for the first seed that keeps the rules below

Every run trains a network 10-20-1, 10-20-2 or 10-20-3 with ReLU on the same five samples for 100 steps, from the same
weights, in f32 on one CPU thread. The format is described in ../fixtures/README.md.

A comparison to 1e-5 only makes sense where rounding stays small. So each run is done a second time in f64 and must
keep two rules, or this script stops:

- DRIFT: no parameter ends further than this from its f64 value;
- MARGIN: no quantity with a kink at zero comes closer to it, in any step: the hidden pre-activations (ReLU), and the
  errors where the loss is the absolute error. Otherwise rounding could decide which side of the kink is taken; it
  moves pre-activations by some 1e-6, the column "rounding" of the table.

SEED is the first seed, counted from 0, that keeps both in all runs and starts with errors on both sides of Huber's
delta. Two rates are small for the rules' sake: RMSprop's is 0.0003 (at 0.001 it can oscillate about the minimum, and
f32 and f64 part by 1e-3), the cross-entropies' 0.03 (at 0.1 more pre-activations hover at the kink).
"""

import argparse
import itertools
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy
import torch
from torch import nn
from torch.optim import lr_scheduler

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"

SEED = 26
STEPS = 100
SAMPLES, INPUTS, HIDDEN = 5, 10, 20
DRIFT = 3e-6
MARGIN = 1e-5

# How far two machines may differ in the same run (`--check`): PyTorch's order of additions depends on the processor.
REPEATABLE = 2e-6

# Fixed, so that every class and both answers occur.
LABELS = [0, 1, 2, 0, 1]
ANSWERS = [[0, 1], [1, 0], [1, 1], [0, 0], [1, 0]]
CLASS_WEIGHTS = [1.0, 2.0, 0.5]


# Start: data and initial weights


@dataclass
class Start:
    """What all runs share, in f32."""

    inputs: torch.Tensor
    values: torch.Tensor
    hidden: nn.Linear
    outputs: dict

    @staticmethod
    def draw(seed):
        """Unit normal inputs and targets; hidden weights by He, the rest as `torch.nn.Linear` draws them.

        He's wider weights put the hidden pre-activations farther from ReLU's kink than `torch.nn.Linear`'s.
        """
        torch.manual_seed(seed)
        inputs = torch.randn(SAMPLES, INPUTS)
        values = torch.randn(SAMPLES, 1)
        hidden = nn.Linear(INPUTS, HIDDEN)
        nn.init.kaiming_uniform_(hidden.weight, nonlinearity="relu")
        return Start(inputs, values, hidden, {count: nn.Linear(HIDDEN, count) for count in (1, 2, 3)})

    def network(self, outputs, dtype):
        """A fresh network with the initial weights, converted to `dtype` (f32 to f64 is exact)."""
        network = nn.Sequential(nn.Linear(INPUTS, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, outputs)).to(dtype)
        network[0].load_state_dict(self.hidden.state_dict())
        network[2].load_state_dict(self.outputs[outputs].state_dict())
        return network

    def lines(self):
        yield from line("inputs", self.inputs)
        yield from line("values", self.values)
        yield from line("labels", torch.tensor(LABELS))
        yield from line("answers", torch.tensor(ANSWERS))
        yield from layer_lines("hidden", self.hidden)
        for count, layer in self.outputs.items():
            yield from layer_lines(f"output_{count}", layer)


# Optimizers written by hand, for the rules that PyTorch has in another form


class AdagradEpsilonInside:
    """`G += g²`, `p -= rate · g / √(G + epsilon)`; PyTorch's own has `√G + epsilon`."""

    def __init__(self, parameters, learning_rate, epsilon):
        self.parameters, self.learning_rate, self.epsilon = list(parameters), learning_rate, epsilon
        self.squares = [torch.zeros_like(parameter) for parameter in self.parameters]

    @torch.no_grad()
    def step(self):
        for parameter, squares in zip(self.parameters, self.squares):
            squares += parameter.grad * parameter.grad
            parameter -= self.learning_rate * parameter.grad / torch.sqrt(squares + self.epsilon)


class RmspropEpsilonInside:
    """`G = decay · G + (1 - decay) · g²`, `p -= rate · g / √(G + epsilon)`; PyTorch's own has `√G + epsilon`."""

    def __init__(self, parameters, learning_rate, decay, epsilon):
        self.parameters, self.learning_rate = list(parameters), learning_rate
        self.decay, self.epsilon = decay, epsilon
        self.squares = [torch.zeros_like(parameter) for parameter in self.parameters]

    @torch.no_grad()
    def step(self):
        for parameter, squares in zip(self.parameters, self.squares):
            squares *= self.decay
            squares += (1.0 - self.decay) * (parameter.grad * parameter.grad)
            parameter -= self.learning_rate * parameter.grad / torch.sqrt(squares + self.epsilon)


# PyTorch's optimizers. `foreach` and `fused` off: the plain loop over parameters, the form of the documentation.


def sgd(parameters, learning_rate, momentum=0.0, nesterov=False, weight_decay=0.0):
    return torch.optim.SGD(
        parameters,
        lr=learning_rate,
        momentum=momentum,
        dampening=0.0,
        nesterov=bool(nesterov),
        weight_decay=weight_decay,
        foreach=False,
        fused=False,
    )


def adagrad(parameters, learning_rate, epsilon):
    return torch.optim.Adagrad(parameters, lr=learning_rate, eps=epsilon, foreach=False, fused=False)


def rmsprop(parameters, learning_rate, decay, epsilon):
    return torch.optim.RMSprop(parameters, lr=learning_rate, alpha=decay, eps=epsilon, foreach=False)


def adam(parameters, learning_rate, beta1, beta2, epsilon, weight_decay=0.0, rule=torch.optim.Adam):
    return rule(
        parameters,
        lr=learning_rate,
        betas=(beta1, beta2),
        eps=epsilon,
        weight_decay=weight_decay,
        foreach=False,
        fused=False,
    )


def adamw(parameters, **settings):
    return adam(parameters, rule=torch.optim.AdamW, **settings)


# Losses: the target tensor from the start, and PyTorch's loss with its default mean


def values(start, dtype):
    return start.values.to(dtype)


def answers(_start, dtype):
    return torch.tensor(ANSWERS, dtype=dtype)


def labels(_start, _dtype):
    return torch.tensor(LABELS)


@dataclass(frozen=True)
class Loss:
    outputs: int
    target: object
    make: object
    kinked: bool = False


MEAN_SQUARED_ERROR = Loss(1, values, lambda _: nn.MSELoss())
ABSOLUTE_ERROR = Loss(1, values, lambda _: nn.L1Loss(), kinked=True)
HUBER = Loss(1, values, lambda _: nn.HuberLoss(delta=1.0))
BINARY_CROSS_ENTROPY = Loss(2, answers, lambda _: nn.BCEWithLogitsLoss())
CROSS_ENTROPY = Loss(3, labels, lambda _: nn.CrossEntropyLoss())
# The mean divides by the sum of the weights of the samples' classes, not by the number of samples.
WEIGHTED_CROSS_ENTROPY = Loss(
    3, labels, lambda dtype: nn.CrossEntropyLoss(weight=torch.tensor(CLASS_WEIGHTS, dtype=dtype))
)


# Runs


@dataclass(frozen=True)
class Run:
    """One fixture. `settings` are the optimizer's arguments; they are written into the file under these names."""

    name: str
    title: str
    loss: Loss
    optimizer: object
    settings: dict
    clip_value: float = None
    clip_norm: float = None
    constants: dict = field(default_factory=dict)
    """What the loss needs and the file should say."""


ADAM = dict(beta1=0.9, beta2=0.999, epsilon=1e-8)

RUNS = [
    Run("sgd", "torch.optim.SGD", MEAN_SQUARED_ERROR, sgd, dict(learning_rate=0.01)),
    Run(
        "sgd_momentum",
        "torch.optim.SGD with momentum, dampening 0",
        MEAN_SQUARED_ERROR,
        sgd,
        dict(learning_rate=0.01, momentum=0.9),
    ),
    Run(
        "sgd_nesterov",
        "torch.optim.SGD with nesterov=True",
        MEAN_SQUARED_ERROR,
        sgd,
        dict(learning_rate=0.01, momentum=0.9, nesterov=1),
    ),
    # The usual 1e-4 would change the weights by less than a comparison to 1e-5 could surely see.
    Run(
        "sgd_weight_decay",
        "torch.optim.SGD with weight_decay, biases too",
        MEAN_SQUARED_ERROR,
        sgd,
        dict(learning_rate=0.01, weight_decay=0.1),
    ),
    Run(
        "sgd_clip_value",
        "torch.nn.utils.clip_grad_value_, then torch.optim.SGD",
        MEAN_SQUARED_ERROR,
        sgd,
        dict(learning_rate=0.01),
        clip_value=0.3,
    ),
    Run(
        "sgd_clip_norm",
        "torch.nn.utils.clip_grad_norm_ over all parameters, then torch.optim.SGD",
        MEAN_SQUARED_ERROR,
        sgd,
        dict(learning_rate=0.01),
        clip_norm=1.0,
    ),
    Run(
        "adagrad",
        "torch.optim.Adagrad, epsilon outside the root",
        MEAN_SQUARED_ERROR,
        adagrad,
        dict(learning_rate=0.01, epsilon=1e-10),
    ),
    Run(
        "adagrad_epsilon_inside",
        "Adagrad by hand, epsilon inside the root",
        MEAN_SQUARED_ERROR,
        AdagradEpsilonInside,
        dict(learning_rate=0.01, epsilon=1e-8),
    ),
    Run(
        "rmsprop",
        "torch.optim.RMSprop, epsilon outside the root",
        MEAN_SQUARED_ERROR,
        rmsprop,
        dict(learning_rate=0.0003, decay=0.99, epsilon=1e-8),
    ),
    Run(
        "rmsprop_epsilon_inside",
        "RMSprop by hand, epsilon inside the root",
        MEAN_SQUARED_ERROR,
        RmspropEpsilonInside,
        dict(learning_rate=0.0003, decay=0.9, epsilon=1e-8),
    ),
    Run("adam", "torch.optim.Adam", MEAN_SQUARED_ERROR, adam, dict(learning_rate=0.01, **ADAM)),
    Run(
        "adamw",
        "torch.optim.AdamW, biases decay too",
        MEAN_SQUARED_ERROR,
        adamw,
        dict(learning_rate=0.01, **ADAM, weight_decay=0.01),
    ),
    Run(
        "adam_weight_decay",
        "torch.optim.Adam with weight_decay: added to the gradient (L2), biases too",
        MEAN_SQUARED_ERROR,
        adam,
        dict(learning_rate=0.01, **ADAM, weight_decay=0.01),
    ),
    Run("absolute_error", "torch.nn.L1Loss", ABSOLUTE_ERROR, sgd, dict(learning_rate=0.01)),
    Run("huber", "torch.nn.HuberLoss", HUBER, sgd, dict(learning_rate=0.01), constants=dict(delta=1.0)),
    Run(
        "binary_cross_entropy",
        "torch.nn.BCEWithLogitsLoss",
        BINARY_CROSS_ENTROPY,
        sgd,
        dict(learning_rate=0.03),
    ),
    Run("cross_entropy", "torch.nn.CrossEntropyLoss", CROSS_ENTROPY, sgd, dict(learning_rate=0.03)),
    Run(
        "weighted_cross_entropy",
        "torch.nn.CrossEntropyLoss with class weights",
        WEIGHTED_CROSS_ENTROPY,
        sgd,
        dict(learning_rate=0.03),
        constants=dict(class_weights=CLASS_WEIGHTS),
    ),
]


@dataclass
class Trained:
    network: nn.Sequential
    losses: list
    margin: float
    """The least distance from a kink."""
    crossings: int
    """How often a hidden pre-activation changed its sign from one step to the next."""
    clipped: int
    """How many steps were clipped."""
    pre_activations: list
    """The hidden ones, step by step."""

    def parameters(self):
        return torch.cat([parameter.detach().flatten().double() for parameter in self.network.parameters()])

    def drift(self, other):
        """The largest difference between two networks' parameters."""
        return (self.parameters() - other.parameters()).abs().max().item()

    def rounding(self, other):
        """The largest difference between two runs' hidden pre-activations, in any step."""
        pairs = zip(self.pre_activations, other.pre_activations)
        return max((ours.double() - theirs.double()).abs().max().item() for ours, theirs in pairs)


def train(start, run, dtype):
    """The usual PyTorch loop, watched."""
    network = start.network(run.loss.outputs, dtype)
    inputs, target = start.inputs.to(dtype), run.loss.target(start, dtype)
    criterion = run.loss.make(dtype)
    optimizer = run.optimizer(network.parameters(), **run.settings)
    losses, margin, crossings, clipped, history = [], float("inf"), 0, 0, []
    for _ in range(STEPS):
        network.zero_grad()
        pre_activations = network[0](inputs)
        output = network[2](network[1](pre_activations))
        loss = criterion(output, target)
        loss.backward()
        losses.append(loss.item())

        margin = min(margin, pre_activations.abs().min().item())
        if run.loss.kinked:
            margin = min(margin, (output - target).abs().min().item())
        if history:
            crossings += ((pre_activations > 0) != (history[-1] > 0)).sum().item()
        history.append(pre_activations.detach())

        if run.clip_value is not None:
            largest = max(parameter.grad.abs().max().item() for parameter in network.parameters())
            clipped += largest > run.clip_value
            nn.utils.clip_grad_value_(network.parameters(), run.clip_value, foreach=False)
        if run.clip_norm is not None:
            # Multiplies by min(1, clip_norm / (norm + 1e-6)).
            norm = nn.utils.clip_grad_norm_(network.parameters(), run.clip_norm, foreach=False)
            clipped += norm.item() > run.clip_norm
        optimizer.step()
    return Trained(network, losses, margin, crossings, clipped, history)


def measure(start, run):
    """Trains in f32 and f64; the f32 result, how far it ends from the f64 one, and what rounding did on the way."""
    trained, precise = train(start, run, torch.float32), train(start, run, torch.float64)
    return trained, trained.drift(precise), trained.rounding(precise)


def run_lines(run, trained, drift):
    outputs = run.loss.outputs
    yield f"# {run.title}; network 10-20-{outputs}"
    yield f"# farthest parameter from a run in f64 {drift:.1e}; nearest to a kink {trained.margin:.1e}"
    if run.clip_value is not None or run.clip_norm is not None:
        yield f"# {trained.clipped} of {STEPS} steps were clipped"
    for name, value in run.settings.items():
        yield from line(name, torch.tensor(value))
    if run.clip_value is not None:
        yield from line("clip_value", torch.tensor(run.clip_value))
    if run.clip_norm is not None:
        yield from line("clip_norm", torch.tensor(run.clip_norm))
    for name, value in run.constants.items():
        yield from line(name, torch.tensor(value))
    yield from line("losses", torch.tensor(trained.losses))
    yield from layer_lines("hidden", trained.network[0])
    yield from layer_lines("output", trained.network[2])


# Schedules: the rate before each step, and after the last one


def schedule(first_rate, make):
    """101 rates: the one in force at step 0, 1, … 99, and the one a 101st step would have."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=first_rate)
    scheduler = make(optimizer)
    rates = []
    for _ in range(STEPS):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()  # PyTorch warns where a scheduler steps first
        scheduler.step()
    return rates + [optimizer.param_groups[0]["lr"]]


def warmup_then_cosine(optimizer):
    """0.1, 0.2, … 1.0 of the rate at steps 0 to 9, half a cosine from step 10 down to zero at step 100."""
    warmup = lr_scheduler.LinearLR(optimizer, start_factor=0.1, end_factor=1.0, total_iters=9)
    cosine = lr_scheduler.CosineAnnealingLR(optimizer, T_max=90)
    return lr_scheduler.SequentialLR(optimizer, [warmup, cosine], milestones=[10])


SCHEDULES = {
    "step": (
        "StepLR(step_size=30, gamma=0.1)",
        0.1,
        lambda optimizer: lr_scheduler.StepLR(optimizer, step_size=30, gamma=0.1),
    ),
    "exponential": (
        "ExponentialLR(gamma=0.95)",
        0.1,
        lambda optimizer: lr_scheduler.ExponentialLR(optimizer, gamma=0.95),
    ),
    "cosine": (
        "CosineAnnealingLR(T_max=100, eta_min=0)",
        0.1,
        lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, T_max=100),
    ),
    "cosine_to_floor": (
        "CosineAnnealingLR(T_max=100, eta_min=0.001)",
        0.1,
        lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, T_max=100, eta_min=0.001),
    ),
    "linear": (
        "LinearLR(start_factor=0.1, end_factor=1, total_iters=10)",
        0.1,
        lambda optimizer: lr_scheduler.LinearLR(optimizer, start_factor=0.1, end_factor=1.0, total_iters=10),
    ),
    "warmup_cosine": (
        "SequentialLR([LinearLR(start_factor=0.1, end_factor=1, total_iters=9), CosineAnnealingLR(T_max=90)], [10])",
        0.1,
        warmup_then_cosine,
    ),
}

PLATEAUS = {
    "plateau_default": dict(factor=0.1, patience=10, threshold=1e-4, cooldown=0, min_lr=0.0),
    "plateau_cooldown": dict(factor=0.5, patience=3, threshold=1e-2, cooldown=5, min_lr=0.005),
}


def plateau_losses():
    """A loss per epoch that falls, stays (with and without changes), falls, rises, and creeps.

    No epoch's loss is within 1e-6, relatively, of the limit that counts as better, so that f32 decides as PyTorch's
    f64 does.
    """
    losses = [1.0 / (1.0 + 0.1 * epoch) for epoch in range(20)]
    last = losses[-1]
    losses += [last] * 15  # exactly equal is no improvement
    losses += [last * 1.1 if epoch % 2 else last * 0.997 for epoch in range(15)]  # better, by less than 1e-2
    losses += [last * 0.8 * 0.9**epoch for epoch in range(10)]
    last = losses[-1]
    losses += [last * (1.0 + 0.02 * epoch) for epoch in range(1, 21)]
    losses += [last * (1.0 - 0.00003 * epoch) for epoch in range(1, 21)]  # 1e-4 better every fourth epoch, never 1e-2
    return [float(numpy.float32(loss)) for loss in losses]


def plateau(losses, settings):
    """101 rates, as `schedule`: rate `t + 1` is the one after the loss of epoch `t`."""
    best = float("inf")
    for loss in losses:
        limit = best * (1.0 - settings["threshold"])
        assert best == float("inf") or abs(loss - limit) > 1e-6 * limit, "an epoch's loss is too near the limit"
        best = min(best, loss) if loss < limit else best

    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1)
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, mode="min", threshold_mode="rel", eps=1e-8, **settings)
    rates = [optimizer.param_groups[0]["lr"]]
    for loss in losses:
        optimizer.step()
        scheduler.step(loss)
        rates.append(optimizer.param_groups[0]["lr"])
    return rates


def schedule_lines():
    yield "# torch.optim.lr_scheduler: the rate at steps 0 to 99 and after them; all start at 0.1"
    for name, (title, first_rate, make) in SCHEDULES.items():
        yield f"# {title}"
        yield from line(name, torch.tensor(schedule(first_rate, make), dtype=torch.float64))
    losses = plateau_losses()
    yield "# ReduceLROnPlateau: the loss after each epoch"
    yield from line("plateau_losses", torch.tensor(losses, dtype=torch.float64))
    for name, settings in PLATEAUS.items():
        arguments = ", ".join(f"{key}={value:g}" for key, value in settings.items())
        yield f"# ReduceLROnPlateau({arguments}), mode min, relative threshold"
        yield from line(name, torch.tensor(plateau(losses, settings), dtype=torch.float64))


# Files


def text(number):
    """The shortest decimal that reads back as the same f32; integers as they are."""
    if isinstance(number, int):
        return str(number)
    single = numpy.float32(number)
    shortest = str(single)
    assert numpy.isfinite(single) and numpy.float32(shortest) == single
    return shortest


def line(name, tensor):
    shape = "".join(f" {size}" for size in tensor.shape)
    yield f"{name}{shape}: {' '.join(text(number) for number in tensor.detach().flatten().tolist())}"


def layer_lines(name, layer):
    # The library keeps one row per input, PyTorch one per output.
    yield from line(f"{name}_weights", layer.weight.T)
    yield from line(f"{name}_bias", layer.bias)


def keeps_the_rules(trained, drift):
    return drift <= DRIFT and trained.margin >= MARGIN


def is_suitable(start):
    errors = (start.network(1, torch.float32)(start.inputs) - start.values).abs()
    if not errors.min() < 1.0 < errors.max():
        return False
    # Margin first: it fails most seeds, and needs no second run.
    return all(train(start, run, torch.float32).margin >= MARGIN for run in RUNS) and all(
        keeps_the_rules(*measure(start, run)[:2]) for run in RUNS
    )


def find_seed():
    return next(seed for seed in itertools.count() if is_suitable(Start.draw(seed)))


def all_files():
    """The text of every fixture, by file name; on the way prints the table of the runs."""
    start = Start.draw(SEED)
    header = f"# Made by host-tests/python/pytorch_loop.py with PyTorch {torch.__version__}"
    files = {"pytorch_start.txt": [header, f"# seed {SEED}", *start.lines()]}
    print("| run | loss first → last | drift from f64 | rounding | margin | sign changes | steps clipped |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for run in RUNS:
        trained, drift, rounding = measure(start, run)
        print(
            f"| {run.name} | {trained.losses[0]:.3f} → {trained.losses[-1]:.4f} | {drift:.1e} "
            f"| {rounding:.1e} | {trained.margin:.1e} | {trained.crossings} | {trained.clipped} |"
        )
        if not keeps_the_rules(trained, drift):
            sys.exit(f"{run.name} breaks a rule: take another seed (--find-seed) or a smaller rate")
        files[f"pytorch_{run.name}.txt"] = [header, *run_lines(run, trained, drift)]
    files["pytorch_schedules.txt"] = [header, *schedule_lines()]
    return {name: "\n".join(lines) + "\n" for name, lines in files.items()}


def numbers(contents):
    """Every line's name with shape, and its values."""
    lines = (entry.split(":") for entry in contents.splitlines() if not entry.startswith("#"))
    return {name: numpy.array(entries.split(), dtype=numpy.float64) for name, entries in lines}


def check(files):
    worst = 0.0
    for name, contents in files.items():
        fresh, committed = numbers(contents), numbers((FIXTURES / name).read_text(encoding="utf-8"))
        if fresh.keys() != committed.keys():
            sys.exit(f"{name} has other lines")
        worst = max([worst, *(abs(fresh[key] - committed[key]).max() for key in fresh)])
    print(f"largest difference from the committed files: {worst:.1e}")
    if worst > REPEATABLE:
        sys.exit(f"more than {REPEATABLE:.0e}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--find-seed", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    if arguments.find_seed:
        print(find_seed())
    elif arguments.check:
        check(all_files())
    else:
        FIXTURES.mkdir(exist_ok=True)
        for name, contents in all_files().items():
            (FIXTURES / name).write_text(contents, encoding="utf-8")


if __name__ == "__main__":
    main()
