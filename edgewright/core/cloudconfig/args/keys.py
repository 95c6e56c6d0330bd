"""The keys of CanvOS's `.arg`: what each does, what it may be, and its default.

Source: CanvOS's Earthfile and template (agent 4.10), and Palette's page on the file for what the two leave open.
"""

from __future__ import annotations

from typing import Dict, NamedTuple, Tuple

VERSIONS: Dict[str, int] = {
    "k3s": 58,
    "kubeadm": 62,
    "rke2": 68,
    "kubeadm-fips": 60,
    "nodeadm": 4,
    "canonical": 11,
}
"""Kubernetes versions that CanvOS knows for each distribution: what an empty K8S_VERSION builds."""
IMAGE_GB = 5
"""About the size of one provider image in GB."""

FLAG, WORD, VERSION, ADDRESS, SECRET = "flag", "text", "version", "address", "secret"


class ArgKey(NamedTuple):
    """One key: its explanation, its kind, default, allowed values, and a pattern for the entire value."""

    name: str
    doc: str
    kind: str = WORD
    default: str = ""
    choices: Tuple[str, ...] = ()
    pattern: str = ""
    rule: str = ""
    old: str = ""
    template: str = ""
    """What CanvOS's template writes, where that is another value than the default."""


def _flag(name: str, doc: str, default: str = "false") -> ArgKey:
    return ArgKey(name, doc, FLAG, default, ("true", "false"))


_VERSION = r"v?[0-9]+(?:\.[0-9]+){1,3}(?:[-.+][0-9A-Za-z.-]+)?"

