"""UTM on GRS 80: from easting and northing to degrees. Krüger's series, exact to a millimetre.

ETRS89 and WGS 84 are the same here: they differ by less than a metre.
"""

from __future__ import annotations

import math

_SEMI_MAJOR = 6_378_137.0
_FLATTENING = 1 / 298.257222101
_SCALE = 0.9996
_FALSE_EASTING = 500_000.0

_N = _FLATTENING / (2 - _FLATTENING)
_RADIUS = _SEMI_MAJOR / (1 + _N) * (1 + _N**2 / 4 + _N**4 / 64)
_BETA = (
    _N / 2 - 2 * _N**2 / 3 + 37 * _N**3 / 96 - _N**4 / 360,
    _N**2 / 48 + _N**3 / 15 - 437 * _N**4 / 1440,
    17 * _N**3 / 480 - 37 * _N**4 / 840,
    4397 * _N**4 / 161_280,
)
_DELTA = (
    2 * _N - 2 * _N**2 / 3 - 2 * _N**3 + 116 * _N**4 / 45,
    7 * _N**2 / 3 - 8 * _N**3 / 5 - 227 * _N**4 / 45,
    56 * _N**3 / 15 - 136 * _N**4 / 35,
    4279 * _N**4 / 630,
)


def degrees_of(
    easting: float, northing: float, central_meridian: float, *, scale: float = _SCALE
) -> tuple[float, float]:
    """Latitude and longitude of a point of the northern hemisphere; `easting` has no zone in it."""
    xi = northing / (scale * _RADIUS)
    eta = (easting - _FALSE_EASTING) / (scale * _RADIUS)
    xi_here, eta_here = xi, eta
    for order, beta in enumerate(_BETA, 1):
        xi_here -= beta * math.sin(2 * order * xi) * math.cosh(2 * order * eta)
        eta_here -= beta * math.cos(2 * order * xi) * math.sinh(2 * order * eta)
    conformal = math.asin(math.sin(xi_here) / math.cosh(eta_here))
    latitude = conformal
    for order, delta in enumerate(_DELTA, 1):
        latitude += delta * math.sin(2 * order * conformal)
    longitude = math.atan2(math.sinh(eta_here), math.cos(xi_here))
    return math.degrees(latitude), central_meridian + math.degrees(longitude)
