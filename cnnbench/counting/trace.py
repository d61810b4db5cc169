"""One forward pass over shapes alone, recording every operator that really runs.

The pass runs the network's own Python on the meta device under a dispatch mode: torch hands over
each operator before it computes, so nothing is computed from the input, and no parameter or buffer
is written. (What a forward computes from constants and weights alone is computed, since Python may
branch on it.) In inference mode operators arrive as the network calls them (`conv2d`, `linear`,
`batch_norm`) and not as the pieces that autograd would see.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

from cnnbench import units
from cnnbench.counting import convention
from cnnbench.counting.cost import Cost, Kind, OpCost, Trace
from cnnbench.counting.operators import RULES, Rule, Work
from cnnbench.counting.running import evaluating, paths
from cnnbench.counting.shapes import SHAPES
from cnnbench.counting.tensors import gone, on_meta, shape_only, storage, tensors_in, weakly
from cnnbench.errors import InputError
from cnnbench.models.spec import Shape

Operator = Any  # torch._ops.OpOverload, which torch does not export
_has_kernel = torch._C._dispatch_has_kernel_for_dispatch_key


def trace(net: nn.Module, inputs: Sequence[Tensor], *, shape_rules: bool = True) -> Trace:
    """Count one evaluation pass of `net` on the shapes of `inputs`, leaving `net` as it was.

    Training flags, hooks, attributes, parameters and buffers are the same afterwards, whatever its
    forward assigns or raises; InputError says at which layer it raised. Without `shape_rules` every
    output shape comes from torch's meta kernels: slower to start, equal in result.
    """
    given = [torch.empty_strided(x.shape, x.stride(), dtype=x.dtype, device="meta") for x in inputs]
    recorder = _Recorder(net, given, SHAPES if shape_rules else {})
    modules = dict(net.named_modules())
    with (
        evaluating(modules.values()),
        paths(modules, recorder.path),
        torch.inference_mode(),
        recorder,
    ):
        try:
            net(*given)
        except Exception as error:  # whatever a network's own forward may raise
            raise InputError(recorder.failure(error)) from error
    return recorder.result(given)


class _Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """The dispatch mode: finds each operator's output shape and notes its cost."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # True would import the compiler, for over a second, to disable it

    def __init__(
        self, net: nn.Module, inputs: list[Tensor], shapes: dict[str, Callable[..., Shape | None]]
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.path: list[tuple[str, nn.Module]] = []
        self._shapes = shapes
        self._operators: list[OpCost] = []
        self._uncounted: Counter[str] = Counter()
        self._frozen = 0
        self._unread = _parameters(net)
        self._parameters = set(self._unread)
        self._weights = self._parameters | {storage(buffer) for buffer in net.buffers()}
        # Made by the pass itself; while referred to, a storage's key is not given out again.
        self._constants: dict[int, StorageWeakRef] = {}
        self._live: list[tuple[StorageWeakRef, int, int]] = []
        self._handlers: dict[Operator, Callable[..., Any]] = {}
        self._failed = ""
        for tensor in inputs:
            self._keep(tensor)

    def __torch_dispatch__(
        self, func: Operator, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        handler = self._handlers.get(func)
        if handler is None:
            handler = self._handlers[func] = self._handler(func)
        try:
            return handler(func, args, kwargs or {})
        except Exception:  # whatever it is, it goes on; only the place is noted
            if not self._failed:
                shapes = ", ".join(
                    units.shape(tuple(leaf.shape))
                    for leaf in tree_leaves(args)
                    if isinstance(leaf, Tensor) and storage(leaf) not in self._weights
                )
                where = self.path[-1][0] if self.path else ""
                self._failed = f"{where or 'the network'} ({_base(func)}) given {shapes}"
            raise

    def _handler(self, func: Operator) -> Callable[..., Any]:
        """How to treat an operator, decided once: counted, a view, made of others, unknown."""
        name = _base(func)
        rule = RULES.get(name)
        if rule is not None and not func.is_view:
            return lambda func, args, kwargs: self._counted(func, name, rule, args, kwargs)
        if func.is_view or name in convention.VIEWS:
            return lambda func, args, kwargs: self._viewed(func, name, args, kwargs)
        return lambda func, args, kwargs: self._taken_apart(func, name, args, kwargs)

    def _viewed(self, func: Operator, name: str, args: Any, kwargs: Any) -> Any:
        """Run an operator that gives a view of its input, and is free unless it had to copy."""
        out = self._compute(func, name, args, kwargs)
        known = {storage(tensor) for tensor in tensors_in((args, kwargs))}
        if any(storage(tensor) not in known for tensor in tensors_in(out)):
            self._record(name, Work(Kind.OTHER), args, kwargs, out)
        return out

    def _taken_apart(self, func: Operator, name: str, args: Any, kwargs: Any) -> Any:
        """Run an operator without a rule through the operators it is made of, else name it."""
        if not tensors_in((args, kwargs)):  # it makes a constant
            return self._compute(func, name, args, kwargs)
        if _has_kernel(func.name(), "CompositeImplicitAutograd"):  # as eager torch does
            with self:
                out = func.decompose(*args, **kwargs)
            if out is not NotImplemented:
                return out
        out = self._compute(func, name, args, kwargs)
        self._name(name, args, kwargs, out)
        return out

    def _counted(self, func: Operator, name: str, rule: Rule, args: Any, kwargs: Any) -> Any:
        if name in convention.DROPOUTS and not (args[2] if len(args) > 2 else kwargs["train"]):
            return args[0]
        out = self._compute(func, name, args, kwargs)
        try:
            work = rule(out, *args, **{k: v for k, v in kwargs.items() if k != "out"})
        except (TypeError, ValueError, IndexError):
            # A form of the operator that the rule is not for: named to the user, not guessed.
            self._name(name, args, kwargs, out)
        else:
            self._record(name, work, args, kwargs, out)
        return out

    def _name(self, name: str, args: Any, kwargs: Any, out: Any) -> None:
        """Note an operator whose work nobody stated: its bytes count, and the user is told."""
        if tensors_in(out):
            self._uncounted[name] += 1
            self._record(name, Work(Kind.OTHER), args, kwargs, out)

    def _compute(self, func: Operator, name: str, args: Any, kwargs: Any) -> Any:
        """Find the output's shape: by a rule of ours, or by torch's own meta kernel."""
        in_place = func._schema.is_mutable and func._schema.name.endswith("_")
        tensors = tensors_in((args, kwargs))
        if not any(tensor.is_meta for tensor in tensors):
            read = {storage(tensor) for tensor in tensors}
            written = tensors_in(args[0] if in_place else kwargs.get("out"))
            if all(storage(tensor) in self._constants for tensor in written):
                out = func(*args, **kwargs)
                for tensor in tensors_in(out):
                    if storage(tensor) not in read:  # made here, and free to be written here
                        self._constants[storage(tensor)] = weakly(tensor)
                        self._keep(tensor)
                return out
        shape_rule = self._shapes.get(name)
        # Our rules give a contiguous output, which torch does where the inputs are.
        if shape_rule is not None and all(tensor.is_contiguous() for tensor in tensors):
            try:
                shape = shape_rule(*args, **kwargs)
            except TypeError:  # an overload with arguments that the rule does not know
                shape = None
            if shape is not None and not (in_place and shape != tuple(args[0].shape)):
                if in_place:
                    return args[0]
                first = args[0] if isinstance(args[0], Tensor) else args[0][0]
                out = torch.empty(shape, dtype=first.dtype, device="meta")
                self._keep(out)
                return out
        out = func(*tree_map_only(Tensor, shape_only, args), **on_meta(kwargs))
        out = args[0] if in_place else kwargs.get("out", out)
        for tensor in tensors_in(out):
            self._keep(tensor)
        return out

    def _keep(self, tensor: Tensor) -> None:
        """Count a new storage as live until its last tensor goes."""
        key = storage(tensor)
        if key not in self._weights and all(key != known for _, known, _ in self._live):
            self._live.append((weakly(tensor), key, tensor.untyped_storage().nbytes()))

    def _record(self, name: str, work: Work, args: Any, kwargs: Any, out: Any) -> None:
        outputs = tensors_in(out)
        self._live = [entry for entry in self._live if not gone(entry[0])]
        read = tensors_in((args, kwargs))
        params = 0
        for tensor in read:
            for _, number, trainable in self._unread.pop(storage(tensor), ()):
                params += number if trainable else 0
                self._frozen += 0 if trainable else number
        path, module = self.path[-1] if self.path else ("", None)
        if work.kind is Kind.MATMUL:
            work = self._as_linear(work, read, outputs)
        kind = work.kind
        if isinstance(module, nn.LocalResponseNorm):
            kind = Kind.NORMALISATION  # torch has no operator of that name: a label, not a cost
        moved = sum(t.numel() * t.element_size() for t in (*read, *outputs))
        self._operators.append(
            OpCost(
                path=path,
                operator=work.name or name,
                kind=kind,
                inputs=tuple(tuple(t.shape) for t in read if storage(t) not in self._weights),
                output=tuple(outputs[0].shape) if outputs else (),
                cost=Cost(params, work.macs, work.elementwise_flops, work.activations, moved),
                live_bytes=sum(size for _, _, size in self._live),
                weight=work.weight,
                kernel=work.kernel,
                stride=work.stride,
                groups=work.groups,
            )
        )

    def _as_linear(self, work: Work, read: list[Tensor], outputs: list[Tensor]) -> Work:
        """Take the product with a parameter for the linear layer that it is."""
        for tensor in read:
            if tensor.dim() > 1 and storage(tensor) in self._parameters:
                weight, activations = tuple(tensor.shape), outputs[0].numel()
                return replace(work, kind=Kind.LINEAR, activations=activations, weight=weight)
        return work

    def failure(self, error: Exception) -> str:
        """One line: which layer, which operator, which shape, why."""
        reason = str(error).strip().splitlines()
        text = reason[0] if reason else type(error).__name__
        return f"{self._failed}: {text}" if self._failed else text

    def result(self, inputs: list[Tensor]) -> Trace:
        """Return the trace of a pass that has ended."""
        unread: Counter[str] = Counter()
        for entries in self._unread.values():
            for name, number, trainable in entries:
                if trainable:
                    unread[name.rpartition(".")[0]] += number
        return Trace(
            operators=tuple(self._operators),
            input_shapes=tuple(tuple(x.shape) for x in inputs),
            input_bytes=sum(x.numel() * x.element_size() for x in inputs),
            dtype=str(inputs[0].dtype).removeprefix("torch.") if inputs else "",
            frozen_params=self._frozen,
            unread_params=dict(unread),
            uncounted=dict(self._uncounted),
        )


def _parameters(net: nn.Module) -> dict[int, list[tuple[str, int, bool]]]:
    """Name, elements and trainability of every parameter, by storage: a shared one stands once."""
    found: dict[int, list[tuple[str, int, bool]]] = {}
    places = set()
    for name, parameter in net.named_parameters():
        place = (storage(parameter), parameter.storage_offset(), parameter.numel())
        if place not in places:  # not tied, to a transposed form either
            places.add(place)
            entry = (name, parameter.numel(), parameter.requires_grad)
            found.setdefault(place[0], []).append(entry)
    return found


def _base(func: Operator) -> str:
    """`aten::relu_` -> `relu`: overloads and in-place forms share a rule.

    An operator that is not torch's own keeps its namespace.
    """
    name: str = func._schema.name.removeprefix("aten::")
    return name[:-1] if name.endswith("_") and not name.endswith("__") else name
