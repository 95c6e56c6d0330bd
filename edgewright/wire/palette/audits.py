"""The audit log: views over `v1Audit`."""

from __future__ import annotations

from typing import Tuple

from edgewright.wire.document import Document, each, text, when
from edgewright.wire.palette.listmeta import ListMeta

ACTION_TYPES: Tuple[str, ...] = ("create", "update", "delete", "publish", "deploy", "activity", "action")
ACTOR_TYPES: Tuple[str, ...] = ("user", "system", "service")


class Audit(Document):
    """Who did what to which thing, when and from where."""

    uid = text("metadata.uid")
    created = when("metadata.creationTimestamp")
    action = text("spec.actionType")
    action_message = text("spec.actionMsg")
    message = text("spec.contentMsg")
    note = text("spec.userMsg")
    actor_type = text("spec.actor.actorType")
    actor_uid = text("spec.actor.user.uid")
    actor_email = text("spec.actor.user.emailId")
    actor_first_name = text("spec.actor.user.firstName")
    actor_last_name = text("spec.actor.user.lastName")
    service_name = text("spec.actor.serviceName")
    project_uid = text("spec.actor.project.uid")
    project_name = text("spec.actor.project.name")
    resource_kind = text("spec.resource.kind")
    resource_uid = text("spec.resource.uid")
    resource_name = text("spec.resource.name")
    resource_label = text("spec.resource.label")
    # our own: the address that the request came from
    address = text("spec.edgewright.address")

    @property
    def actor(self) -> str:
        """Return the best name of who acted: e-mail, names, service, uid, else the kind of actor."""
        full = f"{self.actor_first_name} {self.actor_last_name}".strip()
        return self.actor_email or full or self.service_name or self.actor_uid or self.actor_type


class AuditsPage(Document):
    """One page of the audit log (`v1Audits`)."""

    items = each("items", Audit)

    @property
    def listmeta(self) -> ListMeta:
        """Return the paging block; an empty one when the plane sent none."""
        return ListMeta.of(self)
