"""The parts of the suite, in the order of the page."""

from . import bulk, crypto, files, handshakes, latency, loss, profile, sessions, startup

PARTS = (crypto.PART, bulk.PART, profile.PART, files.PART, latency.PART, handshakes.PART,
         sessions.SESSIONS, sessions.STREAMS, sessions.THREADS, sessions.MESSAGES, loss.PART, startup.PART)
