"""How messages leave: each sender says sent, retry, never or unknown."""
