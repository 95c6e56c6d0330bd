"""The installer wizard: one question a page, a renderer of the pages that `edgewright.core.installer` describes."""
