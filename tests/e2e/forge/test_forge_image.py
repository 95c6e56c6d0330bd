"""Provider images through a real registry, verified by other programs: skopeo, umoci, buildah, cosign where present."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import signal
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.fleet import product
from tests.e2e.forge.image_place import NEEDED, PASSWORD, TAG, Place, _base, _free_address, _registry, tool
from tests.forge.image import parts, tree_stand_ins
from tests.support import missing

pytestmark = [pytest.mark.e2e, pytest.mark.core]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    for program, package in NEEDED.items():
        if shutil.which(program) is None:
            missing("e2e", f"{program} is not installed: apt-get install {package}")
    if os.getuid():
        missing("e2e", "unpacking images needs root")
    folder = tmp_path_factory.mktemp("images")
    address = _free_address()
    with _registry(folder, address, ""):
        made = Place(folder, address)
        _base(made)
        yield made


@pytest.fixture(scope="module")
def key(place: Place) -> Path:
    """A key of cosign's own making where it is present, else one in PEM form."""
    if shutil.which("cosign"):
        subprocess.run(
            ["cosign", "generate-key-pair"], cwd=place.folder, env=place.env, check=True, capture_output=True
        )
        return place.folder / "cosign.key"
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    made, form = ec.generate_private_key(ec.SECP256R1()), serialization
    path = place.folder / "key.pem"
    path.write_bytes(
        made.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.BestAvailableEncryption(PASSWORD.encode()))
    )
    return path


def test_appended_pushed_pulled_back_and_verified(place: Place, key: Path) -> None:
    base = f"{place.address}/base/debian:12"
    document = place.image(
        base, "--custom-tag", "append", "--sign-key", str(key), "--sbom", str(place.folder / "b.json")
    )
    tag = f"{TAG}-append"
    assert document["pushed"]["mounted"] == 1, "the base's layer must not go over the line"
    assert document["for"] == "appliance" and not [w for w in document["warnings"] if "--for" in w]
    inspected = json.loads(place.skopeo("inspect", "--tls-verify=false", f"docker://{document['reference']}"))
    assert inspected["Labels"]["edgewright.image.for"] == "appliance"
    assert place.digest(tag) == document["digest"]
    root = place.unpacked(tag)
    for name in ("kubeadm", "kubelet", "kubectl"):
        assert (root / "usr/bin" / name).read_bytes() == parts.program(name)
        assert (root / "usr/bin" / name).stat().st_mode & 0o777 == 0o755
    assert (root / "opt/content/images/pause.tar").read_bytes() == (place.folder / "kube/images/pause.tar").read_bytes()
    assert 'KAIROS_SOFTWARE_VERSION="v1.36.3"' in (root / "etc/kairos-release").read_text()
    assert (root / "bin/sh").is_file(), "the base must still be below"
    slot = root / "usr/lib/edgewright/slot"
    for name in ("rootfs.squashfs", "kernel", "initrd"):
        digest = hashlib.sha256((slot / name).read_bytes()).hexdigest()
        assert inspected["Labels"][f"edgewright.slot.{name}"] == f"sha256:{digest}"
    tool("unsquashfs", "-no-progress", "-d", str(place.folder / "slot-root"), str(slot / "rootfs.squashfs"))
    assert (place.folder / "slot-root/bin/sh").read_bytes() == (root / "bin/sh").read_bytes()
    assert not (place.folder / "slot-root/usr/bin/kubelet").exists(), "Kubernetes is not a part of the slot's system"
    bill = json.loads((place.folder / "b.json").read_text())
    assert {"libc6", "kubelet", "pause.tar"} <= {package["name"] for package in bill["packages"]}
    stem = document["digest"].replace(":", "-")
    assert {f"{stem}.sig", f"{stem}.sbom", stem} <= set(place.tags())


