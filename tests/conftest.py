"""Shared by all tests."""

from hypothesis import settings

# No test measures time: a slow machine is not a failure.
settings.register_profile("bmnas", deadline=None)
settings.load_profile("bmnas")
