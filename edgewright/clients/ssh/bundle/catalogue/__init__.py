"""What a support bundle contains, as data: a closed list."""
