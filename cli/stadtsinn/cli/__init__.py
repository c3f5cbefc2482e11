"""The command `stadtsinn`: one module per noun, no domain logic of its own."""
