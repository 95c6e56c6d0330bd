"""User-data: the site block `stylus.site` of an installer's cloud-config, as the agent uses it.

Key names and defaults follow Palette's installer reference; keys that are not known here are left alone. A `Site` never
fails on a wrong type: it reads the default and `problems` lists what is wrong, in sentences.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Tuple
from urllib.parse import urlsplit

from edgewright.core.errors import InvalidInput
from edgewright.core.hosts.hosts import check_hostname
from edgewright.core.hosts.link_spec import read_link
from edgewright.core.yaml.subset import load

DEFAULT_UID_PATH = "/sys/class/dmi/id/product_uuid"
DEFAULT_PREFIX = "edge"
SCRIPT_TIMEOUT = 60.0
"""Seconds that a tag script may run."""

_YES = frozenset(["true", "yes", "on"])
_NO = frozenset(["false", "no", "off"])


class UidPath(NamedTuple):
    """A file that contains the device's identity and the expression that picks it out (empty: the entire text)."""

    name: str
    regex: str = ""


class Site:
    """The view over `stylus.site`; times in seconds, absent texts are empty."""

    def __init__(self, site: Mapping[str, Any], stylus: Optional[Mapping[str, Any]] = None) -> None:
        self.raw = site
        self.stylus: Mapping[str, Any] = stylus or {}
        self.problems: List[str] = []
        self.endpoint = self._endpoint(self._text("paletteEndpoint"))
        self.token = self._text("edgeHostToken")
        self.name = self._text("name")
        self.host_name = self._text("hostName") or ("" if self.name == "$random" else self.name)
        self.prefix = self._text("prefix") or DEFAULT_PREFIX
        self.project_name = self._text("projectName")
        self.project_uid = self._text("projectUid")
        self.registration_url = self._text("registrationURL")
        self.cluster_id = self._text("clusterId")
        self.cluster_name = self._text("clusterName")
        self.disable_auto_register = self._flag("disableAutoRegister")
        self.insecure_skip_verify = self._flag("insecureSkipVerify")
        self.uid_paths = self._uid_paths()
        self.tags = self._tags()
        self.ca_certs = self._texts("caCerts")
        self.ntp_servers = self._texts("ntpServers")
        shell = self._mapping("remoteShell")
        self.remote_shell = not _is_yes(shell.get("disable"))
        from_file = self._mapping("tagsFromFile")
        self.tags_file = _text(from_file.get("fileName"))
        self.tags_delimiter = _raw_text(from_file.get("delimiter")) or "\n"
        self.tags_separator = _raw_text(from_file.get("separator")) or ":"
        from_script = self._mapping("tagsFromScript")
        self.tags_script = _text(from_script.get("scriptName"))
        self.tags_script_timeout = self._seconds(from_script.get("timeout"))
        network = self._mapping("network")
        self.http_proxy = _text(network.get("httpProxy"))
        self.https_proxy = _text(network.get("httpsProxy"))
        self.no_proxy = _text(network.get("noProxy"))
        own = self._mapping("edgewright")
        self.link = read_link(own, self._wrong_link)
        self._check()

    @property
    def management_mode(self) -> str:
        """Return `central` or `local`; the older `installationMode: airgap` means `local`."""
        mode = _text(self.stylus.get("managementMode")).lower()
        if mode in ("central", "local"):
            return mode
        return "local" if _text(self.stylus.get("installationMode")).lower() == "airgap" else "central"

    def _check(self) -> None:
        if "hostName" in self.raw and self._text("hostName"):
            self.problems.extend(f"stylus.site.hostName: {problem}" for problem in check_hostname(self.host_name))
        if not all((character.isalnum() and character.isascii()) or character == "-" for character in self.prefix):
            self.problems.append("stylus.site.prefix may contain letters, digits and '-' only.")
        if self.project_name and self.project_uid:
            self.problems.append("stylus.site has both projectName and projectUid; the uid is used.")
        if self.insecure_skip_verify:
            self.problems.append(
                "stylus.site.insecureSkipVerify is set: anybody on the way can pretend to be the plane. "
                "Put its CA into caCerts instead."
            )

    def _endpoint(self, endpoint: str) -> str:
        """Return the endpoint as an https URL without a trailing slash; Palette's own files leave the scheme out."""
        if not endpoint:
            return ""
        url = endpoint if "://" in endpoint else "https://" + endpoint
        try:
            parts = urlsplit(url)
            good = parts.scheme in ("https", "http") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            good = False
        if not good:
            self.problems.append(f"stylus.site.paletteEndpoint is not an address: {endpoint[:100]}")
            return ""
        if parts.scheme == "http":
            self.problems.append("stylus.site.paletteEndpoint is not https: the token would be readable on the way.")
        return url.rstrip("/")

    def _text(self, key: str) -> str:
        value = self.raw.get(key)
        if isinstance(value, (dict, list)):
            self.problems.append(f"stylus.site.{key} must be a text.")
            return ""
        return _text(value)

    def _flag(self, key: str) -> bool:
        value = self.raw.get(key)
        if value is None or isinstance(value, bool):
            return bool(value)
        folded = _text(value).lower()
        if folded not in _YES and folded not in _NO and folded:
            self.problems.append(f"stylus.site.{key} must be true or false.")
        return folded in _YES

    def _mapping(self, key: str) -> Mapping[str, Any]:
        value = self.raw.get(key)
        if isinstance(value, Mapping):
            return value
        if value is not None:
            self.problems.append(f"stylus.site.{key} must be a map.")
        return {}

    def _texts(self, key: str) -> Tuple[str, ...]:
        value = self.raw.get(key)
        if value is None:
            return ()
        if isinstance(value, list):
            return tuple(_raw_text(item).strip() for item in value if _raw_text(item).strip())
        text = _raw_text(value)
        return tuple(part.strip() for part in text.split(",") if part.strip())

    def _wrong_link(self, key: str, message: str) -> None:
        self.problems.append(f"stylus.site.edgewright.{key}: {message} It is not used.")

    def _seconds(self, value: Any) -> float:
        try:
            seconds = float(_text(value).rstrip("s") or SCRIPT_TIMEOUT)
        except ValueError:
            seconds = -1.0
        if not 0 < seconds <= 3600:
            self.problems.append("stylus.site.tagsFromScript.timeout must be 1 to 3600 seconds; 60 are used.")
            return SCRIPT_TIMEOUT
        return seconds

    def _tags(self) -> Dict[str, str]:
        return {str(key): _text(value) for key, value in self._mapping("tags").items()}

    def _uid_paths(self) -> Tuple[UidPath, ...]:
        """Return the files given; empty when none are, so that a caller can distinguish the default from a choice."""
        value = self.raw.get("deviceUIDPaths")
        if value is None:
            return ()
        matches = []
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, str) and item:
                matches.append(UidPath(item))
            elif isinstance(item, Mapping) and _text(item.get("name")):
                matches.append(UidPath(_text(item.get("name")), _raw_text(item.get("regex"))))
            else:
                self.problems.append("stylus.site.deviceUIDPaths needs a list of {name, regex}.")
        return tuple(matches)


