"""ResNet's bottleneck macro-architecture with the spatial operator and the stem injected."""
