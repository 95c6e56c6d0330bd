"""Image registries: references, credentials, blobs, layers, push."""
