from __future__ import annotations

import numpy as np
import pytest

from fitness.energy_flow import EnergyFlowVecEnv
from fitness.energy_flow.policies import EgoGreedyPolicy, WaitPolicy
from fitness.energy_flow.references import ReferenceVecEnv
from fitness.energy_flow.senses import Observation
from tests.oracles.energy_flow_control import kick, play, track, tracking_slope

COUNT = 16
SEEDS = range(COUNT)


class Controller(EgoGreedyPolicy):
    """Feeds while its energy is below the reference, and beats against the edge of the world above it."""

    def act(self, observation: Observation) -> np.ndarray:
        is_full = observation["body"][:, 0] >= observation["reference"][:, 0]
        return np.where(is_full, 3, super().act(observation))


def worlds(count: int = COUNT) -> ReferenceVecEnv:
    return ReferenceVecEnv(EnergyFlowVecEnv(count, view="ego"))


class TestReferenceVecEnv:
    def test_worlds_are_those_without_references(self) -> None:
        plain, with_references = EnergyFlowVecEnv(4, view="ego"), worlds(4)
        ours, theirs = with_references.reset(seed=3)[0], plain.reset(seed=3)[0]
        for _ in range(600):
            assert all(np.array_equal(ours[name], theirs[name]) for name in theirs)
            ours, theirs = with_references.step(np.full(4, 2))[0], plain.step(np.full(4, 2))[0]

    def test_reward_is_the_closeness_to_the_reference(self) -> None:
        env = worlds(3)
        observation, _ = env.reset(seed=1)
        references = env.references
        assert observation["reference"][:, 0] == pytest.approx(references)
        assert ((references >= 0.2) & (references <= 0.95)).all()
        _, rewards, _, _, info = env.step(np.zeros(3, dtype=np.int64))
        assert rewards == pytest.approx(1 - np.abs(references - info["energy"] / 1000))

    def test_a_new_episode_has_a_new_reference_and_the_old_one_in_final_obs(self) -> None:
        env = worlds(2)
        env.reset(seed=1)
        before = env.references
        total = np.zeros(2)
        for _ in range(500):
            observation, rewards, terminations, truncations, info = env.step(np.full(2, 1))
            total += rewards
            ended = terminations | truncations
            if ended.any():
                break
        world = int(np.flatnonzero(ended)[0])
        assert env.references[world] != before[world]
        assert info["final_obs"]["reference"][world, 0] == pytest.approx(before[world])
        assert observation["reference"][world, 0] == pytest.approx(env.references[world])
        assert info["ep_return"][world] == pytest.approx(total[world])

    def test_limits_are_checked(self) -> None:
        with pytest.raises(ValueError, match=r"low is 0\.9 and high is 0\.2; allowed are 0 <= low <= high <= 1\."):
            ReferenceVecEnv(EnergyFlowVecEnv(1), low=0.9, high=0.2)


class TestMeasures:
    def test_a_controller_follows_its_reference_and_opposes_kicks(self) -> None:
        trackings = track(Controller(), worlds(), [0.3, 0.5, 0.7], seeds=SEEDS)
        assert tracking_slope(trackings) > 0.7
        assert max(one.rms_error for one in trackings) < 0.2
        pushed = kick(Controller(), worlds(), -0.2, reference=0.5, seeds=SEEDS)
        assert pushed.num_worlds >= COUNT // 2
        assert pushed.opposition > 0.5

    def test_blind_feeding_is_not_control(self) -> None:
        assert abs(tracking_slope(track(EgoGreedyPolicy(), worlds(), [0.3, 0.5, 0.7], seeds=SEEDS))) < 1e-9

    def test_a_replay_without_kick_is_the_same_course(self) -> None:
        first = play(Controller(), worlds(), seeds=SEEDS, num_steps=60, references={0: 0.5})
        again = play(first.actions, worlds(), seeds=SEEDS, num_steps=60, references={0: 0.5})
        assert np.array_equal(first.energy, again.energy)

    def test_a_change_of_reference_changes_the_course_after_it(self) -> None:
        held = play(Controller(), worlds(), seeds=SEEDS, num_steps=300, references={0: 0.7})
        changed = play(Controller(), worlds(), seeds=SEEDS, num_steps=300, references={0: 0.7, 150: 0.3})
        assert np.array_equal(held.energy[:150], changed.energy[:150])
        assert changed.energy[-1].mean() < held.energy[-1].mean() - 0.2

    def test_errors_name_the_value(self) -> None:
        with pytest.raises(ValueError, match=r"references is \{5: 0\.5\}; it has to say which"):
            play(WaitPolicy(), worlds(), seeds=SEEDS, num_steps=10, references={5: 0.5})
        with pytest.raises(ValueError, match=r"at \+ after is 448: no agent of 16 lived that long; kick earlier\."):
            kick(Leaver(), worlds(), 0.1, reference=0.5, seeds=SEEDS, at=400)


class Leaver(WaitPolicy):
    """Walks into a corner and beats against its walls, where it starves."""

    def start(self, num_envs: int) -> None:
        self._tick = 0

    def act(self, observation: Observation) -> np.ndarray:
        self._tick += 1
        return np.full(len(observation["body"]), 1 + 2 * (self._tick % 2))
