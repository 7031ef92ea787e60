"""From YAML to frozen shapes: `pyyaml` bounds and parses, `forms` type, one module per chapter names its forms."""
