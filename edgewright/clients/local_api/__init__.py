"""The Local Management API that an edge host serves itself (port 5080): through a channel of SSH, or directly."""
