"""The channels that there are. A new one is a file beside this one and a line here."""

from __future__ import annotations

from stadtsinn.cloud.alarms.notify.channel import Channel
from stadtsinn.cloud.alarms.notify.channels.apprise import Apprise
from stadtsinn.cloud.alarms.notify.channels.email import Email
from stadtsinn.cloud.alarms.notify.channels.sms import Sms
from stadtsinn.cloud.alarms.notify.channels.webhook import Webhook

_ALL: tuple[Channel, ...] = (Sms(), Email(), Webhook(), Apprise())
CHANNELS: dict[str, Channel] = {channel.name: channel for channel in _ALL}
