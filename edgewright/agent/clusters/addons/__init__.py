"""Add-ons: charts by helm, manifests by server-side apply."""
