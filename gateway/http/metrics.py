"""`/metrics`: what was counted and how things stand, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from starlette.requests import Request
from starlette.responses import Response

from gateway.http.admission import Admission
from gateway.http.rates import Rates
from gateway.http.streams.places import Places
from gateway.telemetry.exposition import CONTENT_TYPE, gauge, text
from gateway.telemetry.meters import Meters, of_cache, of_sources
from gateway.telemetry.reads import ReadAudit
from sources.overview import Overview, Remembered


class Metrics:
    """The page. It names sources and codes, nothing of what they hold; like `/readyz`, it is not for outsiders."""

    def __init__(
        self,
        meters: Meters,
        admission: Admission,
        sources: Callable[[], Sequence[Overview]],
        cache: Callable[[], Remembered],
        reads: ReadAudit,
        rates: Rates,
        places: Places,
    ) -> None:
        self._meters, self._admission, self._sources, self._cache = meters, admission, sources, cache
        self._reads, self._rates, self._places = reads, rates, places

    async def page(self, _request: Request) -> Response:
        """The route."""
        families = [*self._meters.lines(), *of_sources(self._sources()), *of_cache(self._cache()), *self._edge()]
        return Response(text(families), media_type=None, headers={"content-type": CONTENT_TYPE})

    def _edge(self) -> Iterator[Iterable[str]]:
        admission = self._admission
        yield gauge("opsgraph_requests_under_way", "Requests that are not answered yet.", [({}, admission.under_way)])
        yield gauge("opsgraph_event_loop_delay_seconds", "How late the loop was last.", [({}, admission.delay)])
        yield admission.shed.lines()
        yield admission.warned.lines()
        yield self._rates.refused.lines()
        yield from self._reads.lines()
        places = self._places
        yield gauge("opsgraph_streams_open", "Streams and WebSockets that are open.", [({}, len(places))])
        yield from (each.lines() for each in (places.answers, places.ended, places.refused))
