"""Where service records come from. `files` reads exports; other registries are plugins of their own."""
