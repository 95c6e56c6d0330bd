"""The table of keys: against Kairos's own schemas, and with itself."""

from __future__ import annotations

import pytest

from edgewright.core.cloudconfig.schema import model
from edgewright.core.cloudconfig.schema.homes import suggestion
from edgewright.core.cloudconfig.schema.kairos import SCHEMA
from tests.support import table

_KINDS = {
    "string": (model.TEXT,),
    "boolean": (model.FLAG,),
    "integer": (model.INT,),
    "object": (model.MAP, model.TABLE, model.ANY),
    "array": (model.TEXTS, model.MAPS, model.ANY),  # a text for a list is not read
}


@pytest.mark.parametrize(("version", "keys"), table("kairos-keys").items(), ids=list(table("kairos-keys")))
def test_every_key_of_kairos_is_known_with_its_kind(version: str, keys: dict[str, str]) -> None:
    assert len(keys) > 50
    for path, kind in keys.items():
        key = SCHEMA.key(path)
        assert key is not None, f"{version}: {path}"
        assert key.kind in _KINDS[kind], f"{version}: {path}"


STYLUS = """
debug trace disablePasswordUpdate disableTui includeTui enableMultiNode featureGate managementMode installationMode path
localUI.port localUI.login.disableRateLimiting localUI.login.attemptsBeforeExponentialDelayStarts
localUI.login.maxFailedAttemptsBeforeLockout localUI.login.lockoutDurationInMinutes vip.skip emcServer.port
registryCredentials.domain registryCredentials.username registryCredentials.password registryCredentials.encodedPassword
registryCredentials.insecure externalRegistries.registries[].domain externalRegistries.registries[].certificates
externalRegistries.registryMappingRules imageRedirectWebhook.enable imageRedirectWebhook.port imageOverride
site.paletteEndpoint site.edgeHostToken site.disableAutoRegister site.registrationURL site.projectName site.projectUid
site.name site.hostName site.prefix site.deviceUIDPaths[].name site.deviceUIDPaths[].regex site.tags
site.tagsFromFile.fileName site.tagsFromFile.delimiter site.tagsFromFile.separator site.tagsFromScript.scriptName
site.tagsFromScript.timeout site.caCerts site.insecureSkipVerify site.clusterId site.clusterName site.ntpServers
site.remoteShell.disable site.users[].groups site.users[].passwd site.users[].passwordExpiry site.users[].lock_passwd
site.users[].ssh_authorized_keys site.network.httpProxy site.network.httpsProxy site.network.noProxy
site.network.nameserver site.network.interfaces.eno1.type site.network.interfaces.eno1.ipAddress
site.network.interfaces.eno1.mask site.network.interfaces.eno1.gateway site.network.interfaces.eno1.nameserver
site.twoNode.enabled site.twoNode.health-check-script
"""


@pytest.mark.parametrize("path", STYLUS.split())
def test_every_key_of_the_reference_is_known(path: str) -> None:
    assert SCHEMA.key(f"stylus.{path}") is not None


@pytest.mark.parametrize("key", SCHEMA.keys.values(), ids=lambda key: key.path)
def test_a_key_explains_itself(key: model.Key) -> None:
    assert key.doc.endswith((".", "?")) and len(key.doc) <= 110
    assert key.kind in model.KIND_NAMES
    if isinstance(key.default, str) and key.choices:
        assert key.default in ("", *key.choices)
    if key.kind == model.FLAG and key.default is not None:
        assert isinstance(key.default, bool)


def test_secrets_are_marked() -> None:
    assert {key.name for key in SCHEMA.keys.values() if key.secret} == {
        *("password", "passwd", "edgeHostToken", "network_token", "cluster_token", "K3S_TOKEN")
    }


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("stylus.site.paleteEndpoint", "stylus.site.paletteEndpoint"),
        ("edgeHostTokn", "stylus.site.edgeHostToken"),
        ("instal.device", "install.device"),
    ],
)
def test_the_nearest_key_is_found(wrong: str, right: str) -> None:
    assert suggestion(wrong).endswith(f"`{right}`")
