"""Does an agent control its energy? Tests for the controlled variable, with the ablation of the comparator.

    nice -n 19 env OMP_NUM_THREADS=1 python benchmarks/energy_flow_control.py --steps 200704 --seeds 0 1

Three agents learn in the intrinsic mode (reward 1 - |reference - energy|, references between 0.2 and 0.95): one that is
handed the error of its energy, one that is handed reference and energy as they are (no comparator), and the default
graph. A fourth learns on energy itself with a reference that nothing is paid for. All are then held to references,
stepped from one to another, and kicked; a kick is compared with the same actions played again without looking.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # for tests.oracles

import numpy as np
import torch

from fitness.energy_flow import EnergyFlowVecEnv
from fitness.energy_flow.references import ReferenceVecEnv
from fitness.energy_flow.rollouts import Policy
from genomes.agent import AgentGenome, default_agent
from genomes.agent.breeding.founders import controlling_agent
from genomes.agent.running.agent import PCDAgent
from tests.oracles.energy_flow_control import kick, play, track, tracking_slope

NUM_ENVS, NUM_TESTS = 32, 64
SEEDS = range(2000, 2000 + NUM_TESTS)
REFERENCES = (0.3, 0.5, 0.7, 0.9)
STEP_AT, STEP_TICKS = 220, 400
LEARNERS: dict[str, tuple[AgentGenome, str]] = {
    "error": (controlling_agent("error"), "intrinsic"),
    "raw": (controlling_agent("raw"), "intrinsic"),
    "default": (default_agent(), "intrinsic"),
    "default on energy": (default_agent(), "energy"),
}


def worlds(num_envs: int) -> ReferenceVecEnv:
    return ReferenceVecEnv(EnergyFlowVecEnv(num_envs, view="ego"))


class PaidByEnergy(ReferenceVecEnv):
    """References are shown, and energy is paid for."""

    def step(self, actions):
        observation, _, terminations, truncations, info = super().step(actions)
        return observation, info["energy"] / 1000.0, terminations, truncations, info


def trained(genome: AgentGenome, reward: str, *, seed: int, num_steps: int) -> Policy:
    agent = PCDAgent(genome, seed=seed)
    form = ReferenceVecEnv if reward == "intrinsic" else PaidByEnergy
    agent.learn(form(EnergyFlowVecEnv(NUM_ENVS, view="ego")), num_steps=num_steps, seed=seed)
    return agent.player(seed=seed)


def stepped(policy: Policy, before: float, after: float) -> tuple[float, float]:
    """Mean energy in the 70 ticks before a step of the reference, and in the last 70."""
    trace = play(policy, worlds(NUM_TESTS), seeds=SEEDS, num_steps=STEP_TICKS, references={0: before, STEP_AT: after})
    energy = np.where(trace.is_alive, trace.energy, 0.0)
    return float(energy[STEP_AT - 70 : STEP_AT].mean()), float(energy[-70:].mean())


def report(name: str, policy: Policy, *, seed: int, seconds: float) -> None:
    trackings = track(policy, worlds(NUM_TESTS), REFERENCES, seeds=SEEDS)
    means = " / ".join(f"{one.mean_energy:.2f}" for one in trackings)
    errors = " / ".join(f"{one.rms_error:.2f}" for one in trackings)
    deaths = " / ".join(f"{one.deaths:.2f}" for one in trackings)
    steps = [stepped(policy, *pair) for pair in ((0.9, 0.35), (0.35, 0.9))]
    shown = ", ".join(f"{before:.2f} → {after:.2f}" for before, after in steps)
    kicks = [kick(policy, worlds(NUM_TESTS), size, reference=0.6, seeds=SEEDS) for size in (-0.25, 0.25)]
    pushed = ", ".join(f"{one.closed:+.3f} vs {one.opened:+.3f} ({one.opposition:.2f})" for one in kicks)
    print(
        f"| {name} | {seed} | {means} | {errors} | {deaths} | {tracking_slope(trackings):.2f} | {shown} | {pushed} "
        f"| {seconds:.0f} |",
        flush=True,
    )


def run(names: Sequence[str], seeds: Sequence[int], *, num_steps: int) -> None:
    references = " / ".join(str(reference) for reference in REFERENCES)
    columns = ["agent", "seed", f"mean energy at {references}", "rms error", "deaths", "slope"]
    columns += ["reference .9 → .35, .35 → .9", "kick -.25, +.25: closed vs open (opposition)", "CPU-s"]
    print(f"| {' | '.join(columns)} |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name in names:
        genome, reward = LEARNERS[name]
        for seed in seeds:
            started = time.process_time()
            policy = trained(genome, reward, seed=seed, num_steps=num_steps)
            report(name, policy, seed=seed, seconds=time.process_time() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--learners", nargs="*", default=list(LEARNERS), choices=LEARNERS)
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1])
    parser.add_argument("--steps", type=int, default=200_704)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    run(arguments.learners, arguments.seeds, num_steps=arguments.steps)


if __name__ == "__main__":
    main()
