"""What all lists of the console share: a table, its order, its filter, its export."""
