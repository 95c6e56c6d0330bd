"""Secrets are taken out of text before it is stored or shown: by names, by known forms, and as it streams past."""