def test_cosign_accepts_the_signature_and_refuses_another_key(place: Place, key: Path) -> None:
    if shutil.which("cosign") is None:
        missing("cosign", "cosign is not installed")
    place.image(f"{place.address}/base/debian:12", "--custom-tag", "signed", "--sign-key", str(key))
    image = f"{place.address}/edge/debian:{TAG}-signed"
    common = ["--insecure-ignore-tlog", "--allow-http-registry", image]
    said = tool("cosign", "verify", "--key", str(place.folder / "cosign.pub"), *common, env=place.env)
    assert json.loads(said)[0]["critical"]["image"]["docker-manifest-digest"] == place.digest(f"{TAG}-signed")
    bill = tool("cosign", "download", "sbom", "--allow-http-registry", image, env=place.env)
    assert json.loads(bill)["spdxVersion"] == "SPDX-2.3"
    other = place.folder / "other"
    other.mkdir()
    subprocess.run(["cosign", "generate-key-pair"], cwd=other, env=place.env, check=True, capture_output=True)
    refused = subprocess.run(
        ["cosign", "verify", "--key", str(other / "cosign.pub"), *common],
        env=place.env,
        capture_output=True,
        check=False,
    )
    assert refused.returncode != 0


def test_a_containerfile_runs_on_the_base(place: Place) -> None:
    context = place.folder / "context"
    context.mkdir()
    (context / "motd").write_text("welcome\n")
    (context / "Containerfile").write_text(
        "ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\nARG WORD=none\nCOPY motd /etc/motd\n"
        'RUN mkdir -p /opt/site && echo "$WORD" > /opt/site/word\n'
    )
    words = ["--custom-tag", "built", "--containerfile", str(context / "Containerfile"), "--build-arg", "WORD=moin"]
    base = f"{place.address}/base/debian:12"
    first = place.image(base, *words)
    assert first["pushed"]["mounted"] == 1 and first["layers"] == 4
    root = place.unpacked(f"{TAG}-built")
    assert (root / "opt/site/word").read_text() == "moin\n"
    assert (root / "etc/motd").read_text() == "welcome\n"
    assert (root / "usr/bin/kubelet").is_file()
    assert place.image(base, *words, "--replace")["digest"] == first["digest"] == place.digest(f"{TAG}-built")
    (context / "Containerfile").write_text("FROM x\nRUN exit 3\n")
    failed = place.run(base, "--custom-tag", "broken", "--containerfile", str(context / "Containerfile"))
    assert failed.returncode == 1 and "buildah did not get through Containerfile" in failed.stderr
    assert f"{TAG}-broken" not in place.tags()


@pytest.mark.parametrize("kind", ["oci", "oci-archive", "docker-archive"])
def test_a_base_from_a_file(place: Place, kind: str) -> None:
    where = place.folder / ("base" if kind == "oci" else f"{kind}.tar")
    custom = kind.replace("-", "")
    document = place.image(f"{kind}:{where}", "--custom-tag", custom)
    root = place.unpacked(f"{TAG}-{custom}")
    assert (root / "bin/sh").is_file() and (root / "usr/bin/kubeadm").is_file()
    assert document["base"]["os"] == "debian" and document["sbom"]["packages"] == 1


def test_the_appliance_as_the_base(place: Place) -> None:
    for program in ("mksquashfs", "xorriso"):
        if shutil.which(program) is None:
            missing("e2e", f"{program} is not installed")
    iso, tree = place.folder / "base.iso", place.folder / "iso"
    tree.mkdir()
    root = place.folder / "rootfs"
    os.chown(root / "etc/kairos-release", 12, 34)
    (root / "etc/secret").write_text("s")
    (root / "etc/secret").chmod(0o4750)
    tool("mksquashfs", str(root), str(tree / "rootfs.squashfs"), "-noappend", "-quiet", "-no-progress")
    (tree / "boot").mkdir()
    (tree / "boot/kernel").write_bytes(parts.kernel())
    (tree / "boot/initrd").write_bytes(b"the medium's initrd")
    tool("xorriso", "-outdev", str(iso), "-volid", "COS_LIVE", "-joliet", "on", "-map", str(tree), "/")
    first = place.image(f"appliance:{iso}", "--custom-tag", "appliance")
    got = place.unpacked(f"{TAG}-appliance")
    assert (got / "etc/secret").stat().st_mode & 0o7777 == 0o4750
    assert (got / "bin/sh").read_bytes() == (root / "bin/sh").read_bytes()
    slot = got / "usr/lib/edgewright/slot"
    assert (slot / "rootfs.squashfs").read_bytes() == (tree / "rootfs.squashfs").read_bytes()
    assert (slot / "initrd").read_bytes() == b"the medium's initrd"
    assert place.image(f"appliance:{iso}", "--custom-tag", "appliance", "--replace")["digest"] == first["digest"]


