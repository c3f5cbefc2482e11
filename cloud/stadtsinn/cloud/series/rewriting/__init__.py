"""Makes parts of stations' series anew from the log, after decoders or deployments changed."""