def _raw_text(value: Any) -> str:
    if value is None or isinstance(value, (dict, list)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _text(value: Any) -> str:
    return _raw_text(value).strip()


def _is_yes(value: Any) -> bool:
    return value is True or _text(value).lower() in _YES


def site_of(document: Any) -> Site:
    """Return the site of a parsed cloud-config; an empty one when it has no `stylus.site`.

    Raises `InvalidInput` when the document or one of the two blocks is not a map.
    """
    if document is None:
        document = {}
    if not isinstance(document, Mapping):
        raise InvalidInput(
            "The user-data is not a map of keys.", "It must begin with #cloud-config and contain stylus."
        )
    stylus = document.get("stylus")
    stylus = {} if stylus is None else stylus
    site = stylus.get("site") if isinstance(stylus, Mapping) else None
    site = {} if site is None else site
    if not isinstance(stylus, Mapping) or not isinstance(site, Mapping):
        raise InvalidInput("stylus and stylus.site of the user-data must be maps.", "Correct the user-data.")
    return Site(site, stylus)


def read_site(text: str) -> Site:
    """Return the site in the text of a user-data file.

    Words stay as written (`name: 007` stays `007`). A missing first line `#cloud-config` is a problem, not an error.
    Raises `YamlError` with the line of what cannot be read, else as `site_of`.
    """
    site = site_of(load(text, typed=False))
    lines = text.lstrip("\ufeff").splitlines()
    if not lines or lines[0].strip() != "#cloud-config":
        site.problems.append("The user-data does not begin with #cloud-config; an installer would not read it.")
    return site
