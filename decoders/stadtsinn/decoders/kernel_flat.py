"""Consecutive frames of equal layout, decoded field by field instead of frame by frame.

The loop over one field has no dispatch of ops: about twice as fast as `machine`.
"""

from __future__ import annotations

import numba
import numpy as np

from stadtsinn.decoders import program as p
from stadtsinn.decoders.kernel_numbers import U1, big, little


@numba.njit(error_model="numpy", nogil=True)
def flat(  # type: ignore[no-untyped-def]
    ops,
    floats,
    sentinels,
    actions,
    sentinel_base,
    at,
    plain,
    buffer,
    start,
    length,
    rows,
    kept,
    values,
    tags,
):
    """Decodes the plain fields after op `at` of `rows` consecutive payloads of equal layout.

    Returns how many values are missing; their tag is MISSING, and `machine` closes the gaps.
    """
    missing = 0
    for k in range(plain):
        field = at + U1 + np.uint64(k)
        is_little, left, right = ops[field, 3], np.uint64(ops[field, 4]), np.uint64(ops[field, 5])
        sign, slot = ops[field, 6], ops[field, 8]
        add, mul, div = floats[field, 0], floats[field, 1], floats[field, 2]
        low, high = floats[field, 3], floats[field, 4]
        place = start + np.uint64(ops[field, 2])
        out = np.uint64(kept + k)
        first = sentinel_base + np.uint64(ops[field, 12])
        count = ops[field, 13]
        for _ in range(rows):
            word = (little(buffer, place) if is_little else big(buffer, place)) << left
            if sign == p.UNSIGNED:
                bits = np.int64(word >> right)
            else:
                bits = np.int64(word) >> np.int64(right)
            number = bits
            if sign == p.ONES and bits < 0:
                number += 1
            value = (number + add) * mul / div
            values[out] = value
            tag = slot if low <= value <= high else slot | p.OUT_OF_RANGE << 16
            for s in range(count):
                if sentinels[first + np.uint64(s)] == bits:
                    flag = actions[first + np.uint64(s)]
                    tag = p.MISSING if flag == p.MISSING else slot | flag << 16
            missing += tag == p.MISSING
            tags[out] = tag
            place += np.uint64(length)
            out += np.uint64(plain)
    return missing
