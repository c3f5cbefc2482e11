"""Series over HTTP."""
