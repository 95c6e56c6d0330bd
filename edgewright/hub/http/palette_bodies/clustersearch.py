"""Request bodies of clustersearch in Palette's API. Written by tools/palette_bodies.py, never edited."""

from __future__ import annotations

from edgewright.hub.http.shapes import FLAG, INTEGER, NUMBER, WHEN, many, name, obj, text

_FILTER_STRING = obj(beginsWith=text(), contains=text(), eq=text(), ignoreCase=FLAG, ne=text())
_SPECTRO_CLUSTER_METADATA_FILTER_SPEC = obj(
    environment=text(),
    includeVirtual=FLAG,
    isAlloy=FLAG,
    isImportReadOnly=FLAG,
    isImported=FLAG,
    name=_FILTER_STRING,
    state=text(),
)
SPECTRO_CLUSTER_METADATA_SPEC = obj(
    filter=_SPECTRO_CLUSTER_METADATA_FILTER_SPEC, sort=text(64, "environment", "state", "name")
)
_SEARCH_FILTER_BOOL_CONDITION = obj(value=FLAG)
_SEARCH_FILTER_DATE_CONDITION_MATCH = obj(conjunction=text(64, "and", "or"), values=many(WHEN))
_SEARCH_FILTER_DATE_CONDITION = obj(
    match=_SEARCH_FILTER_DATE_CONDITION_MATCH, negation=FLAG, operator=text(64, "eq", "gt", "gte", "lt", "lte", "range")
)
_SEARCH_FILTER_FLOAT_CONDITION_MATCH = obj(conjunction=text(64, "and", "or"), values=many(NUMBER))
_SEARCH_FILTER_FLOAT_CONDITION = obj(
    match=_SEARCH_FILTER_FLOAT_CONDITION_MATCH, negation=FLAG, operator=text(64, "eq", "gt", "gte", "lt", "lte")
)
_SEARCH_FILTER_INTEGER_CONDITION_MATCH = obj(conjunction=text(64, "and", "or"), values=many(INTEGER))
_SEARCH_FILTER_INTEGER_CONDITION = obj(
    match=_SEARCH_FILTER_INTEGER_CONDITION_MATCH, negation=FLAG, operator=text(64, "eq", "gt", "gte", "lt", "lte")
)
_SEARCH_FILTER_KEY_VALUE_CONDITION_MATCH = obj(conjunction=text(64, "and", "or"), values=many(text()))
_SEARCH_FILTER_KEY_VALUE_CONDITION = obj(
    ignoreCase=FLAG,
    key=name(),
    match=_SEARCH_FILTER_KEY_VALUE_CONDITION_MATCH,
    negation=FLAG,
    operator=text(64, "eq", "contains", "beginsWith"),
)
_SEARCH_FILTER_STRING_CONDITION_MATCH = obj(conjunction=text(64, "and", "or"), values=many(text()))
_SEARCH_FILTER_STRING_CONDITION = obj(
    ignoreCase=FLAG,
    match=_SEARCH_FILTER_STRING_CONDITION_MATCH,
    negation=FLAG,
    operator=text(64, "eq", "contains", "beginsWith"),
)
_SEARCH_FILTER_CONDITION = obj(
    bool=_SEARCH_FILTER_BOOL_CONDITION,
    date=_SEARCH_FILTER_DATE_CONDITION,
    float=_SEARCH_FILTER_FLOAT_CONDITION,
    int=_SEARCH_FILTER_INTEGER_CONDITION,
    keyValue=_SEARCH_FILTER_KEY_VALUE_CONDITION,
    string=_SEARCH_FILTER_STRING_CONDITION,
)
_SEARCH_FILTER_ITEM = obj(
    condition=_SEARCH_FILTER_CONDITION,
    property=text(),
    type_=text(64, "string", "int", "float", "bool", "date", "keyValue"),
)
_SEARCH_FILTER_GROUP = obj(conjunction=text(64, "and", "or"), filters=many(_SEARCH_FILTER_ITEM))
_SEARCH_FILTER_SPEC = obj(conjunction=text(64, "and", "or"), filterGroups=many(_SEARCH_FILTER_GROUP))
_SEARCH_FILTER_SORT_SPEC = obj(
    field=text(
        64, "environment", "clusterName", "clusterState", "healthState", "creationTimestamp", "lastModifiedTimestamp"
    ),
    order=text(64, "asc", "desc"),
)
SEARCH_FILTER_SUMMARY_SPEC = obj(filter=_SEARCH_FILTER_SPEC, sort=many(_SEARCH_FILTER_SORT_SPEC))
