"""Writing an installer to a removable disk, and reading it back."""
