from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from genomes.agent import AgentGenome, Module, default_agent, founder_agents
from genomes.agent.breeding.founders import controlling_agent
from genomes.agent.running.networks import AgentNetwork
from genomes.agent.running.networks.control import ComparatorNet
from genomes.agent.running.networks.network import select
from genomes.agent.running.networks.recurrence import EpisodicLSTM, WindowAttention
from genomes.graph.errors import InvalidGenomeError
from tests.genomes.agent.agents import agents, seeds

TICKS, BATCH = 24, 3


def network_of(genome: AgentGenome, *, seed: int = 0, grid_size: int = 5) -> AgentNetwork:
    return AgentNetwork(genome, grid_size=grid_size, num_actions=5, seed=seed)


def drawn_window(seed: int, *, ticks: int = TICKS, grid_size: int = 5, has_reference: bool = False):
    generator = torch.Generator().manual_seed(seed)
    window = {
        "grid": torch.rand(ticks, BATCH, 3, grid_size, grid_size, generator=generator),
        "body": torch.rand(ticks, BATCH, 4, generator=generator),
    }
    if has_reference:
        window["reference"] = torch.rand(ticks, BATCH, 1, generator=generator)
    return window, torch.rand(ticks, BATCH, generator=generator) < 0.1


def part(window: dict, begin: int, end: int) -> dict:
    return {name: value[begin:end] for name, value in window.items()}


class TestWindows:
    @settings(max_examples=25, deadline=None)
    @given(genome=agents, seed=seeds, cut=st.integers(1, TICKS - 1), has_reference=st.booleans())
    @torch.no_grad()
    def test_tick_by_tick_is_the_same_as_whole_windows(
        self, genome: AgentGenome, seed: int, cut: int, has_reference: bool
    ) -> None:
        network = network_of(genome, seed=seed)
        torch.nn.init.orthogonal_(network.parts["action"].head.weight)  # the usual small gain would hide differences
        window, resets = drawn_window(seed, has_reference=has_reference)
        state, ticks, carried = network.start(BATCH), [], None
        for tick in range(TICKS):
            carried = state if tick == cut else carried
            output = network(part(window, tick, tick + 1), resets[tick : tick + 1], state)
            state = output.state
            ticks.append(output)
        logits, values = torch.cat([one.logits for one in ticks]), torch.cat([one.values for one in ticks])
        whole = network(window, resets, network.start(BATCH))
        rest = network(part(window, cut, TICKS), resets[cut:], carried)
        assert (whole.logits - logits).abs().max() < 1e-5
        assert (whole.values - values).abs().max() < 1e-5
        assert (rest.logits - logits[cut:]).abs().max() < 1e-5
        for name, module_state in whole.state.items():
            for key, value in module_state.items():
                assert (value.double() - state[name][key].double()).abs().max() < 1e-5 or "keys" in key or "val" in key

    @settings(max_examples=10, deadline=None)
    @given(genome=agents, seed=seeds)
    @torch.no_grad()
    def test_rows_of_a_batch_and_earlier_episodes_do_not_leak(self, genome: AgentGenome, seed: int) -> None:
        network = network_of(genome, seed=seed)
        window, resets = drawn_window(seed)
        resets[10] = True
        output = network(window, resets, network.start(BATCH))
        other = {name: value.clone() for name, value in window.items()}
        for value in other.values():
            value[:10] = 0.5  # the first episodes
            value[:, 1] = 0.5  # another row
        changed = network(other, resets, network.start(BATCH))
        rows = [0, 2]
        assert (output.logits[10:, rows] - changed.logits[10:, rows]).abs().max() < 1e-6

    @torch.no_grad()
    def test_rows_of_a_state_can_be_selected(self) -> None:
        network = network_of(default_agent())
        window, resets = drawn_window(1)
        state = network(part(window, 0, 8), resets[:8], network.start(BATCH)).state
        rows = torch.tensor([2, 0])
        whole = network(part(window, 8, TICKS), resets[8:], state)
        some = network({name: value[8:, rows] for name, value in window.items()}, resets[8:, rows], select(state, rows))
        assert (whole.logits[:, rows] - some.logits).abs().max() < 1e-6


