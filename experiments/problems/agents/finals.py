"""Who takes part in the final comparison of agents: the winner, the default agent and scripted policies.

Leaders learn anew once each on validation episodes, which chooses the winner; then the winner and the default agent
learn anew on test episodes. Numbers and intervals are results.py's.
"""

from __future__ import annotations

from evolve.individual import Results
from evolve.loop import Run
from evolve.workers.pool import WorkerPool
from experiments.problems.agents.evaluator import TEST_PANEL, VALIDATION_PANEL, episode_seeds, make_worlds
from experiments.problems.agents.prepared import PreparedAgents
from experiments.problems.agents.results import AgentContestant, AgentResults, compare_agents
from experiments.problems.errors import FinalsError
from fitness.energy_flow.policies import EgoGreedyPolicy, EgoMemoryPolicy, RandomPolicy
from fitness.energy_flow.rollouts import Policy, episode_returns
from genomes.agent.graph.genome import AgentGenome

WINNER = "evolved winner"


def agent_finals(run: Run, prepared: PreparedAgents, pool: WorkerPool) -> AgentResults:
    """Choose the winner among the leaders by one fresh training each, then compare it on fresh trainings.

    Raises:
        FinalsError: No agent of the run was ever scored.
    """
    report = prepared.config.report
    z = run.state.settings.confidence_z
    ranked = sorted(run.state.hall_of_fame, key=lambda one: (-one.results.lower_confidence_bound(z), one.key))
    leaders = [one.genome_json for one in ranked[: report.finalists]]
    if not leaders:
        raise FinalsError(
            f"The run in {run.directory} has no scored agent ({run.state.num_failures} evaluations failed). "
            f"`evolve runs history {run.directory}` shows the errors."
        )
    validated = run.measure(leaders, panel=VALIDATION_PANEL, replicates=range(1), pool=pool)
    winner = max(zip(validated, leaders, strict=True), key=lambda pair: (pair[0].leading, pair[1]))[1]
    name, founder = prepared.space.founders()[0]
    # The default agent learns as often as the winner has: as its own ancestor, it goes through equally many trainings.
    default = prepared.space.to_json(_after_trainings(founder, prepared.space.from_json(winner).num_ancestors))
    tested = run.measure([default, winner], panel=TEST_PANEL, replicates=range(report.trainings), pool=pool)
    contestants = _scripted(prepared)
    contestants += [_learnt(f"{name} agent", default, tested[0]), _learnt(WINNER, winner, tested[1])]
    return compare_agents(
        contestants,
        num_steps=prepared.config.learning.num_steps,
        resamples=report.bootstrap_resamples,
        seed=prepared.config.seed,
    )


def _after_trainings(genome: AgentGenome, count: int) -> AgentGenome:
    return genome if count == 0 else genome.descended_from(_after_trainings(genome, count - 1))


def _learnt(label: str, genome: str, results: Results) -> AgentContestant:
    trainings = [results.by_replicate[number] for number in sorted(results.by_replicate)]
    for training in trainings:
        if not training.is_ok:
            raise FinalsError(f"A test training of the {label} failed: {training.error}")
    return AgentContestant(
        label, genome, int(trainings[0].objectives["parameters"]), [training.scores for training in trainings]
    )


def _scripted(prepared: PreparedAgents) -> list[AgentContestant]:
    """Policies that see what agents see; none where they are paid for something else."""
    task = prepared.config.task
    if task.reward != "energy":
        return []
    policies: dict[str, Policy] = {"random actions": RandomPolicy(prepared.config.seed)}
    if task.view == "ego" and task.has_pose:
        policies |= {"scripted, no memory": EgoGreedyPolicy(), "scripted, with memory": EgoMemoryPolicy()}
    seeds = episode_seeds(prepared.factory, panel=TEST_PANEL, replicate=0)
    contestants = []
    for label, policy in policies.items():
        returns = episode_returns(policy, make_worlds(task, len(seeds)), seeds)
        by_episode = {f"{TEST_PANEL}-{seed}": returns[seed] for seed in seeds}
        contestants.append(AgentContestant(label, None, None, [by_episode]))
    return contestants
