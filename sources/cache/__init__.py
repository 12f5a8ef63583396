"""The cache: facts remembered, one flight for all who ask, honest about age. Facts, never decisions."""

from sources.cache.cache import Cache
from sources.cache.cached import Cached
from sources.cache.settings import CacheSettings

__all__ = ["Cache", "CacheSettings", "Cached"]
