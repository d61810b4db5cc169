"""Pictures of networks: their flow laid out, and drawn as SVG. The extra `report` lays out."""
