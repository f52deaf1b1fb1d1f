"""Disks that take nothing more: redirects go on, and what was kept in memory is counted when there is room again."""

import shutil
from pathlib import Path
from resource import RLIM_INFINITY, RLIMIT_FSIZE, prlimit

import httpx2
from sqlalchemy import text

from crash.harness import Instance, Load, kill, make_link, wait_until
from factories import Server

VISITS = 300
ROOM = 20_000


def test_redirects_go_on_while_no_file_can_grow_and_no_click_is_lost(tmp_path: Path) -> None:
    instance = Instance(tmp_path / "instance", f"sqlite:///{tmp_path}/shortmcp.db")
    with instance.run() as process:
        load = Load(make_link(process))
        # Neither the journal nor the database may hold more than this: the disk is as good as full for both.
        prlimit(process.popen.pid, RLIMIT_FSIZE, (ROOM, RLIM_INFINITY))
        with load.on(process.url):
            load.wait_for(VISITS)
        assert (load.cut_off, len(load.refused)) == (0, 0)
        assert len(instance.clicks()) < VISITS
        prlimit(process.popen.pid, RLIMIT_FSIZE, (RLIM_INFINITY, RLIM_INFINITY))
        wait_until(lambda: len(load.acked - instance.clicks().keys()) == 0)
        assert instance.clicks().total() == len(load.acked)
        kill(process)


def test_redirects_go_on_while_the_journal_has_no_folder(server: Server) -> None:
    folder = server.node.settings.journal_dir
    with server.client(server.open_workspace()) as client:
        made = client.post("/links", json={"original_url": "https://example.com/x", "title": "X"})
        code = made.json()["data"]["short_code"]
        assert server.visit(code).status_code == 302
        wait_until(lambda: clicks(server) == 1)
        shutil.rmtree(folder)
        folder.write_text("in the way")
        wait_until(lambda: "shortmcp_journal_files_lost_total 1.0" in metrics(server))
        assert [server.visit(code).status_code for _ in range(20)] == [302] * 20
        assert "shortmcp_clicks_waiting 20.0" in metrics(server)
        folder.unlink()
        wait_until(lambda: clicks(server) == 21)


def clicks(server: Server) -> int:
    with server.node.database.read() as connection:
        return connection.execute(text("SELECT count(*) FROM clicks")).scalar_one()


def metrics(server: Server) -> str:
    return httpx2.get(f"{server.url}/metrics", trust_env=False).text
