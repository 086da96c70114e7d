"""Small unimodal networks that serve as backbones of the tasks."""
