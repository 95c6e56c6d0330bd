"""Users, roles and SSH keys: views over `v1UserSummary`, `v1Role` and `v1UserAssetSsh`."""

from __future__ import annotations

from typing import Dict, List

from edgewright.wire.document import Document, each, flag, integer, text, when


class Reference(Document):
    """`v1UidSummary`."""

    uid = text("uid")
    name = text("name")


class User(Document):
    """A user as the summary lists it."""

    uid = text("metadata.uid")
    name = text("metadata.name")
    created = when("metadata.creationTimestamp")
    modified = when("metadata.lastModifiedTimestamp")
    email = text("spec.emailId")
    first_name = text("spec.firstName")
    last_name = text("spec.lastName")
    roles = each("spec.roles", Reference)
    projects = each("spec.projects", Reference)
    is_active = flag("status.isActive")
    last_sign_in = when("status.lastSignIn")
    activation_link = text("status.activationLink")
    # our own
    tenant_role = text("spec.edgewright.tenantRole")
    keys = integer("spec.edgewright.keys")
    pending = flag("status.edgewright.pending")

    @property
    def project_roles(self) -> Dict[str, str]:
        """Return the highest role in each project, by the project's name; empty where the plane does not have it."""
        names = {project.uid: project.name or project.uid for project in self.projects}
        result = self.find(["spec", "edgewright", "projectRoles"])
        stored = result if isinstance(result, dict) else {}
        return {names.get(str(uid), str(uid)): str(role) for uid, role in stored.items()}


class Role(Document):
    """A role."""

    uid = text("metadata.uid")
    name = text("metadata.name")
    description = text("metadata.annotations.description")
    scope = text("spec.scope")
    kind = text("spec.type")

    def permissions(self, place: str = "permissions") -> List[str]:
        """Return the permissions for the tenant, or of another place: `projectPermissions`."""
        parts = ["spec", place] if place == "permissions" else ["spec", "edgewright", place]
        result = self.find(parts)
        return [str(name) for name in result] if isinstance(result, list) else []


class SshPublicKey(Document):
    """An SSH key."""

    uid = text("metadata.uid")
    name = text("metadata.name")
    created = when("metadata.creationTimestamp")
    public_key = text("spec.publicKey")
    project_uid = text("spec.edgewright.projectUid")
