"""Events to read model: reducer, cache, journal, recorder, subscriptions."""