KEYS: Tuple[ArgKey, ...] = (
    ArgKey(
        "CUSTOM_TAG",
        "End of the image's tag.",
        pattern=r"[a-z0-9][a-z0-9._-]*",
        rule="lower-case letters and digits",
        template="demo",
    ),
    ArgKey(
        "IMAGE_REGISTRY",
        "Registry, with a path if need be, that images are pushed to.",
        ADDRESS,
        rule="no scheme, no underscore",
        template="ttl.sh",
    ),
    ArgKey(
        "IMAGE_REPO",
        "Name of the image; else that of OS_DISTRIBUTION.",
        pattern=r"[a-z0-9]+(?:[._/-]+[a-z0-9]+)*",
        rule="lower-case letters, digits, '.', '_', '-', '/'",
    ),
    ArgKey(
        "OS_DISTRIBUTION",
        "Operating system of the image.",
        choices=("ubuntu", "opensuse-leap", "rhel", "sles", "hadron"),
        template="ubuntu",
    ),
    ArgKey(
        "OS_VERSION",
        "Its version.",
        rule="ubuntu: 20.04, 22.04, 24.04; opensuse-leap: 15.6; hadron: vX.Y.Z",
        template="22.04",
    ),
    ArgKey("K8S_DISTRIBUTION", "Kubernetes distribution.", choices=tuple(VERSIONS), template="k3s"),
    ArgKey(
        "K8S_VERSION",
        "Kubernetes version; empty builds every version.",
        VERSION,
        pattern=r"[0-9]+\.[0-9]+\.[0-9]+",
        rule="x.y.z, without v in front and +k3s1 behind",
    ),
    ArgKey(
        "ISO_NAME",
        "Name of the ISO file, without .iso.",
        default="installer",
        pattern=r"[a-z0-9][a-z0-9_-]*",
        rule="lower-case letters, digits, '-', '_'",
        template="palette-edge-installer",
    ),
    ArgKey("ARCH", "Architecture of the machines.", choices=("amd64", "arm64"), template="amd64"),
    ArgKey("BASE_IMAGE", "Image to build on; must be given for rhel, sles, FIPS and STIG.", ADDRESS),
    _flag("FIPS_ENABLED", "Take FIPS binaries."),
    _flag("UPDATE_KERNEL", "Take the newest kernel of the system (hwe on ubuntu)."),
    _flag("DISABLE_SELINUX", "Turn SELinux off.", "true"),
    _flag("CIS_HARDENING", "Harden by the CIS benchmark."),
    ArgKey("CLUSTERCONFIG", "File with a cluster definition for the ISO.", template="spc.tgz"),
    ArgKey("EDGE_CUSTOM_CONFIG", "File with the key that content is signed by.", default=".edge-custom-config.yaml"),
    _flag("FORCE_INTERACTIVE_INSTALL", "Begin with the interactive installer; not for UKI."),
    ArgKey("HTTP_PROXY", "Proxy while building.", ADDRESS),
    ArgKey("HTTPS_PROXY", "Proxy while building.", ADDRESS),
    ArgKey("NO_PROXY", "What is reached without it while building."),
    ArgKey("http_proxy", "The same as HTTP_PROXY.", ADDRESS),
    ArgKey("https_proxy", "The same as HTTPS_PROXY.", ADDRESS),
    ArgKey("no_proxy", "The same as NO_PROXY."),
    ArgKey("PROXY_CERT_PATH", "Certificate of the proxy.", old="put the certificate into the folder certs/"),
    _flag("UBUNTU_PRO_ATTACH", "Attach to Ubuntu Pro; the token is asked for, or taken from the environment."),
    ArgKey("UBUNTU_PRO_KEY", "Token of Ubuntu Pro; never in this file.", SECRET),
    _flag("IS_UKI", "Build for Trusted Boot (a unified kernel image)."),
    ArgKey("MY_ORG", "Organisation in the keys of Trusted Boot.", default="ACME Corp"),
    ArgKey(
        "EXPIRATION_IN_DAYS", "Days that these keys are valid.", default="5475", pattern=r"[0-9]{1,6}", rule="a number"
    ),
    _flag("UKI_BRING_YOUR_OWN_KEYS", "Take keys of your own for Trusted Boot."),
    _flag("UKI_SELF_SIGNED_KEYS", "Make the keys here.", "true"),
    _flag("INCLUDE_MS_SECUREBOOT_KEYS", "Enrol Microsoft's keys too.", "true"),
    _flag("AUTO_ENROLL_SECUREBOOT_KEYS", "Enrol the keys by itself on a machine in Setup Mode."),
    _flag("ENROLL_SPECTRO_EXTENSION_CERT", "Enrol the certificate of system extensions.", "true"),
    ArgKey("SPECTRO_EXTENSION_CERT_IMAGE", "Image with that certificate.", ADDRESS),
    ArgKey("CMDLINE", "Kernel words of a UKI.", default="stylus.registration"),
    ArgKey("BRANDING", "Title of a UKI.", default="Palette eXtended Kubernetes Edge"),
    _flag("BUNDLE_K8S_AND_AGENT_PROVIDER", "Put Kubernetes into the image even where systemd is 255 or newer."),
    _flag("TWO_NODE", "Build for two-node clusters; such an image serves nothing else."),
    ArgKey("KINE_VERSION", "Version of kine (two-node).", VERSION, "0.15.0", pattern=_VERSION, rule="a version"),
    ArgKey("ETCD_VERSION", "Version of etcd (two-node).", VERSION, "v3.5.13", pattern=_VERSION, rule="a version"),
    _flag("IS_MAAS", "Build an image for MAAS; ubuntu only."),
    ArgKey("MAAS_IMAGE_NAME", "Name of that image.", default="kairos-ubuntu-maas"),
    ArgKey("DRBD_VERSION", "Version of DRBD (Piraeus).", VERSION, "9.2.13", pattern=_VERSION, rule="a version"),
    ArgKey("STORAGE_PROVIDER", "Storage to prepare for.", choices=("portworx", "piraeus")),
    _flag("INSTALL_NVIDIA_GPU_DRIVERS", "Install NVIDIA's drivers; not together with AMD's."),
    ArgKey("NVIDIA_DRIVER_BRANCH", "Branch of the driver.", default="580", pattern=r"[0-9]{3}", rule="three digits"),
    ArgKey("NVIDIA_DRIVER_TYPE", "Kind of the driver.", default="open", choices=("open", "proprietary")),
    _flag("NVIDIA_USE_CUDA_REPO", "Take it from the CUDA repository.", "true"),
    _flag("NVIDIA_INSTALL_FABRICMANAGER", "Install the fabric manager.", "true"),
    _flag("NVIDIA_INSTALL_IMEX", "Install IMEX.", "true"),
    _flag("NVIDIA_INSTALL_CONTAINER_TOOLKIT", "Install the container toolkit."),
    _flag("NVIDIA_REBUILD_INITRD", "Rebuild the initial RAM disk.", "true"),
    _flag("INSTALL_AMD_GPU_DRIVERS", "Install AMD's drivers; ubuntu only, not together with NVIDIA's."),
    ArgKey("AMDGPU_DRIVER_SOURCE", "Where the driver comes from.", default="dkms", choices=("dkms", "inbox")),
    ArgKey("AMDGPU_DRIVER_RELEASE", "Release of the driver.", default="31.40", pattern=r"[0-9.]+", rule="a version"),
    _flag("AMDGPU_INSTALL_SMI", "Install its tools.", "true"),
    _flag("AMDGPU_REBUILD_INITRD", "Rebuild the initial RAM disk."),
    ArgKey("AMDGPU_ARTIFACT_PATH", "Folder with packages of the driver."),
    ArgKey("REGION", "AWS region (+aws-cloud-image)."),
    ArgKey("S3_BUCKET", "AWS bucket (+aws-cloud-image)."),
    ArgKey("S3_KEY", "Key in the bucket (+aws-cloud-image)."),
    _flag("DEBUG", "Boot the ISO with debug output."),
    ArgKey("EFI_MAX_SIZE", "MiB that the EFI image may have.", default="2048", pattern=r"[0-9]{1,6}", rule="a number"),
    ArgKey("EFI_IMG_SIZE", "MiB that the EFI image gets.", default="2200", pattern=r"[0-9]{1,6}", rule="a number"),
    ArgKey("PE_VERSION", "Version of the agent; that of the CanvOS tag.", VERSION, pattern=_VERSION),
    ArgKey("KAIROS_VERSION", "Version of Kairos.", VERSION, "v4.1.2", pattern=_VERSION, rule="a version"),
    ArgKey("KAIROS_INIT_VERSION", "Version of kairos-init.", VERSION, "v0.17.1", pattern=_VERSION, rule="a version"),
    ArgKey("AURORABOOT_VERSION", "Version of AuroraBoot.", VERSION, "v0.26.2", pattern=_VERSION, rule="a version"),
    ArgKey("OSBUILDER_VERSION", "Version of the ISO builder.", VERSION, "v0.400.3", pattern=_VERSION, rule="a version"),
    *(
        ArgKey(
            f"{name}_PROVIDER_VERSION",
            f"Version of the provider for {name.lower()}.",
            VERSION,
            default,
            pattern=_VERSION,
        )
        for name, default in (
            ("K3S", "v4.10.3"),
            ("KUBEADM", "v4.10.1"),
            ("RKE2", "v4.10.3"),
            ("NODEADM", "v4.9.3"),
            ("CANONICAL", "v4.10.1"),
        )
    ),
    ArgKey("K3S_FLAVOR_TAG", "End of the version of k3s.", default="k3s1", pattern=r"k3s[0-9]+", rule="k3s1"),
    ArgKey("RKE2_FLAVOR_TAG", "End of the version of rke2.", default="rke2r1", pattern=r"rke2r[0-9]+", rule="rke2r1"),
    *(
        ArgKey(name, "A mirror of what is otherwise public.", ADDRESS)
        for name in (
            *("SPECTRO_PUB_REPO", "SPECTRO_LUET_REPO", "KAIROS_BASE_IMAGE_URL", "BASE_IMAGE_URL", "STYLUS_BASE"),
            *("STYLUS_PACKAGE_BASE", "ALPINE_IMG", "ALPINE_TAG", "SPECTRO_THIRD_PARTY_IMAGE"),
        )
    ),
)

ARGS: Dict[str, ArgKey] = {key.name: key for key in KEYS}
CUSTOM = "CUSTOM_ARG_"
"""Beginning of keys that are handed on to the user's own Dockerfile."""
