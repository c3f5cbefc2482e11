"""Takes uplinks from edges and network servers, commits each once, then acknowledges."""
