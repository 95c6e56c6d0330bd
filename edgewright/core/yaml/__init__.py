"""A reader for the YAML of cloud-config files, standard library only."""
