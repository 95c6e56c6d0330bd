"""One class per verb: the only place that changes the world."""
