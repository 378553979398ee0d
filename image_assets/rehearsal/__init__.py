"""Faithful, hostile stand-ins of every outside service; loopback only."""

from image_assets.rehearsal.server import Profile, Rehearsal, environment

__all__ = ["Profile", "Rehearsal", "environment"]
