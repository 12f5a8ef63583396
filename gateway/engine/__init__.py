"""The operation engine: documents, then (for now through one adapter) execution, then the answer."""
