"""What a web process tells Prometheus, beside the times of its operations."""

from shortmcp.adapters.database import Database
from shortmcp.app.background import JobNumbers
from shortmcp.clicks.ingest import Ingester
from shortmcp.clicks.journal import Journal
from shortmcp.faces.public import PublicFace
from shortmcp.faces.telemetry import Number


def queue_numbers(numbers: JobNumbers) -> dict[str, Number]:
    """What waits to be done."""
    return {
        "shortmcp_jobs_waiting": Number("Jobs that are not done yet.", lambda: numbers.waiting, False),
        "shortmcp_jobs_dead": Number("Jobs that were given up.", lambda: numbers.dead, False),
        "shortmcp_jobs_late_seconds": Number(
            "For how long the job that is due longest has waited.", lambda: numbers.late_seconds, False
        ),
        "shortmcp_deliveries_waiting": Number(
            "Deliveries to webhooks that are not done yet.", lambda: numbers.deliveries, False
        ),
        "shortmcp_deliveries_late_seconds": Number(
            "For how long the delivery has waited that could have been sent first.",
            lambda: numbers.deliveries_late_seconds,
            False,
        ),
    }


def log_numbers(database: Database) -> dict[str, Number]:
    """How long SQLite's log is."""
    if not database.is_sqlite:
        return {}
    return {"shortmcp_wal_bytes": Number("Length of SQLite's write-ahead log.", database.log_bytes, False)}


def node_numbers(public: PublicFace, journal: Journal, ingester: Ingester | None) -> dict[str, Number]:
    """What a process has answered, and what becomes of its clicks."""
    numbers = {
        "shortmcp_redirects": Number("Redirects to a destination.", lambda: public.counts.redirects),
        "shortmcp_fallbacks": Number("Redirects to a fallback.", lambda: public.counts.fallbacks),
        "shortmcp_clicks_journalled": Number("Clicks written to the journal.", lambda: journal.written),
        "shortmcp_clicks_dropped": Number("Clicks lost because no disk took them.", lambda: journal.dropped),
        "shortmcp_clicks_waiting": Number(
            "Clicks in memory until the disk takes them.", lambda: journal.pending, False
        ),
        "shortmcp_journal_files_lost": Number("Journal files deleted by somebody else.", lambda: journal.lost_files),
        "shortmcp_journal_sync_errors": Number("Failed syncs of the journal.", lambda: journal.sync_errors),
    }
    if ingester is None:
        return numbers
    return numbers | {
        "shortmcp_clicks_ingested": Number("Clicks counted in the database.", lambda: ingester.ingested),
        "shortmcp_clicks_rejected": Number("Journal lines that could not be read.", lambda: ingester.rejected),
        "shortmcp_clicks_orphaned": Number("Clicks of links that were deleted meanwhile.", lambda: ingester.orphaned),
        "shortmcp_journal_backlog_bytes": Number("Journal bytes not counted yet.", ingester.backlog, False),
    }
