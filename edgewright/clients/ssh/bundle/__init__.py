"""Support bundle of a host: what is read, how it arrives, and the archive that is made of it."""
