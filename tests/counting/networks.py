"""Small networks for tests: any function as a forward pass, and a convolution without a bias."""

from collections.abc import Callable

from torch import Tensor, nn


class Calls(nn.Module):
    """A network whose forward is a function of itself and its input."""

    def __init__(self, forward: Callable[["Calls", Tensor], Tensor], **children: object) -> None:
        super().__init__()
        for name, child in children.items():
            setattr(self, name, child)
        self._forward = forward

    def forward(self, x: Tensor) -> Tensor:
        return self._forward(self, x)


def conv(*arguments: int, **options: object) -> nn.Conv2d:
    return nn.Conv2d(*arguments, bias=False, **options)  # type: ignore[arg-type]
