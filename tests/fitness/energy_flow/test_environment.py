from __future__ import annotations

import re
import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from hypothesis import given, settings
from hypothesis import strategies as st

from fitness.energy_flow import EnergyFlowEnv, EnergyFlowParameters
from fitness.energy_flow.rendering import PICTURE_SHAPE
from fitness.energy_flow.worlds import GRID_SIZE, LAYOUTS, MOVES

seeds = st.integers(0, 2**32 - 1)
layouts = st.sampled_from(LAYOUTS)
views = st.sampled_from(["full", "ego"])
WAIT, LEFT, RIGHT, UP, DOWN = range(5)


def played(env: EnergyFlowEnv, *, seed: int, num_steps: int) -> list[tuple]:
    rng = np.random.default_rng(seed)
    steps = [env.reset(seed=seed)]
    for _ in range(num_steps):
        steps.append(env.step(int(rng.integers(5))))
        if steps[-1][2] or steps[-1][3]:
            break
    return steps


class TestGymnasium:
    @pytest.mark.parametrize("layout", LAYOUTS)
    @pytest.mark.parametrize("view", ["full", "ego"])
    def test_check_env_finds_nothing_to_say(self, layout: str, view: str) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            env = gymnasium.make("fitness.energy_flow:EnergyFlow-v0", layout=layout, view=view, render_mode="rgb_array")
            check_env(env.unwrapped)

    def test_make_vec_gives_the_vector_form(self) -> None:
        worlds = gymnasium.make_vec(
            "fitness.energy_flow:EnergyFlow-v0", num_envs=3, vectorization_mode="vector_entry_point", view="ego"
        )
        assert worlds.reset(seed=0)[0]["grid"].shape == (3, 3, 5, 5)


class TestPhysics:
    @settings(max_examples=12, deadline=None)
    @given(seed=seeds, layout=layouts, push=st.floats(-500, 500))
    def test_books_close_and_no_cell_is_negative(self, seed: int, layout: str, push: float) -> None:
        env = EnergyFlowEnv(layout=layout)
        rng = np.random.default_rng(seed)
        env.reset(seed=seed)
        for tick in range(500):
            is_dead = env.step(int(rng.integers(5)))[2]
            if tick in (100, 300):
                env.disturb(push)
            assert env.lowest_cell >= 0.0
            if is_dead:
                break
        assert abs(env.ledger.residual(env.total_energy)) < 1e-6

    @settings(max_examples=10, deadline=None)
    @given(seed=seeds, layout=layouts, view=views)
    def test_seed_and_actions_decide_everything(self, seed: int, layout: str, view: str) -> None:
        first, second = (played(EnergyFlowEnv(layout=layout, view=view), seed=seed, num_steps=60) for _ in range(2))
        for ours, theirs in zip(first, second, strict=True):
            assert ours[1:] == theirs[1:]
            assert all(np.array_equal(ours[0][name], theirs[0][name]) for name in ("grid", "body"))

    @settings(max_examples=10, deadline=None)
    @given(seed=seeds, layout=layouts, view=views)
    def test_observations_lie_in_their_space(self, seed: int, layout: str, view: str) -> None:
        env = EnergyFlowEnv(layout=layout, view=view)
        for step in played(env, seed=seed, num_steps=60):
            assert env.observation_space.contains(step[0])

    def test_no_randomness_is_drawn_by_steps(self) -> None:
        env = EnergyFlowEnv()
        env.reset(seed=5)
        before = env.np_random.bit_generator.state
        for _ in range(50):
            env.step(RIGHT)
        assert env.np_random.bit_generator.state == before

    def test_costs_of_waiting_moving_pathways_and_the_edge(self) -> None:
        env = EnergyFlowEnv(layout="seed")
        env.reset(seed=0)
        assert env.step(WAIT)[4]["cost"] == pytest.approx(0.5 + 0.01 * 100)
        energy = env.step(LEFT)[4]["energy"]  # against the edge: costs a move and stays
        assert env.step(WAIT)[0]["grid"][1, 0, 0] == 1.0
        assert energy == pytest.approx(98.5 - (0.5 + 0.985 + 1.0))
        for action in [DOWN] * 10 + [RIGHT] * 4:
            env.disturb(100.0)
            env.step(action)
        env.disturb(1000.0)
        assert env.step(RIGHT)[4]["cost"] == pytest.approx(0.5 + 10.0 + 0.25)  # onto the pathway at (10, 5)

    def test_death_ends_an_episode_and_time_cuts_it_off(self) -> None:
        env = EnergyFlowEnv(layout="seed")
        env.reset(seed=0)
        env.disturb(-98.9)
        _, reward, is_dead, is_over, info = env.step(RIGHT)
        assert (reward, is_dead, is_over, info["energy"], info["intake"]) == (0.0, True, False, 0.0, 0.0)
        env = EnergyFlowEnv(parameters=EnergyFlowParameters(max_steps=3))
        env.reset(seed=0)
        assert [env.step(WAIT)[3] for _ in range(3)] == [False, False, True]

    def test_absorbs_own_cell_first_within_rate_and_headroom(self) -> None:
        env = EnergyFlowEnv(layout="seed", view="ego", parameters=EnergyFlowParameters(intake_rate=10.0))
        env.reset(seed=1)
        for action in [DOWN] * 5 + [RIGHT] * 5:
            env.disturb(100.0)
            env.step(action)
        assert max(env.step(WAIT)[4]["intake"] for _ in range(200)) == pytest.approx(10.0)
        env.disturb(1000.0)
        env.disturb(-5.0)
        info = env.step(WAIT)[4]
        assert info["energy"] <= 1000.0
        assert info["intake"] <= info["cost"] + 5.0 + 1e-9

    def test_disturb_says_what_it_did(self) -> None:
        env = EnergyFlowEnv()
        env.reset(seed=0)
        assert env.disturb(2000.0) == 900.0
        assert env.disturb(-3000.0) == -1000.0

    def test_ego_view_is_the_window_of_the_full_one(self) -> None:
        full, ego = EnergyFlowEnv(layout="scatter"), EnergyFlowEnv(layout="scatter", view="ego", view_radius=3)
        whole, part = full.reset(seed=9)[0], ego.reset(seed=9)[0]
        rng = np.random.default_rng(0)
        for _ in range(80):
            row, column = np.argwhere(whole["grid"][1] == 1.0)[0]
            padded = np.pad(whole["grid"], ((0, 0), (3, 3), (3, 3)))[:, row : row + 7, column : column + 7]
            assert np.array_equal(part["grid"][[0, 2]], padded[[0, 2]])
            outside = np.pad(np.zeros((GRID_SIZE, GRID_SIZE)), 3, constant_values=1.0)
            assert np.array_equal(part["grid"][1], outside[row : row + 7, column : column + 7])
            action = int(rng.integers(5))
            full.disturb(5.0)
            ego.disturb(5.0)
            whole, part = full.step(action)[0], ego.step(action)[0]


