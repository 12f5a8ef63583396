"""DECIDES: pure, synchronous rules about who may read and write what."""
