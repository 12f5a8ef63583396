"""The web console: GraphiQL from our own files, with a role switcher where a demo offers roles."""
