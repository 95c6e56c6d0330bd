"""Cluster profiles: layers with values, variables, macros, versions. Standard library only, Python 3.9+, pure.

How to use it (hub, commands, wizard):

- `model`: `Profile`, `Layer`, `Variable`, `Manifest`, `Registry`; immutable. `exchange.from_document(json)` and
  `exchange.to_document(profile)` are Palette's import and export; `exchange.read_variable` and `variable_document` are
  `v1Variable`.
- `edgewright.profiles.prepare` (above core, it reads YAML) is the entry for everything with values:
  `prepared = prepare(profile, packs)` reads the texts once (`packs`: `core.packs.pack.Pack` by "NAME VERSION" or by
  name); `check(prepared, publish)` returns all `problems.Problem`s; `resolved(prepared, scope.Context(...), infra)`
  gives a `resolve.Resolution`: for each layer `values.text`, `values.shown` (secrets covered), `values.document`,
  `origin(path)` and `origins()`; `exported(prepared)` is the JSON with secrets covered, `evaluated` single references.
  All of it takes over 100 ms for large profiles: call it off the event loop.
- `scope.Context(variables, macros, system, partial)`: `scope.macros(project, tenant, system)` merges the macros;
  `partial=True` for previews without a cluster.
- `problems.raise_errors(what, problems)` raises `InvalidDocument` (exit code 7) with every error.
- `lifecycle`: `published`, `new_version`, `clone`, `check_version`, `suggested_version`, `ordered_versions`.
- `usage`: `layers_by_variable`, `macros_used`, `in_use` (the sentence that refuses a delete).
- `imports.report(...)`: missing packs and macros, registries to choose, masked values; `with_registries`.
- `resources.demands(resolution.layers, packs)` and `check_pools(demands, pools)`: CPU, memory and disk of hosts.
- `diff.compare(before, after)` and `core.clusters.predict.predict(diff, before, after)`.
- `definition` and `edgewright.profiles.archive`: cluster definitions; `edgewright.profiles.directory`: the form for
  git.

YAML is not read here: `edgewright.yamltext.values` makes `values.Values`, and references are replaced within its text,
so that comments, order and quotes stay.
"""
