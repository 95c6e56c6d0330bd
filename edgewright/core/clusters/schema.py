"""The JSON schema of the cluster document, written from the declaration of its fields. The agent does not import it."""

from __future__ import annotations

from typing import Any, Dict

from edgewright.core.clusters import fields
from edgewright.core.clusters.document import DOCUMENT

TITLE = "Edgewright cluster document"


def schema() -> Dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of a cluster document."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": TITLE, **of(DOCUMENT)}


def of(shape: fields.Shape) -> Dict[str, Any]:
    """Return the schema of one value. Raises `TypeError` for a shape that is not known here."""
    if isinstance(shape, fields.Text):
        result = {"type": "string", "pattern": f"^(?:{shape.pattern})$", "maxLength": shape.limit}
        return {**result, "minLength": shape.least, "description": shape.what}
    if isinstance(shape, fields.Choice):
        return {"enum": list(shape.options)}
    if isinstance(shape, fields.Integer):
        return {"type": "integer", "minimum": shape.least, "maximum": shape.most}
    if isinstance(shape, fields.Flag):
        return {"type": "boolean"}
    if isinstance(shape, fields.Address):
        form = "cidr" if shape.network else "ip"
        return {"type": "string", "format": form, "maxLength": 49, "minLength": 0 if shape.empty else 2}
    if isinstance(shape, fields.ListOf):
        return {"type": "array", "items": of(shape.item), "maxItems": shape.most}
    if isinstance(shape, fields.MapOf):
        properties = {"propertyNames": of(shape.key), "additionalProperties": of(shape.item)}
        return {"type": "object", "maxProperties": shape.most, **properties}
    if isinstance(shape, fields.Json):
        return {"type": "object"}
    if isinstance(shape, fields.Nullable):
        return {"anyOf": [{"type": "null"}, of(shape.item)]}
    if isinstance(shape, fields.Record):
        properties = {shape.names[name]: of(item) for name, item in shape.shapes.items()}
        result = {"type": "object", "properties": properties, "additionalProperties": False}
        return {**result, "required": list(shape.required)}
    raise TypeError(f"no schema for {type(shape).__name__}")
