"""What a forward pass is given, as the keys of a configuration or a plan."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field

from cnnbench.errors import ShapeError
from cnnbench.models.given import Given
from cnnbench.models.inputs import Input, batched, parse_inputs


def _inputs(given: object) -> tuple[Input, ...]:
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or not all(isinstance(t, str) for t in texts):
        raise ValueError(f"{given!r} is no input; write '3x224x224', or a list of such")
    try:
        inputs = parse_inputs(texts)
        for item in inputs:
            batched(item.shape, 1)
    except ShapeError as error:
        raise ValueError(str(error)) from error
    return inputs


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError(f"{text!r} has characters that cannot be shown")
    return text


AnyText = Annotated[str, Field(strict=True)]
Text = Annotated[AnyText, AfterValidator(_printable)]
Inputs = Annotated[tuple[Input, ...] | None, BeforeValidator(_inputs)]


class GivenKeys(BaseModel):
    """The keys: shapes or files, an example, flags, and whether a batch stands in front."""

    input: Inputs = None
    example: Text = ""
    set: dict[Text, str | int | float | bool] = {}
    batched: Annotated[bool, Field(strict=True)] = True

    @property
    def given(self) -> Given | None:
        """What they say; None for what the network itself says. ShapeError for contradictions."""
        if self.input is None and not (self.example or self.set) and self.batched:
            return None
        return Given(self.input or (), self.example, tuple(self.set.items()), self.batched)
