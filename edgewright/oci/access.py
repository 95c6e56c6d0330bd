"""How a registry is contacted: login, certificate authorities, plain http, mirrors, proxies.

`of_machine` reads what other tools on this machine use; hub and agent give their own. Plain http is for registries of
this very machine, and for those that are marked insecure.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from edgewright.core.errors import InvalidInput
from edgewright.oci import credentials, registries_conf
from edgewright.oci.credentials import Login
from edgewright.oci.guard import Guard
from edgewright.oci.reference import is_loopback
from edgewright.oci.registries_conf import Mirror

CERTS = ("/etc/containers/certs.d", "/etc/docker/certs.d")


class Access(NamedTuple):
    """How one registry is contacted; the defaults are an anonymous client that verifies TLS."""

    login: Login | None = None
    ca: Path | None = None
    """A file with further certificate authorities (PEM)."""
    ca_pem: str = ""
    """The same as text."""
    certs_d: bool = False
    """Whether the authorities in certs.d of this machine are trusted as well."""
    insecure: bool = False
    """The registry's certificate is not verified, and plain http is used where it has no TLS."""
    mirrors: tuple[Mirror, ...] = ()
    """Asked before the registry itself, for pulls only."""
    environment: Mapping[str, str] | None = None
    """Where proxies are named; None: the environment of this process."""
    guard: Guard | None = None
    """Judges each address before a connection to it is opened; None: every address is allowed."""

    def plain(self, registry: str) -> bool:
        """Whether plain http may be used for `registry` when it does not speak TLS."""
        return self.insecure or is_loopback(registry)

    def context(self, registry: str, host: str) -> ssl.SSLContext:
        """Return the TLS context for `host`: the registry itself, or where it redirects.

        Trusts the machine's authorities and those of this access. Raises `InvalidInput` when `ca` has no certificate.
        """
        made = tls_context(registry if self.certs_d else "", self.ca, self.ca_pem)
        if self.insecure and host == host_of(registry):
            made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
        return made


def of_machine(
    registry: str, repository: str, ca: Path | None = None, environ: Mapping[str, str] | None = None
) -> Access:
    """Return the access that the files of containers and docker give. Raises `InvalidInput`, `Failed`."""
    entry = registries_conf.find(registry, repository, environ)
    login = credentials.find(registry, repository, environ)
    return Access(login, ca, certs_d=True, insecure=entry.insecure, mirrors=entry.mirrors, environment=environ)


def plain_for(registry: str, repository: str, environ: Mapping[str, str] | None = None) -> bool:
    """Whether this machine's configuration allows plain http for a registry. Raises `InvalidInput`."""
    return is_loopback(registry) or registries_conf.find(registry, repository, environ).insecure


def host_of(registry: str) -> str:
    """Return the host of `HOST[:PORT]`, lower case and without brackets, as a parsed address has it."""
    if registry.startswith("["):
        return registry[1:].partition("]")[0].lower()
    return registry.partition(":")[0].lower()


def tls_context(certs_of: str, ca: Path | None, pem: str = "") -> ssl.SSLContext:
    """Return a verifying context; `certs_of`: the registry whose folder in certs.d counts. Raises `InvalidInput`."""
    made = ssl.create_default_context()
    for folder in CERTS if certs_of else ():
        for path in sorted(Path(folder, certs_of).glob("*.crt")):
            made.load_verify_locations(path)
    if pem:
        try:
            made.load_verify_locations(cadata=pem)
        except (ssl.SSLError, ValueError):
            raise InvalidInput(
                "The certificates for the registry cannot be used.", "Write them as PEM blocks."
            ) from None
    if ca is not None:
        try:
            made.load_verify_locations(ca)
        except FileNotFoundError:
            raise InvalidInput(f"There is no CA file {ca}.", "Give the registry's CA in PEM form.") from None
        except (ssl.SSLError, OSError):
            raise InvalidInput(
                f"The CA file {ca} cannot be used.", "It must contain one or more certificates in PEM form."
            ) from None
    return made
