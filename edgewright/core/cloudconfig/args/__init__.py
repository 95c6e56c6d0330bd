"""The `.arg` file of CanvOS: read and checked."""
