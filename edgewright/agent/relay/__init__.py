"""The relay on a host: brings streams between the plane and a fixed list of local ports (rule P30)."""
