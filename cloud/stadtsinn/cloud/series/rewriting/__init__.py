"""Parts of stations' series made anew from the log: after other decoders, or other deployments."""
