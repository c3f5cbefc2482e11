"""Water: heavy rain, gauges and lakes, computed from their series."""
