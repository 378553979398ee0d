"""What is true of images: no network, database, clock, environment or Dagster."""
