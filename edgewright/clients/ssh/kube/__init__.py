"""The API of a cluster as one of its hosts reaches it: the host's kubeconfig, read by a script over SSH."""
