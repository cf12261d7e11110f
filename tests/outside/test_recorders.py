"""The recorders as a process of their own: several processes can be judged by one log."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from recorders import HttpRecorder, SmtpRecorder, count_keys, read_log
from surroundings import call, http_to, mail, smtp_to

from engine.errors import DeliveryFailed


@pytest.mark.parametrize("name", ["log.db", "log.jsonl"])
def test_a_recorder_process_writes_everything_down(tmp_path, name):
    log = tmp_path / name
    script = Path(__file__).with_name("recorders.py")
    process = subprocess.Popen([sys.executable, str(script), "--log", str(log)], stdout=subprocess.PIPE, text=True)
    try:
        ports = json.loads(process.stdout.readline())
        http = http_to(HttpThere(ports["http"]))
        smtp = smtp_to(HttpThere(ports["smtp"]))
        call(http, key="m-1")
        mail(smtp, key="m-2")
        told = {"http": {"mode": "status", "status": 503, "times": 1}, "smtp": {"mode": "drop", "times": 1}}
        urllib.request.urlopen(
            urllib.request.Request(f"http://127.0.0.1:{ports['http']}/_behave", json.dumps(told).encode())
        ).close()
        for _attempt in (1, 2):
            for send in (lambda: call(http, key="m-3"), lambda: mail(smtp, key="m-4")):
                try:
                    send()
                except DeliveryFailed:
                    continue
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()
    arrivals = read_log(log)
    assert count_keys(arrivals, "http") == {"m-1": 1, "m-3": 1}
    assert count_keys(arrivals, "http", taken=False) == {"m-1": 1, "m-3": 2}
    assert count_keys(arrivals, "smtp") == {"m-2": 1, "m-4": 2}  # the first answer was lost


class HttpThere:
    """Where a recorder of another process listens."""

    def __init__(self, port):
        self.port, self.url = port, f"http://127.0.0.1:{port}"


def test_a_share_of_all_arrivals_misbehaves():
    with HttpRecorder() as http, SmtpRecorder():
        http.behave("status", status=500, share=0.5)
        for _ in range(40):
            try:
                call(http_to(http))
            except DeliveryFailed:
                continue
        fine = http.log.keys(taken=True)["k-1"]
    assert 2 < fine < 38
