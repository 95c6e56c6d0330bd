"""The reference appliance on its box: the installer, the slots and mounts of the installed system, its console."""
