"""What invobench finds: names and import paths, so that nothing here imports PyTorch."""

from invobench.networks import NetworkEntry
from invobench.operators import BackendEntry, OperatorEntry

SHIFT_CONV = OperatorEntry("acme_layers.shift_conv", "channels moved a step each way, then a 1×1 convolution")
BACKENDS = {
    "shift_conv": {
        "reference": BackendEntry("acme_layers.shift_conv.module:reference", "a matrix product over channels"),
        "aten": BackendEntry("acme_layers.shift_conv.aten:mix", "torch's own convolution"),
    },
    "involution": {
        "einsum": BackendEntry("acme_layers.involution:aggregate", "nn.Unfold and one einsum"),
    },
}
SHIFT_RESNET26 = NetworkEntry(
    "invobench.networks.resnet", "ResNet-26 of shift_conv", {"depth": 26, "operator": {"operator": "shift_conv"}}
)
