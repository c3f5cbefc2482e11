"""A town with known truth: device models that send real payload bytes."""