class TestRendering:
    def test_picture_shows_agent_and_energy(self) -> None:
        env = EnergyFlowEnv(layout="seed", render_mode="rgb_array")
        env.reset(seed=0)
        picture = env.render()
        assert picture is not None
        assert picture.shape == PICTURE_SHAPE == (336, 320, 3)
        assert tuple(picture[8, 8]) == (40, 220, 90)
        assert tuple(picture[328, 31]) == (40, 220, 90)  # a tenth of the bar
        assert tuple(picture[328, 33]) == (30, 30, 30)
        assert EnergyFlowEnv().render() is None


class TestErrors:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"layout": "Seed"}, "layout is 'Seed'; allowed are 'seed', 'random', 'scatter'."),
            ({"view": "near"}, "view is 'near'; allowed are 'full', 'ego'."),
            ({"view_radius": 0}, "view_radius is 0; allowed are whole numbers from 1 to 9."),
            ({"render_mode": "human"}, "render_mode is 'human'; allowed are 'rgb_array' and None."),
        ],
    )
    def test_arguments(self, arguments: dict[str, object], message: str) -> None:
        with pytest.raises(ValueError, match=re.escape(message)):
            EnergyFlowEnv(**arguments)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"decay": float("nan")}, "decay is nan; allowed are finite numbers from 0."),
            ({"intake_rate": 0.0}, "intake_rate is 0.0; allowed are numbers above 0."),
            ({"emission": 1.5}, "emission is 1.5; allowed are shares from 0 to 1."),
            ({"radius": 0}, "radius is 0; allowed are whole numbers from 1."),
            ({"conductance": 0.3}, "conductance is 0.3; allowed are numbers from 0 to 0.25."),
            (
                {"start_energy": 2000.0},
                "start_energy is 2000.0; allowed are numbers above 0 and up to max_energy",
            ),
            ({"shortest_period": 101}, "shortest_period is 101; allowed are whole numbers up to longest_period (100)."),
        ],
    )
    def test_parameters(self, arguments: dict[str, float], message: str) -> None:
        with pytest.raises(ValueError, match=re.escape(message)):
            EnergyFlowParameters(**arguments)

    def test_steps(self) -> None:
        env = EnergyFlowEnv()
        with pytest.raises(RuntimeError, match=r"No episode is running; call reset\(\) before step\(\)\."):
            env.step(WAIT)
        env.reset(seed=0)
        with pytest.raises(ValueError, match=r"action is 5; allowed are 0 \(wait\), 1 \(left\)"):
            env.step(len(MOVES))
