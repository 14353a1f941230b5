"""Stand-alone self-attention (Ramachandran et al., NeurIPS 2019): local windows, relative positions, zero padding."""
