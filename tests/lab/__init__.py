"""The lab: a host with network adapters, a real LACP switch and other machines, in network
namespaces of one computer. See lab.lab for how it is put up and, above all, taken down."""

from lab.bonding import Bonding
from lab.bridge import Bridge
from lab.build import Build
from lab.cable import Cable
from lab.copies import Copies
from lab.daemon import Yoked, team_config
from lab.dumb import DumbSwitch
from lab.ear import Ear
from lab.hall import Hall
from lab.lab import Lab
from lab.namespace import Namespace
from lab.pair import Pair
from lab.partner import Partner
from lab.scene import Scene
from lab.switch import Switch
from lab.tap import TapCable
from lab.wait import LabError, wait_until

__all__ = ["Bonding", "Bridge", "Build", "Cable", "Copies", "DumbSwitch", "Ear", "Hall", "Lab", "LabError", "Namespace", "Pair",
           "Partner", "Scene", "Switch", "TapCable", "Yoked", "team_config", "wait_until"]
