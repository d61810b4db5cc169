"""What a pass has cost so far: its operators, and the storages it holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._pytree import tree_leaves

from cnnbench.counting.cost import Cost, Kind, OpCost, Trace
from cnnbench.counting.memory import Buffer
from cnnbench.counting.rules.work import Work
from cnnbench.counting.tracing.tensors import bytes_of, expired, is_plain, storage, weakly
from cnnbench.counting.tracing.weights import Weights
from cnnbench.errors import InputError
from cnnbench.models.nesting import modules

OUT_OF_SIGHT = "it reads what was computed out of sight: in another thread?"


@dataclass(slots=True)
class _Held:
    """A storage that the pass made, while it is alive.

    `written` is the operator that did last, -1 of the first input, -2 of the second, None of what
    no operator made.
    """

    reference: StorageWeakRef
    size: int
    born: int
    used: int
    written: int | None
    output: bool = False


class Ledger:
    """The account of one pass over `net`; operators are entered in execution order."""

    def __init__(self, net: nn.Module, inputs: Sequence[Tensor]) -> None:
        """Open it: nothing is read, the inputs are held."""
        self._net = net
        self._attributes: set[int] | None = None  # tensors that are no weights, where one is met
        self.weights = Weights(net)
        self._inputs = list(inputs)
        self._operators: list[OpCost] = []
        self._uncounted: Counter[str] = Counter()
        self._by_formula: Counter[str] = Counter()
        self._held: dict[int, _Held] = {}
        self._freed: list[Buffer] = []
        self._live = 0  # bytes of what is held
        for number, tensor in enumerate(inputs, 1):
            self.keep(tensor, given=number)

    def is_weight(self, tensor: Tensor) -> bool:
        """Whether it is a parameter or buffer, or a view of one."""
        return storage(tensor) in self.weights.storages

    def knows(self, tensor: Tensor) -> bool:
        """Whether the pass has made it or was given it, or the network holds it."""
        key = storage(tensor)
        if key in self._held or key in self.weights.storages:
            return True
        if self._attributes is None:
            contents = [
                value for one in modules(self._net).values() for value in vars(one).values()
            ]
            self._attributes = {storage(t) for t in tree_leaves(contents) if isinstance(t, Tensor)}
        return key in self._attributes

    def holds(self, tensor: Tensor) -> bool:
        """Whether the pass has made it, or was given it."""
        return storage(tensor) in self._held

    def keep(self, tensor: Tensor, given: int | None = None) -> None:
        """Count a new storage as live until its last tensor goes; `given` is which input it is."""
        if not is_plain(tensor):
            return
        key = storage(tensor)
        held = self._held.get(key)
        if key in self.weights.storages or (held is not None and not expired(held.reference.cdata)):
            return
        if held is not None:  # another storage of the same address, which was not seen to go
            self._release(key)
        now = len(self._operators) if given is None else -1
        size = tensor.untyped_storage().nbytes()
        written = None if given is None else -given
        self._held[key] = _Held(weakly(tensor), size, now, now, written)
        self._live += size

    def unknown(self, name: str) -> None:
        """Note an operator that no convention states."""
        self._uncounted[name] += 1

    def by_formula(self, name: str) -> None:
        """Note an operator that was counted by its author's formula."""
        self._by_formula[name] += 1

    def enter(
        self,
        name: str,
        work: Work,
        read: list[Tensor],
        outputs: list[Tensor],
        *,
        path: str,
        module: nn.Module | None,
        backward: bool = False,
    ) -> None:
        """Enter an operator that has found its output."""
        now = len(self._operators)
        for key in [key for key, held in self._held.items() if expired(held.reference.cdata)]:
            self._release(key)
        if not all(self.knows(tensor) for tensor in read if tensor.is_meta):
            raise InputError(OUT_OF_SIGHT)
        given = [held for tensor in read if (held := self._held.get(storage(tensor)))]
        sources = tuple(dict.fromkeys(held.written for held in given if held.written is not None))
        for held in given:
            held.used = now
        for tensor in outputs:
            made = self._held.get(storage(tensor))
            if made is not None:
                made.used = made.written = now
                made.output |= made.born == now
        for tensor in read:
            self.meet(tensor)
        if work.kind is Kind.MATMUL:
            work = self._as_linear(work, read, outputs, module)
        if isinstance(module, nn.LocalResponseNorm):
            # torch has no operator of that name: a label, not a cost
            work = replace(work, kind=Kind.NORMALISATION)
        moved = sum(map(bytes_of, (*read, *outputs)))
        activations = 0 if backward else work.activations
        self._operators.append(
            OpCost(
                path=path,
                operator=work.name or name,
                kind=work.kind,
                inputs=tuple(tuple(t.shape) for t in read if not self.is_weight(t)),
                output=tuple(outputs[0].shape) if outputs else (),
                cost=Cost(
                    self.weights.first_read(read),
                    work.macs,
                    work.elementwise_flops,
                    activations,
                    moved,
                ),
                live_bytes=self._live,
                weight=work.weight,
                kernel=work.kernel,
                stride=work.stride,
                dilation=work.dilation,
                groups=work.groups,
                backward=backward,
                sources=sources,
            )
        )

    def meet(self, tensor: Tensor) -> None:
        """Take a parameter that the network keeps where torch does not look for one of its own."""
        if self.weights.meet(tensor):
            held = self._held.pop(storage(tensor), None)
            self._live -= held.size if held else 0

    def _as_linear(
        self, work: Work, read: list[Tensor], outputs: list[Tensor], module: nn.Module | None
    ) -> Work:
        """Take the product with a parameter for the linear layer that it is."""
        for tensor in read:
            if tensor.dim() > 1 and self.weights.has_parameter(tensor):
                weight, activations = tuple(tensor.shape), outputs[0].numel()
                return replace(work, kind=Kind.LINEAR, activations=activations, weight=weight)
        return replace(work, kind=Kind.LINEAR) if isinstance(module, nn.Linear) else work

    def _release(self, key: int) -> None:
        held = self._held.pop(key)
        self._live -= held.size
        last = len(self._operators) - 1
        self._freed.append(Buffer(held.size, held.born, held.used, last, held.output))

    @property
    def live_bytes(self) -> int:
        """The most that was alive at once so far."""
        return max((op.live_bytes for op in self._operators), default=self._live)

    def result(self, outputs: list[Tensor], gradients: list[Tensor]) -> Trace:
        """Return the trace of a pass that has ended: outputs and gradients are still wanted."""
        last = len(self._operators) - 1
        of_weights = {storage(tensor) for tensor in gradients}
        kept = of_weights | {storage(tensor) for tensor in outputs}
        returned = [
            (held.written, tuple(tensor.shape))
            for tensor in outputs
            if (held := self._held.get(storage(tensor))) is not None and held.written is not None
        ]
        buffers = list(self._freed)
        for key, held in self._held.items():
            used = last if key in kept else min(held.used, last)
            born, gradient = min(held.born, last), key in of_weights
            buffers.append(Buffer(held.size, born, used, last, held.output, gradient))
        self._held.clear()  # its references would outlive the interpreter
        return Trace(
            operators=tuple(self._operators),
            input_shapes=tuple(tuple(x.shape) for x in self._inputs),
            input_bytes=sum(x.numel() * x.element_size() for x in self._inputs),
            dtype=_dtype(self._inputs),
            returned=tuple(returned),
            weight_bytes=self.weights.size,
            frozen_params=self.weights.frozen,
            unread_params=self.weights.unread(),
            uncounted=dict(self._uncounted),
            by_formula=dict(self._by_formula),
            buffers=tuple(sorted(buffers, key=lambda b: (b.born, b.freed, b.used, b.size))),
        )


def _dtype(inputs: Sequence[Tensor]) -> str:
    """The dtype of the first input that holds real numbers, else of the first."""
    real = [tensor for tensor in inputs if tensor.is_floating_point()]
    chosen = (*real, *inputs)[:1]
    return str(chosen[0].dtype).removeprefix("torch.") if chosen else ""
