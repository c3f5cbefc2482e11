"""Which spool the commands for waiting items look into."""

from __future__ import annotations

from pathlib import Path

from stadtsinn.base.settings.errors import SettingsError
from stadtsinn.cli.command_logs import command_logs
from stadtsinn.cli.frame import refuse


def spool_of(config: Path) -> Path:
    """The spool that a configuration names; ends the command where it cannot be read."""
    from stadtsinn.edge.agent.settings import load_settings

    command_logs()
    try:
        return load_settings(config).spool.path
    except SettingsError as error:
        refuse(error)
