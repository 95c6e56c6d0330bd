"""Provider images: OS and one Kubernetes version as an OCI image, made and pushed without a container daemon."""
