"""A bucket of S3, or of a service that speaks like it: one client, bounded calls, our errors."""
