"""``evolve agent watch``: an animation of one episode of an exported agent."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from experiments.config.agents import TaskConfig
from fitness.energy_flow.environment import EnergyFlowEnv
from genomes.agent.running.artifact import load_agent

MILLISECONDS_PER_TICK = 60


def watch_agent(artifact: Path, *, to: Path, seed: int = 0) -> float:
    """Play one episode and write it as an animation.

    Args:
        artifact: Directory that ``evolve export`` wrote for an agent.
        to: The GIF; it is replaced.
        seed: Of the world and of the actions.

    Returns:
        The return of the episode: energy, as a share of the most, summed over ticks.

    Raises:
        AgentArtifactError: There is no agent in the directory.
        ModuleNotFoundError: Pillow, which writes the animation, is not installed.
        ValueError: ``to`` is no ``.gif``.
    """
    if to.suffix.lower() != ".gif":
        raise ValueError(f"--to is {str(to)!r}; allowed are names that end with '.gif'.")
    try:
        from PIL import Image
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "Animations need the package Pillow. Install it with: pip install 'composite-evolve[animation]'"
        ) from error
    agent, document = load_agent(artifact)
    task = TaskConfig.model_validate(document)
    world = EnergyFlowEnv(
        render_mode="rgb_array",
        layout=task.layout,
        view=task.view,
        view_radius=task.view_radius,
        has_pose=task.has_pose,
    )
    pictures: list[Image.Image] = []

    def take_picture() -> None:
        picture = world.render()
        if picture is not None:
            pictures.append(Image.fromarray(np.ascontiguousarray(picture)).quantize(64))

    earned = agent.run_episode(world, seed=seed, on_tick=take_picture)
    to.parent.mkdir(parents=True, exist_ok=True)
    pictures[0].save(to, save_all=True, append_images=pictures[1:], duration=MILLISECONDS_PER_TICK, loop=0)
    print(f"Wrote {to}: {len(pictures)} pictures, return {earned:.1f} of at most {world.parameters.max_steps}")
    return earned
