"""Network servers' events, a module per format behind one protocol: in, an uplink comes out."""
