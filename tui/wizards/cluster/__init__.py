"""The cluster wizard: from a name to a cluster that its hosts form, one question a page."""
