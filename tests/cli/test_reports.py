import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from desks import Desk, open_desk
from processes import SHORTMCP
from shortmcp.app.node import make_node
from shortmcp.settings import Settings


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    """A workspace with a project that has three recipients."""
    with open_desk(make_node(Settings(data_dir=tmp_path, database_url=database_url)), None) as opened:
        opened.perform(
            "create_project",
            name="Summer",
            weekly_report_recipients="ann@example.com,Bob@example.com",
            monthly_report_recipients="bob@example.com,eve@example.com",
        )
        with opened.node.database.write() as connection:
            connection.exec_driver_sql("UPDATE report_contacts SET confirmed_at = 0 WHERE address LIKE 'ann%%'")
            connection.exec_driver_sql("UPDATE report_contacts SET invited_at = 0 WHERE address LIKE 'bob%%'")
        yield opened


def run(desk: Desk, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    settings = desk.node.settings
    place = ["--data-dir", str(settings.data_dir), "--database-url", settings.database_url]
    return subprocess.run(
        [SHORTMCP, *arguments, *place], capture_output=True, text=True, timeout=60, check=False, env=environment
    )


def test_a_preview_is_written_as_html_and_text_and_sends_nothing(desk: Desk, tmp_path: Path) -> None:
    before = desk.rows("SELECT id, kind, state FROM jobs ORDER BY id")
    made = run(desk, "report", "preview", "summer", "--cadence", "monthly", "--out", str(tmp_path / "out"), "--json")
    shown = json.loads(made.stdout)
    assert set(shown) == {"subject", "html", "text"}
    assert shown["subject"].startswith("Summer: 0 clicks, ")
    html, text = (Path(shown[kind]).read_text(encoding="utf-8") for kind in ("html", "text"))
    assert html.startswith("<!doctype html>\n")
    assert "Nobody has followed a link of this project in these days." in text
    assert "nsubscribe" not in html + text
    for_people = run(desk, "report", "preview", "1", "--out", str(tmp_path / "out")).stdout
    assert for_people.startswith("Summer: 0 clicks, ")
    assert "\nWritten to " in for_people
    assert len(list((tmp_path / "out").iterdir())) == 4
    assert desk.rows("SELECT id, kind, state FROM jobs ORDER BY id") == before


def test_a_preview_of_nothing_and_one_to_nowhere_say_so_in_a_sentence(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    unknown = run(desk, "report", "preview", "winter")
    nowhere = run(desk, "report", "preview", "summer", "--out", str(tmp_path / "file" / "out"))
    assert (unknown.returncode, unknown.stderr) == (1, "Error: There is no project with that id or slug.\n")
    assert (nowhere.returncode, nowhere.stderr.startswith("Error: --out: ")) == (1, True)


def test_recipients_are_listed_with_how_they_have_answered(desk: Desk) -> None:
    listed = json.loads(run(desk, "report", "recipients", "summer", "--json").stdout)
    assert listed == [
        {"address": "ann@example.com", "weekly": True, "monthly": False, "state": "confirmed"},
        {"address": "bob@example.com", "weekly": True, "monthly": True, "state": "invited"},
        {"address": "eve@example.com", "weekly": False, "monthly": True, "state": "waiting"},
    ]
    for_people = run(desk, "report", "recipients", "summer").stdout.splitlines()
    assert for_people[1].split() == ["invited", "weekly,", "monthly", "bob@example.com"]


def test_the_doctor_says_how_it_stands_with_reports(desk: Desk) -> None:
    def found(**environment: str) -> tuple[str, str]:
        findings = json.loads(run(desk, "doctor", "--json", **environment).stdout)
        return next((one["state"], one["sentence"]) for one in findings if one["subject"] == "reports")

    smtp = {"SHORTMCP_SMTP_URL": "smtp://127.0.0.1:2525"}
    assert found() == ("warning", "Wanted by 1 of the projects, and nobody can send them: set SHORTMCP_SMTP_URL.")
    assert found(**smtp)[0] == "warning"
    assert found(**smtp, SHORTMCP_BASE_URL="https://sho.example") == (
        "ok",
        "Recipients: 1 confirmed, 1 asked, 0 refused by their server.",
    )
    with desk.node.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM projects")
    with pytest.raises(StopIteration):
        found(**smtp)


def test_a_time_zone_that_does_not_exist_is_refused_with_a_sentence(desk: Desk) -> None:
    refused = run(desk, "report", "preview", "summer", SHORTMCP_REPORT_TIMEZONE="Mars/Olympus")
    assert refused.returncode == 1
    assert "(SHORTMCP_REPORT_TIMEZONE): must be an IANA name, such as UTC or Europe/Vienna" in refused.stderr
