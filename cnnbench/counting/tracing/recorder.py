"""The dispatch mode that hears of every operator before it runs, and enters its cost.

In inference mode operators arrive as the network calls them (`conv2d`, `linear`, `batch_norm`);
where gradients are taken, they arrive as the pieces that autograd sees (`convolution`, `addmm`,
`convolution_backward`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

from cnnbench.counting.cost import Kind
from cnnbench.counting.rules.added import formula
from cnnbench.counting.rules.backward import GRADIENTS
from cnnbench.counting.rules.table import RULES
from cnnbench.counting.rules.treatment import (
    Operator,
    Treatment,
    base,
    is_composite,
    is_idle,
    treated,
)
from cnnbench.counting.rules.work import Rule, Work
from cnnbench.counting.tracing.computing import OnShapes, OnValues
from cnnbench.counting.tracing.failures import Failures
from cnnbench.counting.tracing.ledger import Ledger
from cnnbench.counting.tracing.tensors import Twins, storage, tensors_in

Place = tuple[str, nn.Module | None]


class Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Finds each operator's output shape and enters its cost in a ledger.

    `running` is the stack of modules that are; `backward` tells which pass it is.
    """

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # True would import the compiler, for over a second, to disable it

    def __init__(
        self,
        ledger: Ledger,
        running: list[tuple[str, nn.Module]],
        computing: OnShapes | OnValues,
    ) -> None:
        """`computing` finds outputs."""
        super().__init__()  # type: ignore[no-untyped-call]
        self._running = running
        self.backward = False
        self._ledger = ledger
        self._computing = computing
        self._twins = Twins()
        self._handlers: dict[Operator, Callable[..., Any]] = {}
        self._places: dict[int, Place] = {}  # by autograd's number of the forward operator
        self._first_node = torch._C._autograd._get_sequence_nr()
        self._gradients = torch.is_grad_enabled()
        self.failures = Failures()

    def __torch_dispatch__(
        self, func: Operator, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Hear of one operator, and give its output."""
        handler = self._handlers.get(func)
        if handler is None:
            handler = self._handlers[func] = self._handler(func)
        if self._gradients:
            self._note_nodes()
        try:
            return handler(func, args, kwargs or {})
        except BaseException as error:  # whatever it is, it goes on; only the place is noted
            given = [x for x in tensors_in(args) if not self._ledger.is_weight(x)]
            self.failures.note(error, self._place()[0], base(func), args, given)
            raise

    def _place(self) -> Place:
        """Which layer an operator belongs to: the running one, or whose gradient it takes."""
        if self._running:
            return self._running[-1]
        node = torch._C._current_autograd_node() if self.backward else None
        return self._places.get(node._sequence_nr(), ("", None)) if node else ("", None)

    def _note_nodes(self) -> None:
        """Autograd numbers its nodes as it makes them, before their operators come here."""
        numbers = torch._C._autograd._get_sequence_nr()
        for number in range(len(self._places), numbers - self._first_node):
            self._places[self._first_node + number] = self._place()

    def _handler(self, func: Operator) -> Callable[..., Any]:
        """How to treat an operator, decided once: counted, a view, made of others, unknown."""
        name, treatment = treated(func)
        if treatment is Treatment.COUNTED:
            rule = RULES.get(name) or GRADIENTS[name]
            return lambda func, args, kwargs: self._counted(func, name, rule, args, kwargs)
        if treatment is Treatment.OTHER and (theirs := formula(func)):
            return lambda func, args, kwargs: self._by_formula(func, name, theirs, args, kwargs)
        if treatment is Treatment.VIEW:
            return lambda func, args, kwargs: self._viewed(func, name, args, kwargs)
        return lambda func, args, kwargs: self._taken_apart(func, name, args, kwargs)

    def _viewed(self, func: Operator, name: str, args: Any, kwargs: Any) -> Any:
        """Run an operator that gives a view of its input, and is free unless it had to copy."""
        out = self._computing(func, name, args, kwargs)
        known = set()
        for tensor in tensors_in((args, kwargs)):
            self._ledger.meet(tensor)
            known.add(storage(tensor))
        if any(storage(tensor) not in known for tensor in tensors_in(out)):
            self._record(name, Work(Kind.OTHER), args, kwargs, out)
        return out

    def _taken_apart(self, func: Operator, name: str, args: Any, kwargs: Any) -> Any:
        """Run an operator without a rule through the operators it is made of, else name it."""
        if not tensors_in((args, kwargs)):  # it makes a constant
            return self._computing(func, name, args, kwargs)
        if is_composite(func):  # as eager torch does
            if any(tensor.is_meta for tensor in tensors_in((args, kwargs))):
                # It may ask that all are on one device, before it calls any operator.
                args, kwargs = tree_map_only(Tensor, self._twin, (args, kwargs))
            with self:
                out = func.decompose(*args, **kwargs)
            if out is not NotImplemented:
                return out
        out = self._computing(func, name, args, kwargs)
        self._name(name, args, kwargs, out)
        return out

    def _counted(self, func: Operator, name: str, rule: Rule, args: Any, kwargs: Any) -> Any:
        if is_idle(name, args, kwargs):
            return args[0]
        out = self._computing(func, name, args, kwargs)
        try:
            work = rule(out, *args, **{k: v for k, v in kwargs.items() if k != "out"})
        except (TypeError, ValueError, LookupError, RuntimeError, AttributeError):
            # A form of the operator that the rule is not for: named to the user, not guessed.
            self._name(name, args, kwargs, out)
        else:
            self._record(name, work, args, kwargs, out)
        return out

    def record(self, name: str, rule: Rule, args: Any, out: Any) -> None:
        """Enter an operator that torch does not hand over as one, with the output that it has."""
        for tensor in tensors_in(out):
            self._ledger.keep(tensor)
        self._record(name, rule(out, *args), args, {}, out)

    def _by_formula(self, func: Operator, name: str, rule: Rule, args: Any, kwargs: Any) -> Any:
        """Count an operator by what its author has registered with torch, and say so."""
        out = self._computing(func, name, args, kwargs)
        try:
            work = rule(out, *args, **kwargs)
        except Exception:  # somebody else's code, on somebody else's arguments
            self._name(name, args, kwargs, out)
        else:
            self._ledger.by_formula(name)
            self._record(name, work, args, kwargs, out)
        return out

    def _name(self, name: str, args: Any, kwargs: Any, out: Any) -> None:
        """Note an operator whose work nobody stated: its bytes count, and the user is told."""
        if tensors_in(out):
            self._ledger.unknown(name)
            self._record(name, Work(Kind.OTHER), args, kwargs, out)

    def _twin(self, tensor: Tensor) -> Tensor:
        """Return a tensor without values that the ledger takes for this one.

        Whole numbers stay: they may say how many there are of something.
        """
        if tensor.is_meta or not tensor.is_floating_point():
            return tensor
        self._ledger.meet(tensor)
        twin = self._twins.of(tensor)
        self._ledger.weights.stands_for(storage(twin), storage(tensor))
        return twin

    def _record(self, name: str, work: Work, args: Any, kwargs: Any, out: Any) -> None:
        path, module = self._place()
        for packed in args:  # a quantised layer's weight, out of the reach of Python
            if isinstance(packed, torch.ScriptObject) and hasattr(packed, "unpack"):
                self._ledger.weights.meet_packed(packed, module)
        read, outputs = tensors_in((args, kwargs)), tensors_in(out)
        self._ledger.enter(
            name, work, read, outputs, path=path, module=module, backward=self.backward
        )
