"""What the process tells Prometheus about itself."""

import time
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


@dataclass(slots=True)
class Timing:
    """How an operation ended: `ok`, or the code of its refusal, or `error`."""

    outcome: str = "ok"


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

    @contextmanager
    def timed(self, operation: str, face: str) -> Generator[Timing]:
        """Measure what is done inside."""
        timing, began = Timing(), time.perf_counter()
        try:
            yield timing
        except Exception:
            timing.outcome = "error"
            raise
        finally:
            self._seconds.labels(operation, face, timing.outcome).observe(time.perf_counter() - began)

    def publish(self, numbers: Mapping[str, Number]) -> None:
        """Add numbers that are read at each scrape."""
        self.registry.register(_Numbers(numbers))

    def page(self) -> bytes:
        """The metrics in Prometheus' text format."""
        return generate_latest(self.registry)
