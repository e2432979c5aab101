"""Soundpost: an open AV manager."""

__version__ = "0.1.0"
