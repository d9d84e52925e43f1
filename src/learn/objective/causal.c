/* causal.c - each token from those before it: p(x) = prod p(x[n] | x[<n]) (Bengio et al. 2003; Radford et al. 2018). The shift by one
 * is the batch's work: labels[n] is the token after n in its own sequence. */
#include "engine/op/op.h"
#include "learn/objective/objective.h"

Node *objective_causal(Graph *g, Node *hidden, Node *head, Node *labels, Node *weights, CrossEntropyOptions options)
{
    graph_push_scope(g, "causal");
    Node *loss = linear_cross_entropy(g, hidden, head, labels, weights, options);
    graph_pop_scope(g);
    return loss;
}
