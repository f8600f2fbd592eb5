"""Where plays run: one file a place, whose name is the place's."""
