"""Workers that answer one piece after the other, and what the end of one costs."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from cnnbench.sweeps.processes import each


class Work:
    """Doubles numbers, and leaves a file for each process; some numbers end it, once or always."""

    def __init__(self, folder: Path, always: Sequence[int] = (), once: Sequence[int] = ()) -> None:
        self.folder, self.always, self.once = folder, always, once

    def __call__(self, number: int) -> int:
        with (self.folder / f"process-{os.getpid()}").open("a") as file:
            print(number, file=file)
        if number in self.always:
            os._exit(9)
        if number in self.once and not (self.folder / f"once-{number}").exists():
            (self.folder / f"once-{number}").touch()
            os._exit(9)
        if number < 0:
            raise ValueError(f"{number} is negative")
        return 2 * number

    def done(self) -> list[int]:
        """All that was begun, by whichever process."""
        files = self.folder.glob("process-*")
        return sorted(int(line) for file in files for line in file.read_text().split())

    def processes(self) -> int:
        return len(list(self.folder.glob("process-*")))


def test_answers_come_in_order_and_each_is_worked_out_once(tmp_path: Path) -> None:
    work = Work(tmp_path)
    assert list(each(work, range(40), 2)) == [(number, 2 * number) for number in range(40)]
    assert work.done() == list(range(40)) and work.processes() <= 2


def test_a_worker_that_is_killed_costs_one_process_and_no_answer(tmp_path: Path) -> None:
    work = Work(tmp_path, once=[5])
    assert list(each(work, range(40), 2)) == [(number, 2 * number) for number in range(40)]
    assert work.done() == sorted([*range(40), 5])
    assert work.processes() <= 3  # the two it began with, and one that took the place of one


def test_a_piece_that_ends_two_processes_has_no_answer_and_the_others_have(tmp_path: Path) -> None:
    work = Work(tmp_path, always=[0, 17, 39])
    found = dict(each(work, range(40), 2))
    assert [number for number, answer in found.items() if answer is None] == [0, 17, 39]
    assert all(found[number] == 2 * number for number in range(40) if number not in work.always)
    assert work.done() == sorted([*range(40), *work.always])
    assert work.processes() <= 2 + 2 * 3


def double_and_fork(number: int) -> int:
    os.fork()
    return 2 * number


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_copy_of_a_worker_takes_no_piece() -> None:
    answers = [(number, 2 * number) for number in range(40)]
    assert list(each(double_and_fork, range(40), 2)) == answers


def test_what_is_raised_is_raised_here(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="-1 is negative") as raised:
        list(each(Work(tmp_path), [1, 2, -1, 3, 4], 2))
    assert "in __call__" in raised.value.__notes__[0]


def test_who_stops_asking_ends_the_processes(tmp_path: Path) -> None:
    answers = each(Work(tmp_path), range(1000), 2)
    assert next(answers) == (0, 0)
    answers.close()
    for file in tmp_path.glob("process-*"):
        with pytest.raises(ProcessLookupError):
            os.kill(int(file.name.removeprefix("process-")), 0)
