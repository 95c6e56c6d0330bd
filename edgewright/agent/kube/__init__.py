"""The API of a Kubernetes cluster as a host uses it: standard library only, bounded, each failure as one sentence."""
