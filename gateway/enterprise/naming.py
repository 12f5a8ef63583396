"""Names and web domains of ordinary accounts: unique domains, names that repeat only in a very large enterprise."""

from __future__ import annotations

from gateway.enterprise.words import LEGAL_FORMS, STEMS, TRADES, UNUSUAL_NAMES

_UNUSUAL_EVERY = 23
_STRIDE = 461  # no common divisor with the number of combinations, so that all of them come before one repeats


def company_name(number: int, country: str | None) -> tuple[str, str]:
    """(name, domain) of the `number`-th account; every few dozen a name that breaks careless code."""
    combinations = len(STEMS) * len(TRADES)
    stem, trade = divmod(number * _STRIDE % combinations, len(TRADES))
    again = number // combinations
    domain = f"{STEMS[stem]}-{TRADES[trade]}{again or ''}.example".lower()
    turn, rest = divmod(number, _UNUSUAL_EVERY)
    if rest == 0:
        return UNUSUAL_NAMES[turn % len(UNUSUAL_NAMES)], domain
    words = [STEMS[stem], TRADES[trade], *([str(again + 1)] if again else []), LEGAL_FORMS.get(country or "", "")]
    return " ".join(filter(None, words)), domain
