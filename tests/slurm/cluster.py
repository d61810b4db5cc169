"""A real Slurm of two nodes on this one machine, for tests: its own munged, slurmctld and slurmds.

    with cluster(folder) as slurm:
        subprocess.run(["sbatch", "job.sh"], env={**os.environ, **slurm.environment})
        slurm.kill("n1")  # as a power cut would
        slurm.start("n1")

By hand: `python cluster.py FOLDER`. Everything it writes is under the folder; nothing of
/etc/slurm, systemd or the system's munged is used. `missing()` says what it lacks, if anything.
"""

import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

NODES = ("n1", "n2")
PROGRAMS = ("munged", "slurmctld", "slurmd", "srun", "sbatch", "squeue", "sinfo", "scontrol")
SEARCH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
LONGEST = 70  # characters of the folder's path: those of a unix socket have 108 in all


def missing() -> str:
    """Why a cluster can't run here; empty if it can."""
    if not sys.platform.startswith("linux"):
        return "not Linux"
    for program in PROGRAMS:
        if shutil.which(program, path=SEARCH) is None:
            return f"{program} is not installed"
    return "" if os.geteuid() == 0 else "not root"


@contextmanager
def cluster(folder: Path, settings: Mapping[str, object] | None = None) -> Iterator["Cluster"]:
    """A running cluster, killed with all its jobs at the end; settings go over slurm.conf's."""
    slurm = Cluster(folder, settings or {})
    try:
        slurm.start_all()
        yield slurm
    finally:
        slurm.stop()


