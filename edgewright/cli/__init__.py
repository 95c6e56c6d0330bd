"""The command line: words to command or selector, to text, JSON or YAML."""
