"""All rules, in causal order: what comes first can bring about what comes later."""

from headway.doctor.rules.features import data_faults, unscaled_features, unscaled_targets
from headway.doctor.rules.fit import over_regularised, overfitting, underfitting
from headway.doctor.rules.gradient_flow import exploding, vanishing
from headway.doctor.rules.initial import initial_scale, initial_symmetry, unreached_parameters
from headway.doctor.rules.labels import imbalance, label_noise, labels_shuffled, no_signal
from headway.doctor.rules.memory import cannot_memorize
from headway.doctor.rules.network import examples_mixed, missing_nonlinearity, small_batch_statistics, train_eval_gap
from headway.doctor.rules.non_finite import non_finite
from headway.doctor.rules.order import data_order
from headway.doctor.rules.pairing import gradient_sign, loss_reduction, output_loss_mismatch
from headway.doctor.rules.plan import batch_size, decay_groups, schedule_length
from headway.doctor.rules.rate import learning_rate_high, learning_rate_low, oscillation
from headway.doctor.rules.rule import STAGES, Rule
from headway.doctor.rules.splits import leakage, split_mismatch
from headway.doctor.rules.steps import plateau, too_few_steps, unstable_start
from headway.doctor.rules.units import dying_relu, saturation
from headway.spec.error import HeadwayError, did_you_mean

WRITTEN = (
    data_faults, labels_shuffled, no_signal, label_noise, imbalance, leakage, split_mismatch,
    output_loss_mismatch, unscaled_features, unscaled_targets, loss_reduction, gradient_sign, data_order,
    initial_symmetry, initial_scale, missing_nonlinearity, unreached_parameters,
    examples_mixed, small_batch_statistics, train_eval_gap, schedule_length, batch_size, decay_groups,
    over_regularised, dying_relu, vanishing, exploding, saturation, unstable_start,
    learning_rate_high, learning_rate_low, oscillation, non_finite, too_few_steps, overfitting,
    underfitting, plateau, cannot_memorize,
)  # fmt: skip
RULES: tuple[Rule, ...] = tuple(sorted(WRITTEN, key=lambda rule: STAGES.index(rule.stage)))


def rule_of(id: str) -> Rule:
    """The rule of this id; an unknown one gets the nearest."""
    known = {rule.id: rule for rule in RULES}
    if id not in known:
        raise HeadwayError("rule", "no rule of this id", repr(id), did_you_mean(id, known))
    return known[id]