class Cluster:
    """The daemons of one cluster, and the folder that they write in."""

    def __init__(self, folder: Path, settings: Mapping[str, object]) -> None:
        """Write the configuration; start nothing yet."""
        if reason := missing():
            raise RuntimeError(f"Slurm can't run here: {reason}")
        self.folder = folder.resolve()
        if len(str(self.folder)) > LONGEST:
            raise ValueError(f"{self.folder}: over {LONGEST} characters, too long for sockets")
        self.conf = self.folder / "slurm.conf"
        self.environment = {"SLURM_CONF": str(self.conf)}
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}
        self._write(settings)

    def start_all(self) -> None:
        """Start every daemon and wait until both nodes are idle."""
        self._start_munged()
        self._spawn("slurmctld", "slurmctld", "-D", "-i", "-f", self.conf)
        for node in NODES:
            self._spawn_node(node)
        self._wait("both nodes to be idle", lambda: set(self.nodes().values()) == {"idle"})

    def start(self, node: str) -> None:
        """Start a killed node's slurmd again and wait until Slurm has taken the node back."""
        begin = time.strftime("%Y-%m-%dT%H:%M:%S")
        self._spawn_node(node)
        # The state alone won't do: until its SlurmdTimeout a killed node still looks well.
        self._wait(f"{node} to register", lambda: self._registered(node) >= begin)
        self._wait(f"{node} to be up", lambda: "down" not in self.nodes().get(node, "down"))

    def kill(self, node: str) -> None:
        """Kill a node's slurmd, its slurmstepds and its job processes at once, as a power cut."""
        _kill(lambda: self._processes(node))
        self._reap(node)

    def stop(self) -> None:
        """Kill all that the cluster started; may be called twice."""
        names = ("munged", "slurmctld", *NODES)
        _kill(lambda: {pid for name in names for pid in self._processes(name)})
        for name in names:
            self._reap(name)

    def nodes(self) -> dict[str, str]:
        """Each node's state by `sinfo` (idle, allocated, down*, ...); empty when it can't say."""
        answer = self._ask("sinfo", "--noheader", "--Node", "--format=%N %T")
        return dict(line.split() for line in answer.splitlines())

    def logs(self, lines: int = 12) -> str:
        """The tail of what each daemon said."""
        files = sorted((self.folder / "log").glob("*.out"))
        return "\n".join(f"== {file.name}\n{_tail(file, lines)}" for file in files)

    def _write(self, settings: Mapping[str, object]) -> None:
        """Make the folders, the munge key and slurm.conf."""
        for name in ("log", "run", "munge", "state", *(f"spool/{node}" for node in NODES)):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        key = self.folder / "munge" / "key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(128))
        control, *ports = _free_ports(1 + len(NODES))
        values = _settings(self.folder, control) | dict(settings)
        lines = [f"{name}={value}" for name, value in values.items()]
        for node, port in zip(NODES, ports, strict=True):
            place = f"NodeHostname={_host()} NodeAddr=127.0.0.1 Port={port}"
            lines.append(f"NodeName={node} {place} CPUs=2 RealMemory=1000 State=UNKNOWN")
        lines.append(f"PartitionName=debug Nodes={','.join(NODES)} Default=YES MaxTime=INFINITE")
        self.conf.write_text("\n".join(lines) + "\n")

    def _start_munged(self) -> None:
        """Start munged and wait for its socket, which the others need from their first moment."""
        place = self.folder / "munge"
        place.joinpath("socket").unlink(missing_ok=True)
        files = {"key-file": "key", "socket": "socket", "seed-file": "seed", "pid-file": "pid"}
        options = [f"--{option}={place / name}" for option, name in files.items()]
        # --force: whoever else may write to the folder's parents is no concern of a test.
        self._spawn("munged", "munged", "--foreground", "--force", *options)
        self._wait("munged's socket", place.joinpath("socket").is_socket)

    def _spawn_node(self, node: str) -> None:
        """Start a node's slurmd, without waiting for it."""
        self._spawn(node, "slurmd", "-D", "-N", node, "-f", self.conf)

    def _spawn(self, name: str, *command: str | Path) -> None:
        """Start a daemon in the foreground, as our child, with its output in log/NAME.out."""
        if name in self._daemons:
            raise RuntimeError(f"{name} was started before, and not killed")
        with (self.folder / "log" / f"{name}.out").open("ab") as out:
            self._daemons[name] = subprocess.Popen(
                command,
                env=self._environment(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a Ctrl-C at the terminal is for us, not for them
            )

    def _environment(self) -> dict[str, str]:
        """Ours, without another Slurm's variables (we may be in a job), and with this one's."""
        kept = {key: text for key, text in os.environ.items() if not key.startswith("SLURM")}
        return {**kept, **self.environment, "PATH": SEARCH}

    def _ask(self, *command: str) -> str:
        """What a client command prints; empty when slurmctld doesn't answer it."""
        environment = self._environment()
        run = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=300
        )
        return run.stdout if run.returncode == 0 else ""

    def _registered(self, node: str) -> str:
        """When the slurmd started that slurmctld knows the node by, as 2026-01-31T23:59:59."""
        found = re.search(r"SlurmdStartTime=(\d\S+)", self._ask("scontrol", "show", "node", node))
        return found[1] if found else ""

    def _wait(self, what: str, done: Callable[[], bool], seconds: float = 300) -> None:
        """Wait for something; fail with the logs if it takes too long or a daemon has died."""
        end = time.monotonic() + seconds
        while not done():
            dead = [name for name, daemon in self._daemons.items() if daemon.poll() is not None]
            if dead or time.monotonic() > end:
                why = f"{', '.join(dead)} died" if dead else f"gave up after {seconds:g} s"
                raise RuntimeError(f"waiting for {what}: {why}\n{self.logs()}")
            time.sleep(0.1)

    def _processes(self, name: str) -> set[int]:
        """A daemon, its slurmstepds (nobody's children), its jobs, and the children of all."""
        parents = _parents()
        found = {pid for pid in parents if self._is_of(pid, name)}
        if name in self._daemons and self._daemons[name].pid in parents:
            found.add(self._daemons[name].pid)
        while more := {pid for pid, parent in parents.items() if parent in found} - found:
            found |= more
        return found

    def _is_of(self, pid: int, node: str) -> bool:
        """Whether a process is a node's slurmstepd (by its log) or in one of its jobs."""
        process = Path("/proc", str(pid))
        with suppress(OSError):  # gone by now
            if process.joinpath("comm").read_text() == "slurmstepd\n":
                log = str(self.folder / "log" / f"{node}.log")
                return any(os.path.realpath(fd) == log for fd in process.joinpath("fd").iterdir())
            environment = process.joinpath("environ").read_bytes().split(b"\0")
            wanted = (f"SLURMD_NODENAME={node}", f"SLURM_CONF={self.conf}")
            return all(text.encode() in environment for text in wanted)
        return False

    def _reap(self, name: str) -> None:
        """Collect a killed daemon, so that it isn't left as a zombie."""
        if daemon := self._daemons.pop(name, None):
            daemon.wait()


