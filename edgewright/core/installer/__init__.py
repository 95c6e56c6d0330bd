"""The questions of the installer wizard, and what their answers mean: pure, without any I/O."""
