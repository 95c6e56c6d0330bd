"""A blob pulled by `edgewright.oci`, against a plain `http.client` read loop that hashes too, in one run; HTTP and TLS.

python benchmarks/oci_pull.py [--megabytes 256] [--pairs 7]
The registry is docker-registry on loopback; without it there is one row with the reason. Both ways verify the digest
and drop the bytes. `skopeo copy`, which also stores them, is printed beside them where it is present.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import os
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.lib.ending import run_main
from edgewright.oci import media, pull, push
from edgewright.oci.access import Access
from edgewright.oci.registry import Registry
from edgewright.oci.work import Unwatched
from tests.oci.raw_server import certificate

AIM = 1.2
CHUNK = 256 * 1024


@contextmanager
def registry(folder: Path, tls: bool) -> Iterator[tuple[str, Path | None]]:
    """Run a registry on loopback; gives its address and the CA of its certificate."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    lines = f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {folder / 'store'}}}}}\n"
    lines += f"http:\n  addr: '{address}'\n"
    ca = None
    if tls:
        ca = certificate(folder).ca
        lines += f"  tls: {{certificate: {ca}, key: {folder / 'tls.key'}}}\n"
    (folder / "registry.yml").write_text(lines)
    process = subprocess.Popen(
        ["docker-registry", "serve", str(folder / "registry.yml")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", int(address.partition(":")[2]))) == 0:
                    break
            time.sleep(0.1)
        yield address, ca
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(10)


def floor(address: str, ca: Path | None, digest: str) -> None:
    """Read and hash the blob with the standard library alone."""
    if ca is None:
        link = http.client.HTTPConnection(address)
    else:
        link = http.client.HTTPSConnection(address, context=ssl.create_default_context(cafile=str(ca)))
    link.request("GET", f"/v2/bench/blobs/{digest}")
    reply, seen = link.getresponse(), hashlib.sha256()
    while data := reply.read(CHUNK):
        seen.update(data)
    link.close()
    assert "sha256:" + seen.hexdigest() == digest


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that `work` takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def measure(folder: Path, megabytes: int, pairs: int, tls: bool) -> float:
    """Print one row and return the median ratio."""
    name = "TLS " if tls else "HTTP"
    path = folder / "blob"
    with path.open("wb") as file:
        for _ in range(megabytes):
            file.write(os.urandom(1 << 20))
    with registry(folder, tls) as (address, ca):
        with Registry(address, "bench", Unwatched(), write=True, access=Access(ca=ca)) as there:
            config = push.small(there, b"{}", "the configuration")
            digest = "sha256:" + hashlib.file_digest(path.open("rb"), "sha256").hexdigest()
            sending = timed(lambda: push.upload(there, digest, path, "a layer"))
            size = path.stat().st_size
            manifest = {
                "schemaVersion": 2,
                "mediaType": media.OCI_MANIFEST,
                "config": {"mediaType": media.OCI_CONFIG, "digest": config, "size": 2},
                "layers": [{"mediaType": media.OCI_LAYER, "digest": digest, "size": size}],
            }
            there.put_manifest("t", media.canonical(manifest), media.OCI_MANIFEST, "the manifest")
            ours, least = [], []

            def read() -> None:
                for _ in pull.blob(there, digest, size, "a layer"):
                    pass

            for _ in range(pairs):
                least.append(timed(lambda: floor(address, ca, digest)))
                ours.append(timed(read))
        ratio = statistics.median(mine / base for mine, base in zip(ours, least, strict=True))
        speed = [megabytes / statistics.median(times) for times in (ours, least)]
        print(
            f"{name}  pull {speed[0]:5.0f} MiB/s, floor {speed[1]:5.0f} MiB/s: {ratio:.2f} x the floor (aim {AIM}),"
            f" push {megabytes / sending:5.0f} MiB/s"
        )
        if shutil.which("skopeo"):
            words = [
                "skopeo",
                "--insecure-policy",
                "copy",
                "-q",
                "--src-tls-verify=false",
                f"docker://{address}/bench:t",
            ]
            copying = timed(lambda: subprocess.run([*words, f"dir:{folder / 'copy'}"], check=True))
            print(f"{name}  skopeo copy {megabytes / copying:5.0f} MiB/s")
        else:
            print(f"{name}  skopeo copy: skipped, skopeo is not installed")
    return ratio


def main() -> int:
    """Measure both; the exit code is 1 when a ratio is above the aim."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=256)
    parser.add_argument("--pairs", type=int, default=7)
    options = parser.parse_args()
    if shutil.which("docker-registry") is None:
        print("skipped: docker-registry is not installed (apt-get install docker-registry)")
        return 0
    worst = 0.0
    for tls in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            worst = max(worst, measure(Path(folder), options.megabytes, options.pairs, tls))
    return int(worst > AIM)


if __name__ == "__main__":
    run_main(main)
