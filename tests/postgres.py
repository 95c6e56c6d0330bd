"""A real PostgreSQL for tests: `Cluster` starts one on a socket in a folder of its own, without a port."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support import missing


def binaries() -> Path | None:
    """Return the folder of PostgreSQL's server programs, the newest where there are several."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    packaged = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parent.parent.name), reverse=True
    )
    return packaged[0].parent if packaged else None


class Cluster:
    """One PostgreSQL server; as root it runs as the user `postgres`, else as this user.

    With `prefix`, the words that enter a network namespace, it listens on every address there too; `listen` is an
    address of this machine, at which nobody is let in without a further line of `pg_hba.conf`. With `durable` a commit
    is on the disk before it is answered, as outside of tests.
    """

    def __init__(
        self, folder: Path, programs: Path, prefix: tuple[str, ...] = (), *, durable: bool = False, listen: str = ""
    ) -> None:
        self.folder, self._durable = folder, durable
        self._listen = "*" if prefix else listen
        self._prefix = prefix
        self._programs = programs
        self._user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        self._run("initdb", "-D", str(folder / "data"), "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync")
        if prefix:
            with (folder / "data" / "pg_hba.conf").open("a") as rules:
                rules.write("host all all 10.0.0.0/8 trust\n")
        self.start()

    def _run(self, program: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = [*self._user, str(self._programs / program), *arguments]
        done = subprocess.run(command, check=False, cwd="/", capture_output=True, text=True, timeout=60)
        assert not check or done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"
        return done

    def start(self) -> None:
        """Start the server and wait until it answers; the log goes to a file, so that nothing waits for a pipe."""
        options = f"-c listen_addresses='{self._listen}' -c unix_socket_directories={self.folder}"
        options += "" if self._durable else " -c fsync=off"
        log = str(self.folder / "log")
        command = ["-D", str(self.folder / "data"), "-w", "-o", options, "-l", log, "start"]
        subprocess.run(
            [*self._prefix, *self._user, str(self._programs / "pg_ctl"), *command],
            check=True, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60,
        )  # fmt: skip

    def stop(self, mode: str = "immediate") -> None:
        """Stop the server: `fast` ends its sessions in order, `immediate` is a crash."""
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", mode, "-w", "stop", check=False)

    def psql(self, database: str, sql: str) -> str:
        """Return the output of SQL, one line a row, without a header."""
        options = ["-h", str(self.folder), "-U", "postgres", "-d", database, "-XqtA", "-v", "ON_ERROR_STOP=1"]
        return self._run("psql", *options, "-c", sql).stdout.strip()

    def load(self, database: str, file: Path) -> None:
        """Run the statements of a SQL file, for example of pg_dump."""
        copy = self.folder / f"{uuid.uuid4().hex}.sql"  # the folder of the test is this user's alone
        copy.write_bytes(file.read_bytes())
        copy.chmod(0o644)
        arguments = ["-U", "postgres", "-d", database, "-Xq", "-v", "ON_ERROR_STOP=1", "-f", str(copy)]
        self._run("psql", "-h", str(self.folder), *arguments)

    def create(self) -> str:
        """Create an empty database; returns its name."""
        name = f"t{uuid.uuid4().hex[:12]}"
        self.psql("postgres", f"CREATE DATABASE {name}")
        return name

    def url(self, database: str) -> str:
        """Return what `--db` takes."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"


@contextmanager
def cluster(prefix: tuple[str, ...] = (), *, durable: bool = False, listen: str = "") -> Iterator[Cluster]:
    """Run a PostgreSQL server for as long as the block lasts; skips where none is installed. See `Cluster`."""
    programs = binaries()
    if programs is None or (os.geteuid() == 0 and shutil.which("runuser") is None):
        missing("e2e", "no PostgreSQL server programs are installed (initdb, pg_ctl)")
    folder = Path(tempfile.mkdtemp(prefix="edgewright-pg-", dir="/tmp"))  # a socket's path has 107 characters at most
    folder.chmod(0o755)
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    guard = _guard(folder, programs)
    server = None
    try:
        server = Cluster(folder, programs, prefix, durable=durable, listen=listen)
        yield server
    finally:
        if server is not None:
            server.stop()
        assert guard.stdin is not None
        guard.stdin.close()
        guard.wait(timeout=180)  # on a crowded machine
        shutil.rmtree(folder, ignore_errors=True)


def _guard(folder: Path, programs: Path) -> subprocess.Popen[bytes]:
    """Start a process that stops the server and removes its folder when this one ends, also when it is killed.

    It waits for the end of its standard input, whose other end only this process has.
    """
    user = "runuser -u postgres -- " if os.geteuid() == 0 else ""
    script = f'cat; cd /; {user}"$1"/pg_ctl -D "$0"/data -m immediate -w stop; rm -rf "$0"'
    return subprocess.Popen(
        ["sh", "-c", script, str(folder), str(programs)],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
