import httpx2
import pytest

from faces.mcp.dialogue import call, post
from factories import TLS, Server


def get(server: Server, path: str, **headers: str) -> httpx2.Response:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.get(server.url + path, headers=sent, timeout=30, trust_env=False, verify=TLS)


def test_a_healthy_server_is_alive_and_ready(server: Server) -> None:
    assert (get(server, "/healthz").status_code, get(server, "/healthz").json()) == (200, {"status": "ok"})
    assert (get(server, "/readyz").status_code, get(server, "/readyz").json()) == (200, {"ready": True, "faults": {}})


def test_a_server_on_a_foreign_schema_is_not_ready_and_says_why(server: Server) -> None:
    with server.node.database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    answer = get(server, "/readyz")
    assert (answer.status_code, answer.json()["ready"]) == (503, False)
    assert "shortmcp migrate" in answer.json()["faults"]["database"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_metrics_count_operations_and_redirects(server: Server) -> None:
    access = server.open_workspace()
    with server.client(access) as client:
        code = client.post("/links", json={"original_url": "https://example.com", "title": "T"}).json()["data"][
            "short_code"
        ]
        client.get("/links/nobody")
    server.visit(code)
    post(server, access, call("get_short_link", short_code="nobody"))
    lines = get(server, "/metrics").text.splitlines()
    count = 'shortmcp_operation_seconds_count{face="rest",operation="%s",outcome="%s"} 1.0'
    assert count % ("create_short_link", "ok") in lines
    assert count % ("get_short_link", "not_found") in lines
    assert (count % ("get_short_link", "not_found")).replace("rest", "mcp") in lines
    assert {"shortmcp_redirects_total 1.0", "shortmcp_clicks_journalled_total 1.0"} <= set(lines)
    assert {"shortmcp_jobs_waiting 0.0", "shortmcp_jobs_dead 0.0", "shortmcp_jobs_late_seconds 0.0"} <= set(lines)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_metrics_are_hidden_from_whoever_comes_through_a_proxy(server: Server) -> None:
    assert get(server, "/metrics", X_Forwarded_For="198.51.100.7").status_code == 404