class TestNetwork:
    @settings(max_examples=15, deadline=None)
    @given(genome=agents, seed=seeds)
    def test_every_weight_is_learnt(self, genome: AgentGenome, seed: int) -> None:
        network = network_of(genome, seed=seed)
        window, _ = drawn_window(seed, has_reference=True)
        output = network(window, torch.zeros(TICKS, BATCH, dtype=torch.bool), network.start(BATCH))
        (output.logits.square().sum() + output.values.sum()).backward()
        without = [name for name, one in network.named_parameters() if one.requires_grad and one.grad is None]
        assert without == []
        assert all(torch.isfinite(one.grad).all() for one in network.parameters() if one.grad is not None)

    def test_seed_decides_the_weights_and_the_global_generator_stays(self) -> None:
        before = torch.random.get_rng_state()
        first, second, third = (network_of(default_agent(), seed=seed) for seed in (1, 1, 2))
        assert torch.equal(before, torch.random.get_rng_state())
        pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
        assert all(torch.equal(one, other) for one, other in pairs)
        weights = "parts.action.head.weight"
        assert not torch.equal(first.state_dict()[weights], third.state_dict()[weights])

    def test_weights_are_orthogonal(self) -> None:
        weight = network_of(default_agent()).state_dict()["parts.perception1._memory._lstm.weight_hh_l0"]
        for gate in weight.chunk(4):
            assert torch.allclose(gate @ gate.T, torch.eye(len(gate)), atol=1e-5)

    def test_first_actions_are_nearly_uniform(self) -> None:
        network = network_of(default_agent())
        window, resets = drawn_window(0)
        probabilities = network(window, resets, network.start(BATCH)).logits.softmax(-1)
        assert (probabilities - 0.2).abs().max() < 0.05

    @pytest.mark.parametrize("grid_size", [3, 5, 9, 20])
    def test_sees_grids_of_any_size(self, grid_size: int) -> None:
        network = network_of(founder_agents()["minimal"], grid_size=grid_size)
        window, resets = drawn_window(0, grid_size=grid_size)
        assert network(window, resets, network.start(BATCH)).logits.shape == (TICKS, BATCH, 5)

    def test_invalid_agents_are_refused(self) -> None:
        with pytest.raises(InvalidGenomeError, match=r"\[perceives\] No perception feeds"):
            network_of(AgentGenome({"action": Module("action")}, []))


class TestControl:
    @torch.no_grad()
    def test_intrinsic_compares_energy_with_its_reference(self) -> None:
        window, resets = drawn_window(0, has_reference=True)
        energy = window["body"][..., :1]
        for signal, expected in (("error", window["reference"] - energy), ("raw", energy)):
            network = network_of(controlling_agent(signal))
            given_reference = network(window, resets, network.start(BATCH)).signals["intrinsic1"]
            assert torch.equal(given_reference, torch.cat([window["reference"], expected], dim=-1))
        own = network_of(controlling_agent())
        signals = own({k: v for k, v in window.items() if k != "reference"}, resets, own.start(BATCH)).signals
        assert torch.allclose(signals["intrinsic1"][..., 0], torch.tensor(1.0))  # the gene's default

    @torch.no_grad()
    def test_comparator_is_a_leaky_integral_of_the_error(self) -> None:
        comparator = ComparatorNet(width=2)
        comparator._leak.fill_(-1.0)
        comparator._gain.fill_(3.0)
        generator = torch.Generator().manual_seed(0)
        reference, perception = (torch.rand(TICKS, BATCH, 2, generator=generator) for _ in range(2))
        resets = torch.rand(TICKS, BATCH, generator=generator) < 0.2
        integral = torch.rand(BATCH, 2, generator=generator)
        inputs = {"reference": [reference], "perception": [perception]}
        output, state = comparator(inputs, resets, {"integral": integral})
        leak = 1 / (1 + np.e)
        for tick in range(TICKS):
            integral = torch.where(resets[tick, :, None], 0.0, integral)
            integral = integral + leak * (3.0 * (reference[tick] - perception[tick]) - integral)
            assert torch.allclose(output[tick], integral, atol=1e-5)
        assert torch.allclose(state["integral"], integral, atol=1e-5)


class TestRecurrence:
    @torch.no_grad()
    def test_lstm_equals_one_episode_at_a_time(self) -> None:
        lstm = EpisodicLSTM(4, 6, layers=2)
        inputs = torch.rand(10, 1, 4, generator=torch.Generator().manual_seed(0))
        resets = torch.zeros(10, 1, dtype=torch.bool)
        resets[6] = True
        whole, _ = lstm(inputs, resets, lstm.start(1))
        none = torch.zeros_like(resets)
        first, _ = lstm(inputs[:6], none[:6], lstm.start(1))
        second, _ = lstm(inputs[6:], none[6:], lstm.start(1))
        assert torch.allclose(whole, torch.cat([first, second]), atol=1e-6)

    @torch.no_grad()
    def test_attention_sees_its_window_and_no_further(self) -> None:
        attention = WindowAttention(8, heads=2, window=4)
        inputs = torch.rand(12, 1, 8, generator=torch.Generator().manual_seed(0))
        resets = torch.zeros(12, 1, dtype=torch.bool)
        whole, _ = attention(inputs, resets, attention.start(1))
        changed = inputs.clone()
        changed[5] = 0.0
        other, _ = attention(changed, resets, attention.start(1))
        differs = (whole - other).abs().amax((1, 2)) > 1e-7
        assert differs.nonzero()[:, 0].tolist() == [5, 6, 7, 8]
