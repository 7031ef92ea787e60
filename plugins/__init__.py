"""How the outside joins in: `hooks` is the table of contents; then registries, intake and the command line."""
