from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fitness.energy_flow import EnergyFlowEnv, EnergyFlowParameters, EnergyFlowVecEnv
from fitness.energy_flow.worlds import LAYOUTS

seeds = st.integers(0, 2**31)
options = st.fixed_dictionaries(
    {
        "layout": st.sampled_from(LAYOUTS),
        "view": st.sampled_from(["full", "ego"]),
        "view_radius": st.integers(1, 4),
        "has_pose": st.booleans(),
    }
)
SHORT = EnergyFlowParameters(max_steps=45, drift=0.05)


@settings(max_examples=12, deadline=None)
@given(seed=seeds, options=options)
def test_equals_single_worlds_through_ends_pushes_and_resets(seed: int, options: dict) -> None:
    count = 6
    worlds = EnergyFlowVecEnv(count, parameters=SHORT, **options)
    singles = [EnergyFlowEnv(parameters=SHORT, **options) for _ in range(count)]
    rng = np.random.default_rng(seed)
    observation, _ = worlds.reset(seed=seed)
    expected = [env.reset(seed=seed + index)[0] for index, env in enumerate(singles)]
    returns = np.zeros(count)
    num_ended = 0
    for tick in range(100):
        for index, single in enumerate(expected):
            for name in ("grid", "body"):
                assert np.abs(observation[name][index] - single[name]).max() <= 1e-6  # float32
        if tick % 30 == 10:
            push = rng.uniform(-120, 60, size=count)
            done = worlds.disturb(push)
            assert done == pytest.approx([env.disturb(one) for env, one in zip(singles, push, strict=True)], abs=1e-12)
        actions = rng.integers(5, size=count)
        observation, rewards, terminations, truncations, info = worlds.step(actions)
        for index, env in enumerate(singles):
            single, reward, is_dead, is_over, told = env.step(int(actions[index]))
            returns[index] += reward
            assert abs(rewards[index] - reward) <= 1e-12
            assert (terminations[index], truncations[index]) == (is_dead, is_over)
            assert all(abs(info[name][index] - told[name]) <= 1e-9 for name in told)
            if is_dead or is_over:
                num_ended += 1
                assert info["_final_obs"][index]
                assert np.array_equal(info["final_obs"]["body"][index], single["body"])
                assert info["ep_return"][index] == pytest.approx(returns[index], abs=1e-9)
                returns[index] = 0.0
                single, _ = env.reset()
            expected[index] = single
    assert num_ended >= count
    books = worlds.worlds
    residuals = books.total_energy - books.initial - books.inflow + books.heat
    assert np.abs(residuals).max() < 1e-6


def test_a_list_of_seeds_names_each_world() -> None:
    worlds = EnergyFlowVecEnv(3, view="ego")
    several, _ = worlds.reset(seed=[7, 3, 7])
    assert np.array_equal(several["grid"][0], several["grid"][2])
    assert np.array_equal(several["body"][1], EnergyFlowEnv(view="ego").reset(seed=3)[0]["body"])


def test_observations_are_not_written_to_by_later_steps() -> None:
    worlds = EnergyFlowVecEnv(4)
    observation, _ = worlds.reset(seed=0)
    copy = {name: values.copy() for name, values in observation.items()}
    worlds.step(np.full(4, 2))
    assert all(np.array_equal(observation[name], copy[name]) for name in copy)


def test_errors_name_the_value() -> None:
    with pytest.raises(ValueError, match=r"num_envs is 0; allowed are whole numbers from 1\."):
        EnergyFlowVecEnv(0)
    worlds = EnergyFlowVecEnv(2)
    with pytest.raises(ValueError, match=r"seed holds 3 seeds; allowed is one for each of the 2 worlds\."):
        worlds.reset(seed=[1, 2, 3])
    worlds.reset(seed=0)
    message = "actions is array([0, 5]); allowed are 2 whole numbers from 0 to 4."
    with pytest.raises(ValueError, match=re.escape(message)):
        worlds.step(np.array([0, 5]))
