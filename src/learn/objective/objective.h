/* objective.h - what is learnt: from hidden states to a loss a token. An objective sees hidden states and a head, never a model. */
#ifndef LEARN_OBJECTIVE_OBJECTIVE_H
#define LEARN_OBJECTIVE_OBJECTIVE_H

#include "engine/op/op.h"

/* Causal language modelling: labels[n] is the token after n in its own sequence (the batch prepares it, once), weights[n] is 0 where there is none.
 * hidden [N, C], head [V, C], labels i32 [N], weights f32 [N]. Returns loss f32 [N] in nats: their sum, divided by the sum of weights
 * of the whole step, is what is reported. `options`: what the model does to logits (model_loss_options), and in training what smooths them. */
Node *objective_causal(Graph *g, Node *hidden, Node *head, Node *labels, Node *weights, CrossEntropyOptions options);

#endif
