"""What all verbs share: base class, registry, grammar, results, context."""
