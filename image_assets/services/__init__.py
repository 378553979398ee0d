"""One module an outside system; each fulfils a port and raises only our errors."""
