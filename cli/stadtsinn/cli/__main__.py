"""`python -m stadtsinn.cli` is the command `stadtsinn`."""

from stadtsinn.cli.main import run

run()
