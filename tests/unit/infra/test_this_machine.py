"""Which hosts are this machine."""

import pytest

from infra.this_machine import is_this_machine


@pytest.mark.parametrize(
    ("host", "this"),
    [
        ("localhost", True), ("LOCALHOST", True), ("127.0.0.1", True), ("127.8.9.10", True),
        ("::1", True), ("0.0.0.0", False), ("10.0.0.1", False), ("kafka", False),
        ("localhost.example.com", False), ("127.0.0.1.example.com", False), ("", False),
    ],
)  # fmt: skip
def test_this_machine_is_known_without_looking_up_names(host, this):
    assert is_this_machine(host) is this
