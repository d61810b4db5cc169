"""A program for the Python that has LiteRT's converter; nothing of cnnbench's is imported.

    python litert_convert.py convert net.pt2 net.tflite
    python litert_convert.py int8 net.tflite int8.tflite inputs.npz
    python litert_convert.py int8-dynamic net.tflite int8.tflite

The file takes the tensors of the program's arguments, in their order. `inputs.npz` has an array of
passes for each input, 0, 1, …. What goes wrong is the one line on stderr.
"""

from __future__ import annotations

import os
import sys
from typing import Any


def convert(source: str, target: str) -> None:
    """A program of torch.export to a file, its layers' names kept, what is no tensor a constant."""
    import litert_torch
    import torch
    from torch.utils._pytree import tree_flatten, tree_unflatten

    program = torch.export.load(source)
    leaves, form = tree_flatten(program.example_inputs)
    places = [index for index, one in enumerate(leaves) if isinstance(one, torch.Tensor)]
    try:
        inner: torch.nn.Module = torch.export.unflatten(program)
    except Exception:  # it does not know every program
        inner = program.module(check_guards=False)

    class Tensors(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, *given: torch.Tensor) -> Any:
            filled = list(leaves)
            for place, tensor in zip(places, given, strict=True):
                filled[place] = tensor
            positional, named = tree_unflatten(filled, form)
            return self.inner(*positional, **named)

    positional, named = program.example_inputs
    plain = not named and all(isinstance(one, torch.Tensor) for one in positional)
    net = inner if plain else Tensors()
    net.training = inner.training = False  # an exported module has no eval()
    litert_torch.convert(net, tuple(leaves[place] for place in places)).export(target)


def quantise(source: str, target: str, inputs: str = "") -> None:
    """A file's weights in int8, a scale a channel; with inputs its activations too.

    Inputs and outputs of the file stay float32.
    """
    from ai_edge_quantizer import qtyping, quantizer, recipe
    from ai_edge_quantizer.algorithm_manager import AlgorithmName

    made = quantizer.Quantizer(source)
    found = None
    if inputs:
        made.load_quantization_recipe(recipe.static_wi8_ai8())
        for edge in (qtyping.TFLOperationName.INPUT, qtyping.TFLOperationName.OUTPUT):
            made.update_quantization_recipe(".*", edge, algorithm_key=AlgorithmName.NO_QUANTIZE)
        found = made.calibrate(_passes(source, inputs), num_threads=os.cpu_count() or 1)
    else:
        made.load_quantization_recipe(recipe.dynamic_wi8_afp32())
    done = made.quantize(found, enable_progress_report=False)
    with open(target, "wb") as file:
        file.write(done.quantized_model)


def _passes(source: str, inputs: str) -> dict[str, list[dict[str, Any]]]:
    """What a file's signature is given, pass by pass."""
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=source)
    order = [one["index"] for one in interpreter.get_input_details()]
    key = next(iter(interpreter.get_signature_list()))
    taken = interpreter.get_signature_runner(key).get_input_details()
    with np.load(inputs) as arrays:
        given = {name: arrays[str(order.index(one["index"]))] for name, one in taken.items()}
    number = min(map(len, given.values()))
    return {key: [{name: array[row] for name, array in given.items()} for row in range(number)]}


def main() -> None:
    """Do it; libraries below write to stderr themselves, which has one line alone."""
    what, *paths = sys.argv[1:]
    errors = os.dup(2)
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    try:
        convert(*paths) if what == "convert" else quantise(*paths)
    except BaseException as error:
        while error.__cause__ is not None:
            error = error.__cause__
        os.write(errors, f"{type(error).__name__}: {' '.join(str(error).split())[:300]}\n".encode())
        os._exit(1)
    os._exit(0)  # without waiting for threads that its libraries have


if __name__ == "__main__":
    main()
