"""Properties are judged by what they find, never by how long that takes: machines are noisy.

Everything else stays as Hypothesis has it: where ``CI`` is set, examples are the same each time.
"""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "patient", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("patient")
