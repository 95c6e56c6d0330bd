"""Online check of a registry in a user-data: whether `/v2/` answers, its certificate is accepted, the login works."""

from __future__ import annotations

import asyncio
import threading

from edgewright.clients.http import tls
from edgewright.core.cloudconfig.findings import Finding, error, note, unknown, warning
from edgewright.core.cloudconfig.look import shown
from edgewright.core.cloudconfig.registries import Registry, domain_problem
from edgewright.core.cloudconfig.schema.model import is_template
from edgewright.core.errors import Cancelled, InvalidInput
from edgewright.forge.userdata.certificates import pem_of
from edgewright.forge.userdata.online_network import error_text
from edgewright.oci import probe
from edgewright.oci.access import Access
from edgewright.oci.credentials import Login
from edgewright.oci.probe import Visit
from edgewright.oci.session import FAILURES

_TLS_WRONG = ("UnknownCA", "CertificateExpired", "CertificateNotYetValid", "CertificateNameMismatch")


async def check_registry(registry: Registry, seconds: float) -> list[Finding]:
    """Return what a registry answers. Nothing when its domain is none: the offline check reports that."""
    if domain_problem(registry.domain):
        return []
    host = registry.domain.split("/")[0]
    stop = threading.Event()
    try:
        return await asyncio.to_thread(_check, registry, host, seconds, stop)
    finally:
        stop.set()  # the thread ends within half a second when this task was cancelled


def _check(registry: Registry, host: str, seconds: float, stop: threading.Event) -> list[Finding]:
    def check() -> None:
        if stop.is_set():
            raise Cancelled

    last: list[Finding] = []
    for scheme in ("https", "http") if registry.insecure else ("https",):
        try:
            return [_finding(registry, probe.visit(f"{scheme}://{host}", _access(registry), seconds, check))]
        except FAILURES as failure:
            last = [_failed(failure.__cause__ or failure, f"{registry.path}.domain", host)]
        except InvalidInput as problem:  # the proxy of this machine's environment
            return [unknown(f"{registry.path}.domain", problem.message, problem.hint, problem.code)]
    return last


def _access(registry: Registry) -> Access:
    login = None
    if registry.username and not (is_template(registry.username) or is_template(registry.password)):
        login = Login(registry.username, registry.password, "", "the user-data")
    pem = "" if registry.insecure else pem_of(list(registry.certificates))
    return Access(login, ca_pem=pem, insecure=registry.insecure)


def _failed(wrong: BaseException, path: str, host: str) -> Finding:
    result = tls.explain(wrong, host, None)
    if result is not None and result.code in _TLS_WRONG:
        hint = result.hint  # for a certificate outside its dates it weighs the clocks
        if result.code == "UnknownCA":
            hint = "Put the CA of the registry into its certificates."
        return error(path, result.message, hint, result.code)
    message = f"Whether the registry {shown(host)} works is not known: {error_text(wrong)}."
    return unknown(path, message, "The host must reach it from its site.", "NoAnswer")


def _finding(registry: Registry, visit: Visit) -> Finding:
    path, name = f"{registry.path}.domain", shown(registry.domain)
    if visit.status == 200:
        if registry.username:
            message = f"The registry {name} answers without a login; the one given was not tried."
            return note(path, message, code="Fine")
        return note(path, f"The registry {name} answers.", code="Fine")
    if visit.status != 401 and visit.proxy:
        message = f"Whether the registry {name} works is unknown: the proxy {visit.proxy} answers {visit.status}."
        return unknown(path, message, "Try it where the registry can be reached directly.", "NoAnswer")
    if visit.status != 401:
        message = f"What answers at {name} is not a registry: /v2/ gives {visit.status}."
        return error(path, message, "Look at host and port.", "NoRegistry")
    if not registry.username:
        message = f"The registry {name} wants a login, and none is given."
        hint = "Give username and password, unless all images there are public."
        return warning(f"{registry.path}.username", message, hint, "NoLogin")
    return _login(registry, visit, name)


def _login(registry: Registry, visit: Visit, name: str) -> Finding:
    where = f"{registry.path}.password"
    if is_template(registry.password) or is_template(registry.username):
        return unknown(where, f"The login of {name} is filled in on the host.", "", "Template")
    if visit.error is not None and visit.error.code == "InsecureRealm":
        return unknown(where, f"The registry {name} asks for a login in a way that is not safe.", "", "Realm")
    if visit.with_login in probe.ACCEPTED:
        return note(where, f"The registry {name} takes the login of {shown(registry.username)}.", code="Fine")
    if visit.with_login in probe.REFUSED:
        message = f"The registry {name} does not take the login of {shown(registry.username)}."
        return error(where, message, "Look at user name, password and encodedPassword.", "LoginRefused")
    reason = f"answers {visit.with_login} to the login" if visit.with_login else "could not try the login"
    detail = f": {visit.error.message}" if visit.error is not None else "."
    return unknown(where, f"The registry {name} {reason}{detail}", "Try again.", "NoAnswer")
