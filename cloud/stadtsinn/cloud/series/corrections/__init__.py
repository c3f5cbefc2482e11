"""The past put right: parts of series that a change of deployments concerns are made anew."""
