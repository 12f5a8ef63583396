"""Features that come with a product: made once for their lookup key, and offered once, whoever asks for it.

A right to a feature is never given to a customer: it follows from his subscriptions (vendors.md 2.2). A lookup key
belongs to one feature at a time, so the feature is made under a key of its own, with nothing in it that could differ;
what an operation says of it is a later call.
"""

from __future__ import annotations

from sources.canonical.commands import OfferFeature, Written
from sources.errors import Locked, Rejected
from sources.vendors.stripe import facts
from sources.vendors.stripe.writers.deed import Deed
from sources.vendors.stripe.writers.desk import place
from sources.vendors.stripe.writers.marks import marked, marks, step
from sources.vendors.stripe.writers.wire import Feature, Offered

_PATH = "/v1/entitlements/features"


class Offering(Deed[OfferFeature]):
    """Made, offered with the product, then called by its name and marked: who dies in between is gone on from there."""

    feature: Feature | None = None
    offered = False

    async def found(self) -> Written | None:
        """The feature, where this key has offered it, or it is offered by this name already."""
        there = await self.begun()
        if there is None or self.feature is None:
            return None
        whole = marked(self.key, self.feature.metadata) or self.feature.name == self.command.name
        return there if whole else None

    async def begun(self) -> Written | None:
        """The feature, where the product comes with it, or this key has seen to that. Raises Missing where there is no
        such product."""
        product = place("/v1/products", self.command.product_key)
        await self.desk.look(Feature, product, "products.read")
        asked = {"lookup_key": self.command.feature, "archived": "false"}
        self.feature = feature = await self.desk.sought(
            Feature, _PATH, "features.list", asked, lambda each: each.lookup_key == self.command.feature
        )
        if feature is None:
            return None
        path, id_ = f"{product}/features", feature.id
        offer = await self.desk.sought(
            Offered, path, "products.features", {}, lambda each: each.entitlement_feature.id == id_
        )
        self.offered = offer is not None
        if not self.offered and not marked(self.key, feature.metadata):
            return None
        return self.desk.written(feature.id, replayed=True)

    async def done(self) -> Written:
        """What is missing of it. Raises Rejected for names that Stripe refuses, before anything is made."""
        for what in (self.command.feature, self.command.name):
            if not 0 < len(what) <= facts.FEATURE_NAME:
                raise Rejected(f"a feature's key and name have 1 to {facts.FEATURE_NAME} characters, not {len(what)}")
        feature = self.feature or await self._made()
        if not self.offered:
            path = f"{place('/v1/products', self.command.product_key)}/features"
            await self.desk.post(Offered, path, "features.offer", {"entitlement_feature": feature.id}, self.step())
        said = {"name": self.command.name, "metadata": marks(self.command, self.key, feature.metadata)}
        path = place(_PATH, feature.id)
        answer = await self.desk.post(Feature, path, "features.update", said, self.step("mark"))
        return self.desk.written(feature.id, answer=answer)

    async def _made(self) -> Feature:
        name = self.command.feature
        key = step("feature", f"{self.desk.name}:{name}")
        made = await self.desk.post(Feature, _PATH, "features.create", {"lookup_key": name, "name": name}, key)
        if not made.replayed:
            return made.value
        feature = await self.desk.look(Feature, place(_PATH, made.value.id), "features.read")  # as it is by now
        if not feature.active:
            raise Locked(f"the feature `{name}` went into the archive a short while ago: offer it anew after a day")
        return feature
