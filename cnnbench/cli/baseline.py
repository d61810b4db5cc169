"""`cnnbench baseline`: record what the guarded models cost, for `cnnbench check`."""

from __future__ import annotations

from cnnbench.cli import options as opt
from cnnbench.cli.frame import Written, command, their_code
from cnnbench.cli.progress import bar
from cnnbench.cli.startup import heavy_imports
from cnnbench.errors import BaselineError, SomeFailed
from cnnbench.files import check_writable


@command
def baseline(
    only: opt.Only = None,
    config: opt.Config = None,
    written: Written = Written(),
) -> None:
    """Record the costs of what pyproject.toml guards, one line a model and layer.

    Commit the file: 'cnnbench check' then fails where a cost rises. What changed since the last
    record is shown. A model that cannot be counted keeps what was recorded of it (exit code 1).

    cnnbench baseline

    cnnbench baseline --only mypackage.nets:detector
    """
    with heavy_imports():
        from cnnbench.guard import baseline as baselines
        from cnnbench.guard import config as configs
        from cnnbench.guard.check import record
        from cnnbench.reports.baseline import report_of
    found = configs.find(config)
    found.check_output(written.output)
    chosen = found.chosen(only)
    file = found.baseline_file
    check_writable(file)
    before, lost = {}, ""
    try:
        before = baselines.read(file).models
    except BaselineError as error:
        lost = str(error) if file.exists() else ""
    with their_code(), bar() as shown:
        made, failures = record(found, chosen, whole=not only, progress=shown)
    baselines.keep(made, file)
    counted = [one for one in chosen if one.label not in failures]
    written.hand_over(report_of(counted, made, before, lost, found.baseline, file))
    if failures:
        raise SomeFailed(list(failures.values()))
