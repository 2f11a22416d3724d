"""Networks with batch normalization in files of weights: one written by PyTorch, one with Keras's weights and names, and what each predicts.

    python batch_norm_files.py pytorch   writes ../fixtures/safetensors/from_python_batch_norm.*
    python batch_norm_files.py keras     writes ../fixtures/safetensors/from_keras_batch_norm.*, with KERAS_BACKEND=torch

The test `safetensors_batch_norm` in Rust reads them. The text files have the format of ../fixtures/README.md.
"""

import sys
from pathlib import Path

import numpy
import torch
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import save_file
from torch import nn

from pytorch_loop import line

FOLDER = Path(__file__).resolve().parent.parent / "fixtures" / "safetensors"
SEED = 11
SAMPLES = 6


def images(*shape):
    generator = torch.Generator().manual_seed(SEED)
    return torch.randn(SAMPLES, *shape, generator=generator)


def write_text(name, inputs, outputs):
    lines = [*line("inputs", inputs), *line("outputs", outputs)]
    (FOLDER / f"{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def pytorch():
    """Trained for some steps, so that no tensor of a norm is what it was at first."""
    torch.manual_seed(SEED)
    module = nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.BatchNorm1d(24),
        nn.Linear(24, 5),
    )
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9)
    generator = torch.Generator().manual_seed(SEED + 1)
    for _ in range(20):
        inputs = 1.5 * torch.randn(16, 2, 6, 4, generator=generator) + 0.5
        labels = torch.randint(0, 5, (16,), generator=generator)
        optimizer.zero_grad()
        nn.functional.cross_entropy(module(inputs), labels).backward()
        optimizer.step()
    module.eval()
    save_file(module.state_dict(), FOLDER / "from_python_batch_norm.safetensors", metadata={"format": "pt"})
    write_text("from_python_batch_norm", images(2, 6, 4), module(images(2, 6, 4)))


def keras():
    """Keras has no file of this format: its weights are written as `get_weights()` has them, under their own paths."""
    import keras

    keras.utils.set_random_seed(SEED)
    model = keras.Sequential(
        [
            keras.Input((6, 4, 2)),
            keras.layers.Conv2D(4, 3, padding="same", name="conv2d"),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.ReLU(),
            keras.layers.MaxPooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dense(7, name="hidden"),
            keras.layers.BatchNormalization(name="hidden_norm"),
            keras.layers.Dense(5, name="dense"),
        ]
    )
    # What a long training would leave, in numbers of no order.
    draw = numpy.random.default_rng(SEED)
    for weight in model.weights:
        values = draw.uniform(0.3, 1.7, weight.shape) if weight.name in ("gamma", "moving_variance") else draw.uniform(-0.6, 0.6, weight.shape)
        weight.assign(values.astype(numpy.float32))
    arrays = {weight.path: keras.ops.convert_to_numpy(weight) for weight in model.weights}
    save_arrays(arrays, FOLDER / "from_keras_batch_norm.safetensors")
    inputs = images(6, 4, 2)
    outputs = keras.ops.convert_to_numpy(model(inputs, training=False))
    write_text("from_keras_batch_norm", inputs, torch.from_numpy(outputs))
    print(keras.__version__, list(arrays))


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    {"pytorch": pytorch, "keras": keras}[sys.argv[1]]()
