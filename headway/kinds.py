"""Every kind of the package, imported: what a recipe in a file may name (the entry point `headway.kinds`)."""

import headway.concepts.graph
import headway.data.augment
import headway.data.bundled
import headway.data.files
import headway.data.synthetic
import headway.doctor.remedies
import headway.doctor.trial
import headway.learning.clipping
import headway.learning.losses
import headway.learning.metrics
import headway.learning.optimizers.adaptive
import headway.learning.optimizers.foreign
import headway.learning.optimizers.groups
import headway.learning.optimizers.sgd
import headway.learning.regularization
import headway.learning.schedules.compose
import headway.learning.schedules.cycles
import headway.learning.schedules.decay
import headway.learning.schedules.schedule
import headway.network.activations
import headway.network.attention
import headway.network.branch
import headway.network.compose
import headway.network.convolution
import headway.network.dense
import headway.network.embedding
import headway.network.feedforward
import headway.network.normalization
import headway.network.recurrent
import headway.network.residual
import headway.signals.probe
import headway.spec.edit
import headway.training.evaluate
import headway.training.job
import headway.training.recipe  # noqa: F401 (imported for the kinds they register)
