"""Gateway and simulators together, over sockets."""
