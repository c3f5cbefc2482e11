"""The ways on which messages reach people, a file each; `registry.py` lists them."""
