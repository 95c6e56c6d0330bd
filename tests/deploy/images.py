"""Images for the compose file where no public registry can be reached: of Debian's packages, with the same interface.

`database` does with the variables that the compose file sets what the official image of PostgreSQL does, `proxy` is as
that of HAProxy. The hub's image is built by `edgewright forge hub-image` on a base of the same Debian.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.deploy.parts import CACHE
from tests.support import missing

ROOT_OF_HUB = os.environ.get("EDGEWRIGHT_HUB_BASE", "")
_DATABASE = """#!/bin/sh
# As docker.io/library/postgres: the first start makes POSTGRES_USER and POSTGRES_DB.
set -e
data=/var/lib/postgresql/data
bin=$(dirname /usr/lib/postgresql/*/bin/initdb)
install -d -o postgres -g postgres -m 0700 "$data"
install -d -o postgres -g postgres -m 0775 /run/postgresql
as() { setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; }
if [ ! -s "$data/PG_VERSION" ]; then
  install -o postgres -g postgres -m 0400 "$POSTGRES_PASSWORD_FILE" /tmp/password
  as "$bin/initdb" -D "$data" -U "$POSTGRES_USER" -E UTF8 --auth-local=trust --auth-host=scram-sha-256 \\
    --pwfile=/tmp/password
  rm /tmp/password
  echo "host all all all scram-sha-256" >> "$data/pg_hba.conf"
  as "$bin/pg_ctl" -D "$data" -o "-c listen_addresses=''" -w start
  as "$bin/createdb" -h /run/postgresql -U "$POSTGRES_USER" "$POSTGRES_DB"
  as "$bin/pg_ctl" -D "$data" -m fast -w stop
fi
exec setpriv --reuid=postgres --regid=postgres --clear-groups "$bin/postgres" -D "$data" -c listen_addresses='*'
"""


def debian(name: str, *packages: str) -> Path:
    """Return the root of a Debian with these packages, as an archive in the cache."""
    archive = CACHE / f"{name}.tar"
    if not archive.exists():
        if shutil.which("mmdebstrap") is None:
            missing("deploy", "mmdebstrap is not installed")
        CACHE.mkdir(parents=True, exist_ok=True)
        draft = CACHE / f".{name}-{os.getpid()}.tar"
        command = ["mmdebstrap", "--mode=root", "--variant=minbase", f"--include={','.join(packages)}", "bookworm"]
        subprocess.run([*command, str(draft)], check=True, capture_output=True, timeout=900)
        draft.replace(archive)
    return archive


def parts_image() -> tuple[Path, str]:
    """Return the archive of PostgreSQL and HAProxy, and the script that starts the database in it."""
    return debian("database-and-proxy", "postgresql-15", "haproxy", "util-linux"), _DATABASE


def base_of_hub(folder: Path) -> Path:
    """Return a tree with Python for the image of the hub."""
    if ROOT_OF_HUB:
        return Path(ROOT_OF_HUB)
    root = folder / "base"
    root.mkdir()
    archive = debian("hub", "python3", "ca-certificates")
    subprocess.run(["tar", "-xf", str(archive), "-C", str(root), "--exclude=./dev/*"], check=True)
    return root
