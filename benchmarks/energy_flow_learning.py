"""What agents earn after learning, against stable-baselines3 PPO and scripted policies on the same episodes.

    nice -n 19 env OMP_NUM_THREADS=1 python benchmarks/energy_flow_learning.py --learners default sb3 --seeds 0 1 2

Learners are names of founder graphs (``default-without-memory1`` leaves a module out), directories that `evolve export`
wrote for an agent, of which only the graph is used, or ``sb3``, which needs stable-baselines3 (a development extra).
Every learner has the same worlds (32, ego view, random layout), the same number of ticks, and 64 test episodes that
none of them has seen; times are CPU seconds of one thread.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from fitness.energy_flow import EnergyFlowVecEnv
from fitness.energy_flow.policies import EgoGreedyPolicy, EgoMemoryPolicy, FullMapPolicy, RandomPolicy, WaitPolicy
from fitness.energy_flow.rollouts import Policy, episode_returns
from fitness.statistics import Sample, bootstrap_interval, interval_text
from genomes.agent import AgentGenome, founder_agents
from genomes.agent.breeding.editing import edited
from genomes.agent.running.agent import PCDAgent
from genomes.agent.running.artifact import load_agent

EPISODES = range(2000, 2064)
NUM_ENVS = 32


def returns_on_test(policy: Policy, *, view: str = "ego") -> list[float]:
    worlds = EnergyFlowVecEnv(len(EPISODES), view=view)
    return list(episode_returns(policy, worlds, EPISODES).values())


def train_graph(genome: AgentGenome, *, seed: int, num_steps: int) -> tuple[Policy, int]:
    agent = PCDAgent(genome, seed=seed)
    agent.learn(EnergyFlowVecEnv(NUM_ENVS, view="ego"), num_steps=num_steps, seed=seed)
    return agent.player(seed=seed), agent.network.num_parameters


class StableBaselinesPolicy:
    """A stable-baselines3 model as a policy; its actions are drawn from torch's generator, seeded at the start."""

    def __init__(self, model, *, seed: int) -> None:
        self._model, self._seed = model, seed

    def start(self, num_envs: int) -> None:
        torch.manual_seed(self._seed)

    def act(self, observation) -> np.ndarray:
        return self._model.predict(observation, deterministic=False)[0]


def train_stable_baselines(*, seed: int, num_steps: int) -> tuple[Policy, int]:
    """PPO with a CNN of the same size as a perception's, no memory, and the settings of the agents' own learner."""
    from stable_baselines3 import PPO
    from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
    from stable_baselines3.common.vec_env import VecEnv

    class Worlds(VecEnv):
        """Our worlds as stable-baselines3 wants them."""

        def __init__(self) -> None:
            self._worlds = EnergyFlowVecEnv(NUM_ENVS, view="ego")
            super().__init__(NUM_ENVS, self._worlds.single_observation_space, self._worlds.single_action_space)

        def reset(self):
            return self._worlds.reset(seed=seed)[0]

        def step_async(self, actions) -> None:
            self._actions = actions

        def step_wait(self):
            observation, rewards, terminations, truncations, info = self._worlds.step(self._actions)
            infos = [{} for _ in range(NUM_ENVS)]
            for world in np.flatnonzero(terminations | truncations):
                final = {name: value[world] for name, value in info["final_obs"].items()}
                infos[world] = {
                    "terminal_observation": final,
                    "TimeLimit.truncated": bool(truncations[world]),
                    "episode": {"r": info["ep_return"][world], "l": 0},
                }
            return observation, (rewards * 0.1).astype(np.float32), terminations | truncations, infos

        def close(self) -> None: ...

        def get_attr(self, attr_name, indices=None):
            return [getattr(self._worlds, attr_name, None)] * NUM_ENVS

        def set_attr(self, attr_name, value, indices=None) -> None: ...

        def env_method(self, method_name, *method_args, indices=None, **method_kwargs):
            return [None] * NUM_ENVS

        def env_is_wrapped(self, wrapper_class, indices=None):
            return [False] * NUM_ENVS

    class Features(BaseFeaturesExtractor):
        def __init__(self, observation_space) -> None:
            super().__init__(observation_space, features_dim=64)
            self._convolutions = torch.nn.Sequential(
                torch.nn.Conv2d(3, 16, 3, padding=1),
                torch.nn.ReLU(),
                torch.nn.Conv2d(16, 32, 3, stride=2, padding=1),
                torch.nn.ReLU(),
                torch.nn.Flatten(),
            )
            self._embed = torch.nn.Sequential(torch.nn.Linear(32 * 9 + 4, 64), torch.nn.ReLU())

        def forward(self, observation):
            return self._embed(torch.cat([self._convolutions(observation["grid"]), observation["body"]], dim=-1))

    model = PPO(
        "MultiInputPolicy",
        Worlds(),
        n_steps=64,
        batch_size=512,
        n_epochs=4,
        learning_rate=lambda left: 7e-4 * left,
        gamma=0.99,
        gae_lambda=0.95,
        ent_coef=0.01,
        seed=seed,
        device="cpu",
        policy_kwargs={"features_extractor_class": Features, "normalize_images": False},
    )
    model.learn(num_steps)
    return StableBaselinesPolicy(model, seed=seed), sum(one.numel() for one in model.policy.parameters())


def trainer(name: str) -> Callable[..., tuple[Policy, int]]:
    if name == "sb3":
        return train_stable_baselines
    founder, _, without = name.partition("-without-")
    if founder in founder_agents():
        genome = founder_agents()[founder]
        if without:
            genome = edited(genome, dropped=without)
    else:
        genome = load_agent(Path(name))[0].genome

    def train(*, seed: int, num_steps: int) -> tuple[Policy, int]:
        return train_graph(genome, seed=seed, num_steps=num_steps)

    return train


def summary(returns: Sequence[Sequence[float]]) -> str:
    table = np.array(returns)
    interval = bootstrap_interval(Sample.independent(table))
    each = ", ".join(f"{value:.1f}" for value in table.mean(1))
    return f"{interval_text(interval, '.1f')} | {each}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--learners", nargs="*", default=["default", "sb3"])
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=100_352)
    parser.add_argument("--json", type=Path, help="also keep every return here")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    kept: dict[str, list[list[float]]] = {}
    print("| who | return [95 % over episodes] | each training | parameters | CPU-s |\n|---|---|---|---|---|")
    scripted = {
        "random": (RandomPolicy(), "ego"),
        "wait": (WaitPolicy(), "ego"),
        "ego greedy": (EgoGreedyPolicy(), "ego"),
        "ego with memory": (EgoMemoryPolicy(), "ego"),
        "full map": (FullMapPolicy(), "full"),
    }
    for name, (policy, view) in scripted.items():
        kept[name] = [returns_on_test(policy, view=view)]
        print(f"| {name} | {summary(kept[name])} | | |", flush=True)
    for name in arguments.learners:
        train, seconds, parameters = trainer(name), [], 0
        kept[name] = []
        for seed in arguments.seeds:
            started = time.process_time()
            policy, parameters = train(seed=seed, num_steps=arguments.steps)
            seconds.append(time.process_time() - started)
            kept[name].append(returns_on_test(policy))
        print(f"| {name} | {summary(kept[name])} | {parameters:,} | {np.mean(seconds):.0f} |", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(kept))


if __name__ == "__main__":
    main()
