"""Makes the parts of series anew that a change of deployments concerns."""