def _settings(folder: Path, port: int) -> dict[str, object]:
    """The lines of slurm.conf, but for the nodes and the partition."""
    return {
        "ClusterName": "test",
        "SlurmctldHost": f"{_host()}(127.0.0.1)",
        "SlurmctldPort": port,
        "SlurmUser": "root",
        "SlurmdUser": "root",
        "StateSaveLocation": folder / "state",
        "SlurmdSpoolDir": folder / "spool" / "%n",
        "SlurmctldPidFile": folder / "run" / "slurmctld.pid",
        "SlurmdPidFile": folder / "run" / "%n.pid",
        "SlurmctldLogFile": folder / "log" / "slurmctld.log",
        "SlurmdLogFile": folder / "log" / "%n.log",
        # A requeued job isn't started before its old credential has expired: 120 s by default,
        # and 5 s is the least that Slurm takes.
        "AuthType": "auth/munge",
        "AuthInfo": f"socket={folder / 'munge' / 'socket'},cred_expire=5",
        "CredType": "cred/munge",
        # No cgroups, accounting, MPI or mail: none is there in a container.
        "ProctrackType": "proctrack/linuxproc",
        "TaskPlugin": "task/none",
        "JobAcctGatherType": "jobacct_gather/none",
        "AccountingStorageType": "accounting_storage/none",
        "JobCompType": "jobcomp/none",
        "MpiDefault": "none",
        "MailProg": shutil.which("true"),
        "SelectType": "select/cons_tres",
        "SelectTypeParameters": "CR_Core_Memory",
        "DefMemPerCPU": 100,  # else a job that asks for no memory has its node's all
        "SlurmdParameters": "config_overrides",  # two nodes of 2 CPUs, whatever the machine has
        # A dead node is noticed within SlurmdTimeout, its jobs go to the other one, and it is
        # taken back when its slurmd is back.
        "SlurmdTimeout": 10,
        "JobRequeue": 1,
        "ReturnToService": 2,
        # A slurmd that is back before that says which jobs it lacks, but Slurm believes it only
        # of those older than this plus MessageTimeout; of others when it asks again, after 60 s.
        "BatchStartTimeout": 2,
        # Quick answers and quick ends.
        "MessageTimeout": 5,
        "TCPTimeout": 2,
        "KillWait": 2,
        "SchedulerType": "sched/backfill",
        "SchedulerParameters": "batch_sched_delay=0,sched_interval=1,bf_interval=1",
    }


def _host() -> str:
    """This machine's name as Slurm wants it: short."""
    return socket.gethostname().split(".")[0]


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, out of the range that outgoing connections are given."""
    ports = random.sample(range(20000, 30000), 200)
    return [port for port in ports if _free(port)][:count]


def _free(port: int) -> bool:
    """Whether a port can be listened on."""
    with socket.socket() as test:
        try:
            test.bind(("", port))
        except OSError:
            return False
    return True


def _parents() -> dict[int, int]:
    """Every living process's parent."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # gone by now
            # PID (NAME) STATE PARENT ..., where the name may have any character in it.
            state, parent = stat.read_text(errors="replace").rpartition(")")[2].split()[:2]
            if state not in "ZX":
                parents[int(stat.parent.name)] = int(parent)
    return parents


def _kill(find: Callable[[], set[int]], seconds: float = 200) -> None:
    """Kill -9 all that find() finds, until it finds nothing."""
    # Frozen first, so that none sees another die and tells slurmctld or starts something.
    frozen: set[int] = set()
    while more := find() - frozen:
        _signal(more, signal.SIGSTOP)
        frozen |= more
    end = time.monotonic() + seconds
    while left := find():
        if time.monotonic() > end:
            raise RuntimeError(f"processes that kill -9 doesn't end: {sorted(left)}")
        _signal(_children_first(left), signal.SIGKILL)
        time.sleep(0.02)


def _children_first(pids: set[int]) -> list[int]:
    """Processes, each before its parent."""
    # The other way round, the kernel wakes the stopped children of a parent that dies (SIGHUP and
    # SIGCONT to an orphaned process group), and srun then tells slurmctld before its own end.
    parents = _parents()

    def depth(pid: int) -> int:
        return 1 + depth(parents[pid]) if pid in parents else 0

    return sorted(pids, key=depth, reverse=True)


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    """Send a signal to processes, some of which may have ended."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _tail(file: Path, lines: int) -> str:
    """A file's last lines."""
    return "\n".join(file.read_text(errors="replace").splitlines()[-lines:])


def main(folder: str) -> None:
    """Run a cluster until Ctrl-C or SIGTERM."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with cluster(Path(folder)) as slurm:
        for name, value in slurm.environment.items():
            print(f"export {name}={value}", flush=True)
        with suppress(KeyboardInterrupt):
            signal.pause()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python cluster.py FOLDER")
    main(sys.argv[1])
