"""The command line: `main` finds the command, `commands/` has one module each, `speaking` says it in two languages."""
