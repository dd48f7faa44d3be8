from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from genomes.agent import AgentGenome, default_agent, founder_agents
from genomes.agent.running.agent import PCDAgent
from genomes.agent.running.artifact import GRAPH_FILE, WEIGHTS_FILE, AgentArtifactError, load_agent, save_agent
from genomes.agent.running.networks import AgentNetwork
from genomes.agent.running.ppo import PPOLearner, PPOSettings, generalised_advantages
from tests.genomes.agent.toy_worlds import ToyWorlds

SETTINGS = PPOSettings(window=32, batch_worlds=4, reward_scale=1.0)


def observation(seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {"grid": rng.random((3, 5, 5), dtype=np.float32), "body": rng.random(4, dtype=np.float32)}


class TestAdvantages:
    def test_equal_the_sum_that_defines_them(self) -> None:
        generator = torch.Generator().manual_seed(0)
        ticks, discount, decay = 12, 0.9, 0.8
        rewards, values = (torch.rand(ticks, 2, generator=generator) for _ in range(2))
        ended = torch.rand(ticks, 2, generator=generator) < 0.2
        last = torch.rand(2, generator=generator)
        found = generalised_advantages(rewards, values, ended, last, discount=discount, trace_decay=decay)
        following = torch.cat([values[1:], last[None]])
        errors = rewards + discount * following * ~ended - values
        for world in range(2):
            for tick in range(ticks):
                total, weight = 0.0, 1.0
                for later in range(tick, ticks):
                    total += weight * errors[later, world].item()
                    if ended[later, world]:
                        break
                    weight *= discount * decay
                assert found[tick, world].item() == pytest.approx(total, abs=1e-5)

    def test_without_decay_they_are_returns_less_values(self) -> None:
        rewards, values = torch.ones(3, 1), torch.full((3, 1), 0.5)
        ended = torch.tensor([[False], [False], [True]])
        found = generalised_advantages(rewards, values, ended, torch.ones(1), discount=1.0, trace_decay=1.0)
        assert found[:, 0].tolist() == [2.5, 1.5, 0.5]


class TestLearner:
    def test_learns_what_pays(self) -> None:
        minimal = founder_agents()["minimal"]
        genome = AgentGenome(minimal.modules, minimal.connections, {"learning_rate": 2e-3, "discount": 0.95})
        returns: list[float | None] = []
        PCDAgent(genome, seed=0).learn(
            ToyWorlds(),
            num_steps=8 * 20 * 30,
            seed=0,
            settings=PPOSettings(window=20, batch_worlds=4, reward_scale=1.0),
            on_progress=lambda progress: returns.append(progress.mean_return),
        )
        assert returns[0] < 8  # a quarter of 20 by chance
        assert returns[-1] > 15

    def test_is_a_function_of_its_seed(self) -> None:
        weights = []
        for seed in (3, 3, 4):
            agent = PCDAgent(founder_agents()["reactive"], seed=1)
            agent.learn(ToyWorlds(), num_steps=512, seed=seed, settings=SETTINGS)
            weights.append(agent.network.state_dict()["parts.action.head.weight"])
        assert torch.equal(weights[0], weights[1])
        assert not torch.equal(weights[0], weights[2])

    def test_progress_counts_ticks_of_all_worlds(self) -> None:
        steps = []
        agent = PCDAgent(founder_agents()["minimal"])
        agent.learn(
            ToyWorlds(), num_steps=600, seed=0, settings=SETTINGS, on_progress=lambda one: steps.append(one.num_steps)
        )
        assert steps == [256, 512]

    def test_first_pass_finds_the_ratios_at_one(self) -> None:
        network = AgentNetwork(default_agent(), grid_size=5, num_actions=5, seed=0)
        learner = PPOLearner(network, ToyWorlds(), num_steps=256, seed=0, settings=SETTINGS)
        rollout = learner._collect()
        again = network(rollout.observation, rollout.resets, rollout.state)
        chosen = again.logits.log_softmax(-1).gather(-1, rollout.actions[..., None])[..., 0]
        assert (chosen - rollout.log_probabilities).abs().max() < 1e-5
        assert (again.values - rollout.values).abs().max() < 1e-5

    def test_errors_name_the_value(self) -> None:
        network = AgentNetwork(default_agent(), grid_size=5, num_actions=5, seed=0)
        with pytest.raises(ValueError, match=r"num_steps is 100; allowed is at least one rollout \(256 ticks\)\."):
            PPOLearner(network, ToyWorlds(), num_steps=100, seed=0, settings=SETTINGS)
        message = r"batch_worlds is 4; allowed are divisors of the number of worlds \(6\)\."
        with pytest.raises(ValueError, match=message):
            PPOLearner(network, ToyWorlds(6), num_steps=1000, seed=0, settings=SETTINGS)


class TestAgent:
    def test_lives_one_tick_after_another(self) -> None:
        agent = PCDAgent(default_agent())
        for tick in range(3):
            agent.sense(observation(tick))
            probabilities = agent.think()
            assert probabilities.sum() == pytest.approx(1.0)
            assert 0 <= agent.act() < 5

    def test_order_of_the_verbs_is_kept(self) -> None:
        agent = PCDAgent(default_agent())
        with pytest.raises(RuntimeError, match=r"Nothing was sensed since the last thought; call sense\(\)"):
            agent.think()
        agent.sense(observation())
        with pytest.raises(RuntimeError, match=r"Nothing was thought since the last action; call think\(\)"):
            agent.act()

    def test_start_forgets(self) -> None:
        agent = PCDAgent(default_agent())
        agent.sense(observation(0))
        first = agent.think()
        agent.start()
        agent.sense(observation(0))
        assert np.array_equal(agent.think(), first)

    def test_player_and_agent_think_alike(self) -> None:
        agent = PCDAgent(default_agent(), seed=2)
        player = agent.player(seed=7)
        player.start(1)
        agent.start(seed=7)
        for tick in range(20):
            seen = observation(tick)
            agent.sense(seen)
            agent.think()
            assert player.act({name: value[None] for name, value in seen.items()})[0] == agent.act()

    def test_run_episode_gives_the_return(self) -> None:
        class World:
            def reset(self, *, seed: int | None = None):
                self.tick = 0
                return observation(0), {}

            def step(self, action: int):
                self.tick += 1
                return observation(self.tick), 0.5, False, self.tick == 9, {}

        pictures: list[int] = []
        world = World()
        total = PCDAgent(default_agent()).run_episode(world, seed=0, on_tick=lambda: pictures.append(world.tick))
        assert total == 4.5
        assert pictures == list(range(10))


class TestArtifact:
    def test_round_trip(self, tmp_path) -> None:
        agent = PCDAgent(default_agent(), seed=5)
        save_agent(agent, tmp_path, task={"view": "ego"})
        loaded, task = load_agent(tmp_path)
        assert loaded.genome == agent.genome
        assert task == {"view": "ego"}
        pairs = zip(agent.network.state_dict().values(), loaded.network.state_dict().values(), strict=True)
        assert all(torch.equal(one, other) for one, other in pairs)

    def test_errors_name_the_directory(self, tmp_path) -> None:
        with pytest.raises(AgentArtifactError, match=re.escape(f"{tmp_path} has no {GRAPH_FILE!r}, so it is no agent")):
            load_agent(tmp_path)
        save_agent(PCDAgent(default_agent()), tmp_path, task={})
        (tmp_path / GRAPH_FILE).write_text('{"schema": "other"}')
        with pytest.raises(AgentArtifactError, match=r"holds no agent that can be loaded: schema is 'other';"):
            load_agent(tmp_path)
        save_agent(PCDAgent(founder_agents()["minimal"]), tmp_path, task={})
        text = (tmp_path / GRAPH_FILE).read_text()
        save_agent(PCDAgent(default_agent()), tmp_path, task={})
        (tmp_path / GRAPH_FILE).write_text(text)
        with pytest.raises(AgentArtifactError, match=r"Error\(s\) in loading state_dict"):
            load_agent(tmp_path)
        (tmp_path / WEIGHTS_FILE).write_bytes(b"nothing")
        with pytest.raises(AgentArtifactError, match="holds no agent that can be loaded"):
            load_agent(tmp_path)
