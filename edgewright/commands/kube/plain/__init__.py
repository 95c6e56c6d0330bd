"""`kube get` of a plain table without kubectl: what was asked for, the way to it, and its text."""
