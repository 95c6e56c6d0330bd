"""The parts of the planner."""
