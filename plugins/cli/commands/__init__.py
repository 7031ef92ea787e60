"""One module per command; each has `command(say)`, which builds it in the language asked for."""
