"""Places that give a picture a URL: one module a host, none knows another."""
