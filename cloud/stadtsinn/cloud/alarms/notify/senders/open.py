"""Makes the senders an installation has configured."""

from __future__ import annotations

from collections.abc import Mapping

from stadtsinn.cloud.alarms.notify.channels.registry import CHANNELS
from stadtsinn.cloud.alarms.notify.senders import repository
from stadtsinn.cloud.alarms.notify.senders.base import Sender
from stadtsinn.cloud.alarms.notify.settings import NotifySettings
from stadtsinn.cloud.alarms.notify.surroundings import Surroundings


def open_senders(config: NotifySettings, around: Surroundings) -> Mapping[str, Sender]:
    """Senders by channel. Raises ValueError, naming the remedy, when one cannot be made."""
    opened = {
        name: CHANNELS[name].open_sender(settings, around) for name, settings in config.root.items()
    }
    with around.database.write() as connection:
        phone = next((one.phone for one in opened.values() if one.phone), None)
        repository.switch_phone(connection, phone, around.clock.now())
        formats = [one.reports for one in opened.values() if one.reports is not None]
        repository.publish_report_formats(connection, formats)
    return {name: one.sender for name, one in opened.items()}
