"""An editor for the values of a layer: YAML in colours, marks at lines with problems, and the path under the cursor."""
