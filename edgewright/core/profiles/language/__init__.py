"""The language of references in values: `{{.spectro...}}` parsed, evaluated, and written into YAML text."""
