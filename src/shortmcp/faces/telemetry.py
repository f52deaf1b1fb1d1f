"""What the process tells Prometheus about itself."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from time import perf_counter
from typing import Self

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from shortmcp.core.errors import OperationError

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


@dataclass(slots=True)
class Timing:
    """Measures what is done inside. How an operation ended: `ok`, or the code of its refusal, or `error`."""

    seconds: Callable[[str, str, str], Histogram]
    operation: str
    face: str
    outcome: str = "ok"
    began: float = 0.0

    def __enter__(self) -> Self:
        self.began = perf_counter()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        outcome = self.outcome
        if isinstance(error, Exception):
            outcome = error.code if isinstance(error, OperationError) else "error"
        self.seconds(self.operation, self.face, outcome).observe(perf_counter() - self.began)


@dataclass(frozen=True)
class Number:
    """A number that is read when Prometheus asks."""

    text: str
    read: Callable[[], float]
    is_counter: bool = True


class _Numbers(Collector):
    def __init__(self, numbers: Mapping[str, Number]) -> None:
        self._numbers = numbers

    def collect(self) -> Iterable[Metric]:
        for name, number in self._numbers.items():
            family = CounterMetricFamily if number.is_counter else GaugeMetricFamily
            yield family(name, number.text, value=number.read())


class Telemetry:
    """One process's metrics: request times per operation, and numbers that others keep."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._seconds = Histogram(
            "shortmcp_operation_seconds",
            "Time of an operation, from its token to its answer.",
            ("operation", "face", "outcome"),
            buckets=BUCKETS,
            registry=self.registry,
        )
        # Its own look-up takes a lock and makes every label a text again.
        self._of = lru_cache(maxsize=None)(self._seconds.labels)

    def timed(self, operation: str, face: str) -> Timing:
        """Measure what is done inside."""
        return Timing(self._of, operation, face)

    def publish(self, numbers: Mapping[str, Number]) -> None:
        """Add numbers that are read at each scrape."""
        self.registry.register(_Numbers(numbers))

    def page(self) -> bytes:
        """The metrics in Prometheus' text format."""
        return generate_latest(self.registry)
