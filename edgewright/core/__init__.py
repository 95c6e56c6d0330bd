"""Pure types and rules of the house: no I/O, standard library only, Python 3.9."""
