"""Device file → program: the only place that turns words into op tables."""
