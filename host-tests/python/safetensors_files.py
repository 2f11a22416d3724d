"""Files of weights, written by PyTorch and by the Python package safetensors; and ours, read back by them.

    python safetensors_files.py              writes ../fixtures/safetensors/from_python_*
    python safetensors_files.py --read-back  reads what the library wrote, and compares predictions

The test `safetensors` in Rust reads the former, and has written the latter (`to_python.*`), after some training steps from PyTorch's
weights. The text files have the format of ../fixtures/README.md.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy
import torch
from safetensors.numpy import load_file as load_arrays
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import load_file, save_file
from torch import nn

from pytorch_loop import line, numbers

FOLDER = Path(__file__).resolve().parent.parent / "fixtures" / "safetensors"
SEED = 7
SAMPLES = 6
# Two libraries add in different orders.
TOLERANCE = 1e-6
# Four layers of it, and larger outputs.
TOLERANCE_CONVOLUTIONAL = 1e-5
# What JSON has to escape, what it may leave, and what takes two, three and four bytes.
STRANGE_NAMES = {"0.weight": 'first "layer"\\weights', "0.bias": "first\tlayer\nbias", "2.weight": "höhere Schicht €", "2.bias": "/🦀"}


def network(dtype=torch.float32):
    """The module that `(Dense<4, 8, Relu>, Dense<8, 5, Tanh>, Dense<5, 3>)` is."""
    torch.manual_seed(SEED)
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 5), nn.Tanh(), nn.Linear(5, 3)).to(dtype)


def inputs():
    generator = torch.Generator().manual_seed(SEED)
    return torch.randn(SAMPLES, 4, generator=generator)


def convolutional():
    """The module that the network `Convolutional` of the test is: every kind of kernel, and a matrix behind a flatten."""
    torch.manual_seed(SEED)
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 4, 3, padding=1, groups=4),
        nn.Conv2d(4, 3, 1),
        nn.Flatten(),
        nn.Linear(18, 5),
    )


def images():
    """Channels first, as PyTorch has them; 6 rows, 4 columns, 2 channels."""
    generator = torch.Generator().manual_seed(SEED)
    return torch.randn(SAMPLES, 2, 6, 4, generator=generator)


def write():
    FOLDER.mkdir(exist_ok=True)
    for kind, dtype in [("f32", torch.float32), ("f16", torch.float16), ("bf16", torch.bfloat16)]:
        module = network(dtype)
        save_file(module.state_dict(), FOLDER / f"from_python_{kind}.safetensors", metadata={"format": "pt", "kind": kind})
        # Predictions in f32, from the weights as the file has them.
        module = module.to(torch.float32)
        lines = [*line("inputs", inputs()), *line("outputs", module(inputs()))]
        for name, tensor in module.state_dict().items():
            lines += line(name, tensor)
        (FOLDER / f"from_python_{kind}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")

    # By another writer, in a module inside a module, with numbers that need care.
    pair = nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 1))
    arrays = {name: tensor.detach().numpy() for name, tensor in pair.state_dict().items()}
    arrays["0.weight"] = numpy.array([[-0.0, 1e-45, 3.4028235e38], [1.1754942e-38, -1.0, 0.1]], dtype=numpy.float32)
    save_arrays({STRANGE_NAMES[name]: array for name, array in arrays.items()}, FOLDER / "from_python_names.safetensors")
    halves = {name: array.astype(numpy.float16) for name, array in arrays.items() if name != "0.weight"}
    # The smallest and the largest subnormal number, the smallest normal one and the largest of all.
    halves["0.weight"] = numpy.array([0x0001, 0x83FF, 0x0400, 0x7BFF, 0x8000, 0x0200], dtype=numpy.uint16).view(numpy.float16).reshape(2, 3)
    save_arrays({f"net.{name}": array for name, array in halves.items()}, FOLDER / "from_python_prefix.safetensors")
    for name, found in [("names", arrays), ("prefix", halves)]:
        lines = [entry for key, array in found.items() for entry in line(key, torch.from_numpy(array.astype(numpy.float32)))]
        (FOLDER / f"from_python_{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")

    module = convolutional()
    save_file(module.state_dict(), FOLDER / "from_python_convolutional.safetensors", metadata={"format": "pt"})
    lines = [*line("inputs", images()), *line("outputs", module(images()))]
    (FOLDER / "from_python_convolutional.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_back_network(name, module, shape, outputs, tolerance):
    """A file that the library wrote after training, in the module that it is."""
    state = load_file(FOLDER / f"{name}.safetensors")
    moved = max(abs(tensor - state[key]).max().item() for key, tensor in module.state_dict().items())
    module.load_state_dict(state, strict=True)
    ours = numbers((FOLDER / f"{name}.txt").read_text(encoding="utf-8"))
    key = " ".join(str(size) for size in ("inputs", SAMPLES, *shape))
    samples = torch.from_numpy(ours[key].astype(numpy.float32).reshape(SAMPLES, *shape))
    difference = abs(module(samples).detach().numpy().flatten() - ours[f"outputs {SAMPLES} {outputs}"]).max()
    print(f"{name}: the library's weights in PyTorch: predictions differ by at most {difference:.1e}")
    print(f"(its training moved a weight by up to {moved:.3f})")
    if not difference <= tolerance or moved < 0.01:
        sys.exit("too far, or not trained")


def read_back():
    read_back_network("to_python", network(), [4], 3, TOLERANCE)
    read_back_network("to_python_convolutional", convolutional(), [2, 6, 4], 5, TOLERANCE_CONVOLUTIONAL)

    named = load_arrays(FOLDER / "to_python_names.safetensors")
    source = load_arrays(FOLDER / "from_python_names.safetensors")
    if named.keys() != source.keys() or any(named[name].tobytes() != source[name].tobytes() for name in named):
        sys.exit("the names or the bits did not come back")
    header = (FOLDER / "to_python_names.safetensors").read_bytes()
    size = int.from_bytes(header[:8], "little")
    print(f"the names came back, and the bits: {', '.join(json.dumps(name, ensure_ascii=False) for name in json.loads(header[8:8 + size]))}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--read-back", action="store_true")
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    if parser.parse_args().read_back:
        read_back()
    else:
        write()


if __name__ == "__main__":
    main()
