"""A deck of cards: each card comes once before chance decides, so that rare things exist in a small enterprise."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Generic, TypeVar

Card = TypeVar("Card")


class Deck(Generic[Card]):
    """Draws from (weight, card) pairs: first every card in its order, then by weight."""

    def __init__(self, chance: Random, cards: Sequence[tuple[int, Card]]) -> None:
        self._chance = chance
        self._cards = [card for _, card in cards]
        self._weights = [weight for weight, _ in cards]
        self._dealt = 0

    def draw(self) -> Card:
        """The next card."""
        if self._dealt < len(self._cards):
            self._dealt += 1
            return self._cards[self._dealt - 1]
        return self._chance.choices(self._cards, self._weights)[0]
