"""Public pages that work without JavaScript."""
