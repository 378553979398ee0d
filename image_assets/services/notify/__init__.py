"""The channels that tell people and programs what happened."""
