"""What every long-running process here needs: a clock, structured logs, health and metrics."""
