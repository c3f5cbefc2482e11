"""The whole town on one machine: brokers, edge agent, cloud and simulator as child processes."""
