"""Every bench runs to its end in a tiny version and answers with the promised fields.

Figures of a run this short say nothing; that the machinery measures something is what is tested.
"""

import json
import subprocess
import sys

import pytest

from tests.support.worker_process import ROOT

TIMEOUT_S = 300


def bench(*arguments):
    answer = subprocess.run(
        [sys.executable, "-m", "cli.main", "bench", *arguments, "--json"],
        cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr[-3000:]
    return json.loads(answer.stdout)


def test_pipeline():
    pytest.importorskip("quixstreams", reason="the extra `bench` is not installed")
    report = bench("pipeline", "--events", "4000", "--viewers", "500", "--rounds", "1")
    for name in ("events_per_s", "cpu_us_per_event", "quix_ratio", "bare_ratio"):
        assert report[name] > 0, name
    assert [row["contestant"] for row in report["rows"]] == [
        "media-gateway", "quix-streams", "bare-aiokafka",
    ]  # fmt: skip


def test_growth():
    report = bench("growth", "--users", "200", "--users", "2000", "--events", "2000")
    assert [row["users"] for row in report["rows"]] == [200, 2000]
    for row in report["rows"]:
        assert row["cpu_us_per_event"] > 0
        assert row["encoded_bytes_per_user"] > 100
        assert 0 < row["restore_s"] < row["recovery_s"]


def test_freshness():
    report = bench("freshness", "--rate", "50", "--seconds", "4", "--warmup", "2")
    assert report["sent"] == 300
    assert report["probes"] > 0
    assert report["parameters"]["viewers"] == 3000
    assert 0 < report["begun_per_s"] <= 50
    assert report["cores"]["kafka"] > 0
    assert report["cores"]["load generator"] > 0
    assert report["p50_ms"] <= report["p99_ms"] <= report["max_ms"]
    accounting = report["accounting"]
    assert accounting["balanced"], accounting
    assert accounting["applied"] >= accounting["accepted"] > 0


def test_attributes():
    pytest.importorskip("bokeh_sampledata", reason="the extra `demo` is not installed")
    report = bench("attributes", "--titles", "5")
    assert report["films"] > 17_000
    kinds = [row["kind"] for row in report["rows"]]
    assert kinds[:3] == ["genre", "cast", "director"]
    for row in report["rows"]:
        assert 0 < row["sql_p50_ms"] <= row["sql_p99_ms"] <= row["sql_max_ms"]
        assert row["viewer_ms"] > 0


def test_api():
    report = bench("api", "--seconds", "1", "--slates", "200")
    assert report["saturation_per_s"] > 0
    assert [row["what"] for row in report["rows"]] == [
        "closed loop, 1 connections", "closed loop, 8 connections", "closed loop, 32 connections",
        "open loop, half of saturation",
    ]  # fmt: skip


def test_cowatch():
    report = bench("cowatch", "--titles", "300", "--titles", "600", "--viewers", "500",
                   "--dense-max", "300")  # fmt: skip
    small, large = report["rows"]
    assert (small["fitted"], large["fitted"]) == (300, 600)
    assert small["seconds"] > 0
    assert large["seconds"] > 0  # which is longer is for the bench: a busy machine decides it here
    assert small["overlap"] > 0.5
    assert "overlap" not in large
    assert 0 < small["peak_gib"] < 1


def test_webhooks():
    report = bench("webhooks", "--rounds", "1", "--seconds", "1", "--connections", "4")
    assert [row["what"] for row in report["rows"]] == [
        "webhook endpoint", "signature, parse, produce", "without checks",
        "framework and Kafka alone",
    ]  # fmt: skip
    for row in report["rows"]:
        assert row["requests_per_s"] > 0
        assert 0 < row["p50_ms"] <= row["p99_ms"]
        assert row["server_cpu_us"] > 0
    for name in ("whole", "signed"):
        assert all(ratio > 0 for ratio in report[name].values())
