"""The profile wizard: name, layers, values, variables, preview, summary."""
