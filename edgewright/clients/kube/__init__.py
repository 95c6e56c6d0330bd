"""The API of a Kubernetes cluster: a closed port to ask it, its client over HTTPS, and lists that follow by watch."""
