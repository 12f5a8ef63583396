"""What every call to a source passes through: each layer wraps one `Send` and knows no other layer."""
