"""A billing account of its own for each test that writes."""

from collections.abc import Iterator

import pytest

from tests.sources.stripe.writing import Billing, billing


@pytest.fixture
def account() -> Iterator[Billing]:
    with billing() as opened:
        yield opened
