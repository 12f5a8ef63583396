"""One source of a whole gateway fails, over real sockets."""
