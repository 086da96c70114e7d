"""A search in its folder: what is written, when, and how it goes on."""
