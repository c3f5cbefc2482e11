"""A simulated town whose true values are known: device models that send real payload bytes."""
