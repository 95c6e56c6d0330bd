"""Long texts: search, raw documents, logs."""
