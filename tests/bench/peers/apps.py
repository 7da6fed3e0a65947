"""The Django peers are one application; Viewflow names its flows by it."""

from django.apps import AppConfig


class BenchConfig(AppConfig):
    name = "tests.bench.peers"
    label = "bench"
