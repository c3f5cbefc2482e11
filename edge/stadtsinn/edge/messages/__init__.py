"""Messages between edge agent and cloud: delivery batches, acknowledgements, configuration."""
