"""The papers' figures, recounted: each is met as it is printed, or its row says why not."""

import pytest

from cnnbench.studies.papers.published import Figure, count_figure, figures

from ..zoo import costly

FIGURES = figures()


@pytest.mark.parametrize("figure", FIGURES, ids=lambda f: f"{f.model}-{f.metric}-{f.printed}")
def test_a_figure_is_met_or_explained(figure: Figure) -> None:
    assert figure.agrees(count_figure(figure)) or figure.note


@costly
def test_most_are_met() -> None:
    met = [figure for figure in FIGURES if figure.agrees(count_figure(figure))]
    assert (len(met), len(FIGURES)) == (61, 83)


def figure(printed: str) -> Figure:
    return Figure("resnet18", 224, "macs", printed, "", "")


@pytest.mark.parametrize(
    ("printed", "value", "unit"),
    [
        *(("4.2M", 4_200_000, 100_000), ("0.39G", 390_000_000, 10_000_000)),
        *(("159K", 159_000, 1000), ("60000", 60000, 1), ("1550M", 1_550_000_000, 1_000_000)),
    ],
)
def test_figures_are_read_with_their_precision(printed: str, value: int, unit: int) -> None:
    assert (figure(printed).value, figure(printed).unit_in_last_place) == (value, unit)


def test_rounded_and_truncated_agree_and_nothing_else() -> None:
    agrees = figure("1.8G").agrees
    assert [agrees(n) for n in (1_740_000_000, 1_750_000_000, 1_899_999_999, 1_900_000_000)] == [
        *(False, True, True, False)
    ]
