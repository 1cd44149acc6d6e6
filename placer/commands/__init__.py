"""One module a command, or a few that belong together: a frozen dataclass of options with `run()`. Only these print."""
