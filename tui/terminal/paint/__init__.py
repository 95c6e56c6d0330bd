"""Painting: the frame as cells, and the bytes that change the terminal's."""
