"""When, with which settings, and how it looks in Dagster; the only package that imports it."""
