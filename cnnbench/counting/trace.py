"""One forward pass over shapes alone, recording every operator that really runs.

The pass runs the network's own Python on the meta device under a dispatch mode: torch hands over
each operator before it computes, so nothing is executed, no value of the network is read and none
is written. In inference mode operators arrive as the network calls them (`conv2d`, `linear`,
`batch_norm`) and not as the pieces that autograd would see.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

from cnnbench import units
from cnnbench.counting import convention
from cnnbench.counting.cost import Cost, Kind, OpCost, Trace
from cnnbench.counting.operators import RULES, Rule, Work
from cnnbench.counting.shapes import SHAPES
from cnnbench.errors import InputError
from cnnbench.models.spec import Shape

Operator = Any  # torch._ops.OpOverload, which torch does not export


def trace(net: nn.Module, inputs: Sequence[Tensor], *, shape_rules: bool = True) -> Trace:
    """Count one evaluation pass of `net` on the shapes of `inputs`, leaving `net` as it was.

    Training flags, hooks, parameters and buffers are the same afterwards, whatever its forward
    raises; InputError says at which layer it raised. Without `shape_rules` every output shape
    comes from torch's meta kernels: slower to start, equal in result.
    """
    given = [torch.empty_strided(x.shape, x.stride(), dtype=x.dtype, device="meta") for x in inputs]
    recorder = _Recorder(net, given, SHAPES if shape_rules else {})
    modules = dict(net.named_modules())
    with (
        _evaluating(modules.values()),
        _paths(modules, recorder.path),
        torch.inference_mode(),
        recorder,
    ):
        try:
            net(*given)
        except Exception as error:  # whatever a network's own forward may raise
            raise InputError(recorder.failure(error)) from error
    return recorder.result(given)


@contextmanager
def _evaluating(modules: Iterable[nn.Module]) -> Iterator[None]:
    """Evaluation mode, and each module's own training flag back afterwards."""
    training = [module for module in modules if module.training]
    try:
        for module in training:
            _set_training(module, False)
        yield
    finally:
        for module in training:
            _set_training(module, True)


def _set_training(module: nn.Module, value: bool) -> None:
    """Set the flag of one module alone, past `nn.Module.__setattr__`, which is slow."""
    if "training" in vars(module):
        vars(module)["training"] = value
    else:
        module.training = value


