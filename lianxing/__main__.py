"""`python -m lianxing` and the `lianxing` command."""

from __future__ import annotations


def main() -> None:
    """Run the command line; the rest is imported only now, so that `import lianxing` stays cheap."""
    from lianxing.plugins.cli.main import run

    run()


if __name__ == "__main__":
    main()
