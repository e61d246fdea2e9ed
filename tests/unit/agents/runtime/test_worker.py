"""A worker's metrics never stop it from working."""

import socket
import urllib.request

from agents.runtime.worker import serve_metrics
from infra.settings import Settings


def test_a_taken_metrics_port_is_replaced_by_a_free_one():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = serve_metrics(Settings(metrics_port=port))
        try:
            assert server.server_port != port
            url = f"http://127.0.0.1:{server.server_port}/metrics"
            with urllib.request.urlopen(url, timeout=10) as answer:
                assert b"mg_agent_records" in answer.read()
        finally:
            server.shutdown()
            server.server_close()