def test_a_root_without_kernel_init_and_agent_is_refused(place: Place) -> None:
    root = place.folder / "essential"
    for name, data in parts.ESSENTIAL.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    done = place.run(f"root:{root}", "--custom-tag", "essential")
    lines = done.stderr.splitlines()
    assert done.returncode == 7 and "5 problems" in done.stderr
    for part in ("kernel:", "kernel modules:", "initrd:", "init:", "agent:"):
        assert any(line.strip().startswith(part) for line in lines), done.stderr
    assert f"{TAG}-essential" not in place.tags()


def test_a_tree_is_pushed_pulled_back_and_runs_as_it_is(place: Place, key: Path) -> None:
    """A tree of real ELF files and whole OCI archives, read back with skopeo and umoci."""
    folder = tree_stand_ins.kubeadm_tree(place.folder / "tree")
    shutil.copy(os.path.realpath("/bin/sh"), folder / "bin/keepalived")  # a real program that is not static
    words = ["forge", "image", "--for", "tree", "--tree", str(folder), "--kubernetes", "kubeadm:1.36.3"]
    words += ["--push", f"{place.address}/edge/tree", "--sign-key", str(key), "--temp", str(place.temp)]
    done = product(place.env, *words, "-o", "json", timeout=120)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    where = f"docker://{document['reference']}"
    manifest = json.loads(place.skopeo("inspect", "--raw", "--tls-verify=false", where))
    assert manifest["artifactType"] == "application/vnd.edgewright.kubernetes.tree.v1"
    place.skopeo("copy", "-q", "--src-tls-verify=false", where, f"oci:{place.folder / 'pulled-tree'}:got")
    root = place.folder / "tree-unpacked"  # it is an artefact, which tools for images do not unpack
    for layer in manifest["layers"]:
        with tarfile.open(place.folder / "pulled-tree/blobs/sha256" / layer["digest"].partition(":")[2]) as packed:
            packed.extractall(root, filter="tar")
    given = [path for path in folder.rglob("*") if path.is_file() and path.parent.name != "images"]
    for path in given:
        got = root / path.relative_to(folder)
        assert got.read_bytes() == path.read_bytes()
        assert bool(got.stat().st_mode & 0o111) is (path.parent.name in ("bin", "cni"))
    images = json.loads((root / "images/index.json").read_text())["manifests"]
    named = {row["annotations"]["org.opencontainers.image.ref.name"]: row["digest"] for row in images}
    for archive in (folder / "images").glob("*.tar"):  # all of them are one OCI layout, as hosts read it
        with tarfile.open(archive) as packed:
            index = packed.extractfile("index.json")
            assert index is not None
            rows = json.loads(index.read())["manifests"]
            blobs = [file.name for file in packed if file.name.startswith("blobs/")]
            assert all((root / "images" / name).is_file() for name in blobs)
        for row in rows:
            assert named[row["annotations"]["io.containerd.image.name"]] == row["digest"]
    requirements = json.loads((root / "host-requirements.json").read_text())
    assert any(row["name"].startswith("libc.") for row in requirements["libraries"])
    layout = f"oci:{root / 'images'}:registry.k8s.io/pause:3.10.2"
    assert json.loads(place.skopeo("inspect", "--raw", layout))["config"]
    stem = document["digest"].replace(":", "-")
    assert {f"{stem}.sig", f"{stem}.sbom"} <= set(place.tags("edge/tree"))
    again = product(place.env, *words, "--replace", "-o", "json", timeout=120)
    assert json.loads(again.stdout)["digest"] == document["digest"]
    printed = product(place.env, *words, "--replace", timeout=120)
    assert "Hosts must have" in printed.stdout and "kernel modules" in printed.stdout
    (folder / "bin/helm").unlink()
    (folder / "images/etcd.tar").unlink()
    refused = product(place.env, *words, "--replace", timeout=120)
    assert refused.returncode == 7 and "bin/helm:" in refused.stderr and "images/etcd:" in refused.stderr


