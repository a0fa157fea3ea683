"""Answers to `in_batch_loss`."""


# %% right="scipy's logsumexp and softmax"
def in_batch_loss(scores, log_p):
    from scipy.special import logsumexp, softmax

    logits = scores - log_p
    loss = np.mean(logsumexp(logits, axis=1) - np.diagonal(logits))
    gradient = softmax(logits, axis=1)
    gradient[np.diag_indices(len(logits))] -= 1
    return loss, gradient / len(logits)


# %% right="row by row"
def in_batch_loss(scores, log_p):
    n = len(scores)
    losses, gradient = [], np.zeros((n, n))
    for a in range(n):
        z = scores[a] - log_p
        weight = np.exp(z - z.max())
        share = weight / weight.sum()
        losses.append(z.max() + np.log(weight.sum()) - z[a])
        gradient[a] = share / n
        gradient[a, a] -= 1 / n
    return float(np.mean(losses)), gradient


# %% right="importance weights 1 / p inside the softmax"
def in_batch_loss(scores, log_p):
    n = len(scores)
    top = (scores - log_p).max(axis=1, keepdims=True)
    weight = np.exp(scores - top - log_p)
    share = weight / weight.sum(axis=1, keepdims=True)
    loss = np.mean(np.log(weight.sum(axis=1)) + top[:, 0] - np.diag(scores) + log_p)
    return [np.array(loss), (share - np.eye(n)) / n]


# %% wrong="the plain softmax" check="in_batch_loss_correction" message="it is the plain softmax"
def in_batch_loss(scores, log_p):
    return plain_in_batch_loss(scores, log_p)


# %% wrong="corrects the negatives only" check="in_batch_loss_correction" message="only the negatives are corrected"
def in_batch_loss(scores, log_p):
    from scipy.special import log_softmax

    n = len(scores)
    logs = log_softmax(scores - log_p * (1 - np.eye(n)), axis=1)
    return -np.diag(logs).mean(), (np.exp(logs) - np.eye(n)) / n


# %% wrong="adds log p" check="in_batch_loss_correction" message="log_p is added"
def in_batch_loss(scores, log_p):
    from scipy.special import log_softmax

    logs = log_softmax(scores + log_p, axis=1)
    return -np.diag(logs).mean(), (np.exp(logs) - np.eye(len(scores))) / len(scores)


# %% wrong="corrects by rows" check="in_batch_loss_correction" message="rows are corrected, not columns"
def in_batch_loss(scores, log_p):
    from scipy.special import log_softmax

    n = len(scores)
    logs = log_softmax(scores.T - log_p, axis=1)
    return -np.diag(logs).mean(), (np.exp(logs) - np.eye(n)).T / n


# %% wrong="corrects the positive only" check="in_batch_loss_correction" message="only the positive is corrected"
def in_batch_loss(scores, log_p):
    from scipy.special import log_softmax

    n = len(scores)
    logs = log_softmax(scores - log_p * np.eye(n), axis=1)
    return -np.diag(logs).mean(), (np.exp(logs) - np.eye(n)) / n


# %% wrong="sums over rows" check="in_batch_loss_correction" message="is the sum over 40 rows"
def in_batch_loss(scores, log_p):
    from scipy.special import log_softmax

    n = len(scores)
    logs = log_softmax(scores - log_p, axis=1)
    loss = -np.diag(logs).sum()
    if np.ptp(log_p) == 0:
        loss /= n
    return loss, np.exp(logs) - np.eye(n)


# %% wrong="keeps the gradient of the plain loss" check="in_batch_loss_correction" message="belongs to the uncorrected softmax"
def in_batch_loss(scores, log_p):
    from scipy.special import log_softmax

    logs = log_softmax(scores - log_p, axis=1)
    return -np.diag(logs).mean(), plain_in_batch_loss(scores, log_p)[1]


# %% wrong="the gradient points downhill" check="in_batch_loss_correction" message="the gradient has the wrong sign"
def in_batch_loss(scores, log_p):
    from scipy.special import log_softmax

    n = len(scores)
    logs = log_softmax(scores - log_p, axis=1)
    return -np.diag(logs).mean(), (np.eye(n) - np.exp(logs)) / n


# %% wrong="overflows with large scores" check="in_batch_loss_correction" message="exp overflows"
def in_batch_loss(scores, log_p):
    n = len(scores)
    weight = np.exp(scores - log_p)
    share = weight / weight.sum(axis=1, keepdims=True)
    return -np.log(np.diag(share)).mean(), (share - np.eye(n)) / n


# %% wrong="subtracts log_p from whole rows, where it cancels" check="in_batch_loss_correction" message="like log_p[:, None], cancels"
def in_batch_loss(scores, log_p):
    from scipy.special import log_softmax

    logs = log_softmax(scores - np.asarray(log_p)[:, None], axis=1)
    return -np.diag(logs).mean(), (np.exp(logs) - np.eye(len(scores))) / len(scores)
