"""The small web application: files and the gallery."""
