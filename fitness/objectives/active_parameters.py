"""What an answer costs, counted: parameters that take part in each token."""

from __future__ import annotations

from fitness.objectives.base import Measurement, ObjectiveOperator, mean_of
from fitness.objectives.examination import Examination


class ActiveParameters(ObjectiveOperator):
    """Parameters run per generated token, drafts spread over the longest answer; the same for every prompt.

    A forward pass takes about two floating-point operations per parameter and token (Kaplan et al. 2020,
    arXiv:2001.08361, section 2.1), so it stands for compute on any machine. It is exact: its interval has no width.
    """

    name = "active_parameters"
    direction = "minimise"
    unit = "parameters run per generated token"
    reads_answers = False

    def measure(self, examination: Examination) -> Measurement:
        """See the base class."""
        return mean_of([float(examination.language_model.active_parameters_per_token)] * examination.num_prompts)
