"""When, with which settings, and how it looks in Dagster; the only package that imports it."""

import warnings

import dagster as dg

# Backfill policies are beta and partitioned checks preview in the version we lock; both are
# measured and tested here, and a warning for each asset in each process says nothing new.
warnings.filterwarnings("ignore", category=dg.BetaWarning)
warnings.filterwarnings("ignore", category=dg.PreviewWarning)
