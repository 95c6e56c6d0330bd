"""Profiles with files and YAML: prepared for resolving, directories for git, archives. Uses core and yamltext."""
