"""Registries and packs as several resources of the hub use them: tables, memory, fetching, documents."""
