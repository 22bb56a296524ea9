"""How sure a share is that was seen in a sample."""

from __future__ import annotations

import math

#: The 97.5 % point of the normal distribution: two sides of an interval of 95 %.
Z_95 = 1.959963984540054


def interval(hits: int, of: int) -> tuple[float, float]:
    """The Wilson score interval of 95 % for the share behind `hits` of a sample; (0, 1) for none."""
    if of == 0:
        return 0.0, 1.0
    share = hits / of
    spread = Z_95 * math.sqrt(share * (1 - share) / of + Z_95**2 / (4 * of**2))
    middle = share + Z_95**2 / (2 * of)
    scale = 1 + Z_95**2 / of
    # Exact at both ends, whatever rounding does.
    return (0.0 if hits == 0 else (middle - spread) / scale), (1.0 if hits == of else (middle + spread) / scale)
