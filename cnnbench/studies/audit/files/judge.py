"""Hold an ONNX file's counter's own number to its convention on our trace."""

from __future__ import annotations

from cnnbench.errors import reason_of
from cnnbench.models.foreign import quiet
from cnnbench.studies.audit.audit import Account, account
from cnnbench.studies.audit.counter import OtherCounter, What
from cnnbench.studies.audit.files.steps import FilePass


def judge(counter: OtherCounter, done: FilePass) -> Account:
    """Its account; a failure where it cannot count the file."""
    try:
        expected = list(counter.terms(done))
        with quiet():
            printed, layers = counter.ask(done)
    except Exception as error:  # whatever somebody else's counter may raise
        ours = {What.MACS: done.trace.total.macs}
        return Account(counter, ours, failure=f"{type(error).__name__}: {reason_of(error)}")
    return account(counter, done.trace, expected, printed, layers)
