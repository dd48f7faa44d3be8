"""The modules of an agent in PyTorch, and the network that a genome makes of them.

Every module takes whole windows: inputs are [ticks, batch, ...], ``resets`` [ticks, batch] says where an episode
begins, and what is carried from window to window is a ``State`` whose tensors all have the batch first. A window of
one tick is acting; a window of many gives the same numbers and is what learning runs.
"""

from genomes.agent.running.networks.network import AgentNetwork, AgentOutput, AgentState

__all__ = ["AgentNetwork", "AgentOutput", "AgentState"]
