"""The kinds of rules, a file each; `registry.py` lists them."""
