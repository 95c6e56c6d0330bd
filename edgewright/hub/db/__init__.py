"""The hub's database: engines, schema, migrations, writer, records, integrity."""
