"""Doctor: from facts about one host to one likely cause, its evidence and the next step. Pure."""