@contextmanager
def _paths(modules: dict[str, nn.Module], stack: list[tuple[str, nn.Module]]) -> Iterator[None]:
    """Keep the modules that are running on `stack`, by hooks that do not touch the network."""
    names = {id(module): name for name, module in modules.items()}

    def enter(module: nn.Module, _: object) -> None:
        stack.append((names.get(id(module), stack[-1][0] if stack else ""), module))

    def leave(module: nn.Module, _: object, __: object) -> None:
        stack.pop()

    before = register_module_forward_pre_hook(enter)
    after = register_module_forward_hook(leave, always_call=True)
    try:
        yield
    finally:
        before.remove()
        after.remove()


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
        self._weights = set(self._unread) | {_storage(buffer) for buffer in net.buffers()}
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
        except Exception:
            if not self._failed:
                shapes = ", ".join(
                    units.shape(tuple(leaf.shape))
                    for leaf in tree_leaves(args)
                    if isinstance(leaf, Tensor) and _storage(leaf) not in self._weights
                )
                where = self.path[-1][0] if self.path else ""
                self._failed = f"{where or 'the network'} ({_base(func)}) given {shapes}"
            raise

    def _handler(self, func: Operator) -> Callable[..., Any]:
        """How to treat an operator, decided once: counted, a view, made of others, unknown."""
        name = _base(func)
        rule = RULES.get(name)
        if rule is not None:
            return lambda func, args, kwargs: self._counted(func, name, rule, args, kwargs)
        if name in convention.DROPOUTS:
            return lambda func, args, kwargs: args[0]  # in evaluation, which this pass is
        if func.is_view:
            return lambda func, args, kwargs: self._compute(func, name, args, kwargs)
        return lambda func, args, kwargs: self._taken_apart(func, name, args, kwargs)

    def _taken_apart(self, func: Operator, name: str, args: Any, kwargs: Any) -> Any:
        """Run an operator without a rule through the operators it is made of, else name it."""
        if not _tensors((args, kwargs)):  # it makes a constant
            return self._compute(func, name, args, kwargs)
        with self:
            out = func.decompose(*args, **kwargs)
        if out is not NotImplemented:
            return out
        out = self._compute(func, name, args, kwargs)
        if _tensors(out):
            self._uncounted[name] += 1
            self._record(name, Work(Kind.OTHER), args, kwargs, out)
        return out

    def _counted(self, func: Operator, name: str, rule: Rule, args: Any, kwargs: Any) -> Any:
        out = self._compute(func, name, args, kwargs)
        self._record(name, rule(out, *args, **kwargs), args, kwargs, out)
        return out

    def _compute(self, func: Operator, name: str, args: Any, kwargs: Any) -> Any:
        """Find the output's shape: by a rule of ours, or by torch's own meta kernel."""
        mutable = func._schema.is_mutable
        in_place = mutable and func._schema.name.endswith("_")
        tensors = _tensors((args, kwargs))
        if not any(tensor.is_meta for tensor in tensors) and not (
            mutable and any(_storage(tensor) in self._weights for tensor in tensors)
        ):
            return func(*args, **kwargs)  # constants keep their values, a network's are read only
        shape_rule = self._shapes.get(name)
        if shape_rule is not None:
            try:
                shape = shape_rule(*args, **kwargs)
            except TypeError:  # an overload with arguments that the rule does not know
                shape = None
            if shape is not None and not (in_place and shape != tuple(args[0].shape)):
                if in_place:
                    return args[0]
                first = args[0] if isinstance(args[0], Tensor) else args[0][0]
                return torch.empty(shape, dtype=first.dtype, device="meta")
        out = func(*tree_map_only(Tensor, _shape_only, args), **_on_meta(kwargs))
        return args[0] if in_place else out

    def _keep(self, tensor: Tensor) -> None:
        """Count a new storage as live until its last tensor goes."""
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key not in self._weights and all(key != known for _, known, _ in self._live):
            reference = StorageWeakRef(storage)  # type: ignore[no-untyped-call]
            self._live.append((reference, key, storage.nbytes()))

    def _record(self, name: str, work: Work, args: Any, kwargs: Any, out: Any) -> None:
        outputs = _tensors(out)
        self._live = [entry for entry in self._live if not _gone(entry[0])]
        for tensor in outputs:
            self._keep(tensor)
        read = _tensors((args, kwargs))
        params = 0
        for tensor in read:
            for _, number, trainable in self._unread.pop(_storage(tensor), ()):
                params += number if trainable else 0
                self._frozen += 0 if trainable else number
        path, module = self.path[-1] if self.path else ("", None)
        kind = work.kind
        if isinstance(module, nn.LocalResponseNorm):
            kind = Kind.NORMALISATION  # torch has no operator of that name: a label, not a cost
        moved = sum(t.numel() * t.element_size() for t in (*read, *outputs))
        self._operators.append(
            OpCost(
                path=path,
                operator=work.name or name,
                kind=kind,
                inputs=tuple(tuple(t.shape) for t in read if _storage(t) not in self._weights),
                output=tuple(outputs[0].shape) if outputs else (),
                cost=Cost(params, work.macs, work.elementwise_flops, work.activations, moved),
                live_bytes=sum(size for _, _, size in self._live),
                weight=work.weight,
                kernel=work.kernel,
                stride=work.stride,
                groups=work.groups,
            )
        )

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
                unread[name.rpartition(".")[0]] += number if trainable else 0
        return Trace(
            operators=tuple(self._operators),
            input_shapes=tuple(tuple(x.shape) for x in inputs),
            dtype=str(inputs[0].dtype).removeprefix("torch.") if inputs else "",
            frozen_params=self._frozen,
            unread_params=dict(unread),
            uncounted=dict(self._uncounted),
        )


def _parameters(net: nn.Module) -> dict[int, list[tuple[str, int, bool]]]:
    """Name, elements and trainability of every parameter, by storage: a shared one stands once."""
    found: dict[int, list[tuple[str, int, bool]]] = {}
    for name, parameter in net.named_parameters():
        entry = (name, parameter.numel(), parameter.requires_grad)
        found.setdefault(_storage(parameter), []).append(entry)
    return found


def _base(func: Operator) -> str:
    """`aten::relu_` -> `relu`: overloads and in-place forms share a rule.

    An operator that is not torch's own keeps its namespace.
    """
    name: str = func._schema.name.removeprefix("aten::")
    return name[:-1] if name.endswith("_") and not name.endswith("__") else name


def _storage(tensor: Tensor) -> int:
    key: int = tensor.untyped_storage()._cdata
    return key


def _tensors(tree: Any) -> list[Tensor]:
    """Tensors in arguments or outputs, in order."""
    if isinstance(tree, Tensor):
        return [tree]
    if isinstance(tree, (list, tuple)):
        return [tensor for branch in tree for tensor in _tensors(branch)]
    if isinstance(tree, dict):
        return [tensor for branch in tree.values() for tensor in _tensors(branch)]
    return []


def _gone(reference: StorageWeakRef) -> bool:
    gone: bool = reference.expired()  # type: ignore[no-untyped-call]
    return gone


def _shape_only(tensor: Tensor) -> Tensor:
    if tensor.is_meta:
        return tensor
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta")


def _on_meta(kwargs: dict[str, Any]) -> dict[str, Any]:
    moved: dict[str, Any] = tree_map_only(Tensor, _shape_only, kwargs)
    return {**moved, "device": torch.device("meta")} if moved.get("device") else moved
