"""At home: the gateway as it ships, its four vendor connectors, and the simulated company behind them."""
