"""Faithful, hostile stand-ins of every outside service; loopback only."""