def test_a_tree_is_no_base_for_an_appliance(place: Place) -> None:
    tags = place.tags("edge/tree")
    if not tags:
        missing("e2e", "the test before this one, which pushes the tree, did not run or failed")
    tag = next(tag for tag in tags if tag.startswith("tree-"))
    done = place.run(f"{place.address}/edge/tree:{tag}", "--custom-tag", "wrong")
    assert done.returncode == 7 and "Kubernetes tree" in done.stderr


def test_a_registry_with_tls_and_logins(place: Place, tmp_path: Path) -> None:
    import bcrypt

    certificate, secret = _certificate(tmp_path), "the right one"
    hashed = bcrypt.hashpw(secret.encode(), bcrypt.gensalt(4)).decode()
    (tmp_path / "htpasswd").write_text(f"builder:{hashed}\n")
    address = _free_address()
    more = f"  tls: {{certificate: {certificate}, key: {tmp_path / 'tls.key'}}}\n"
    more += f"auth: {{htpasswd: {{realm: test, path: {tmp_path / 'htpasswd'}}}}}\n"
    base = f"{place.address}/base/debian:12"
    push = ["--push", f"{address}/edge/debian"]
    with _registry(tmp_path, address, more):
        unknown = place.run(base, *push)
        assert unknown.returncode == 5 and "--ca" in unknown.stderr and "certificate" in unknown.stderr
        push += ["--ca", str(certificate)]
        nobody = place.run(base, *push)
        assert nobody.returncode == 4 and f"skopeo login {address}" in nobody.stderr
        config = place.folder / "home/.docker/config.json"
        config.parent.mkdir()
        try:
            for word, code in (("a wrong one", 4), (secret, 0)):
                auth = base64.b64encode(f"builder:{word}".encode()).decode()
                config.write_text(json.dumps({"auths": {address: {"auth": auth}}}))
                done = place.run(base, *push, "-o", "json")
                assert done.returncode == code, done.stderr
                assert word not in done.stderr + done.stdout and auth not in done.stderr + done.stdout
            document = json.loads(done.stdout)
            folder = tmp_path / "certs"
            folder.mkdir()
            shutil.copy(certificate, folder / "ca.crt")
            login = ["--creds", f"builder:{secret}", "--cert-dir", str(folder)]
            seen = place.skopeo("inspect", *login, f"docker://{document['reference']}")
            assert json.loads(seen)["Digest"] == document["digest"]
        finally:
            config.unlink()


def _certificate(folder: Path) -> Path:
    """Make a certificate for 127.0.0.1 that is its own authority."""
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    words += ["-subj", "/CN=registry of a test", "-addext", "subjectAltName=IP:127.0.0.1"]
    tool(*words, "-keyout", str(folder / "tls.key"), "-out", str(folder / "tls.crt"))
    return folder / "tls.crt"


def test_the_same_inputs_give_the_same_digest_and_a_taken_tag_is_left_alone(place: Place) -> None:
    base = f"{place.address}/base/debian:12"
    first = place.image(base, "--custom-tag", "same")
    taken = place.run(base, "--custom-tag", "same")
    assert taken.returncode == 6 and first["digest"] in taken.stderr
    again = place.image(base, "--custom-tag", "same", "--replace")
    assert again["digest"] == first["digest"] and again["pushed"]["sent"] == 0


def test_a_cancelled_push_leaves_no_tag(place: Place) -> None:
    (place.folder / "kube/images/large.tar").write_bytes(
        parts.tar_of({"manifest.json": b"[]", "x": os.urandom(80 << 20)})
    )
    words = ["-m", "edgewright", "forge", "image", "--base", f"{place.address}/base/debian:12", "--push"]
    words += [f"{place.address}/edge/debian", "--kubernetes", "kubeadm:1.36.3", "--pe-version", "v4.10.0"]
    words += ["--custom-tag", "stopped", "--binaries", str(place.folder / "kube"), "--temp", str(place.temp)]
    import sys

    process = subprocess.Popen([sys.executable, *words], env=place.env, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("making the layer"):
                process.send_signal(signal.SIGINT)
                break
        assert process.wait(30) == 130
    finally:
        process.kill()
        (place.folder / "kube/images/large.tar").unlink()
    assert f"{TAG}-stopped" not in place.tags()
    assert not list(place.temp.iterdir())
