"""What other domains read of counting: the stream of samples, the present and the past."""

from __future__ import annotations

from stadtsinn.cloud.domains.crowd.history import occupancy_history
from stadtsinn.cloud.domains.crowd.zone_repository import (
    first_samples,
    latest_sample,
    samples_after,
)

__all__ = ["first_samples", "latest_sample", "occupancy_history", "samples_after"]
