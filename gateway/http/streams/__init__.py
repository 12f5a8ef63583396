"""Streams: answers that go on, over server-sent events and over WebSocket, as docs/streams.md tells."""
