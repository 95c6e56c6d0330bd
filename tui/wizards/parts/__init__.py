"""What wizards share: the frame of a page, fields and their controls, drafts, the question on leaving."""
