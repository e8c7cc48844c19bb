"""Embedding: a unit-length vector for an image or a text, by an open_clip model."""
