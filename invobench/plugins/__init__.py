"""What installed packages add: operators, backends and networks that they name as entry points.

    [project.entry-points."invobench.operators"]
    shift_conv = "acme_layers.invobench:SHIFT_CONV"       # an OperatorEntry under the operator's name
    [project.entry-points."invobench.backends"]
    acme = "acme_layers.invobench:BACKENDS"               # operator -> name -> BackendEntry under any name
    [project.entry-points."invobench.networks"]
    shift_resnet26 = "acme_layers.invobench:NETWORK"      # a NetworkEntry under the network's name

Each names the object, or a function without arguments that makes it, in a module that does not import PyTorch. They
are read once a process, when a table is first used. What cannot be used is refused with its reason, and nothing else
is disturbed by it; nobody takes a name that another has.
"""

from __future__ import annotations

from invobench.plugins.checks import folder_problem
from invobench.plugins.claims import added, added_by_operator
from invobench.plugins.offers import NETWORK_GROUP, OPERATOR_GROUP, at_fault

__all__ = ["NETWORK_GROUP", "OPERATOR_GROUP", "added", "added_by_operator", "at_fault", "folder_problem"]
