"""Documents of both APIs: the JSON as it came, with typed views over it (standard library only, Python 3.9)."""
