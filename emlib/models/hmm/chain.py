"""Forward and backward along a hidden chain: log-likelihood, smoothed states, expected transitions, path entropy.

Both recursions carry logarithms, normalised at every step by what the past predicts of the next observation, so
that neither the length of a sequence nor a hypothesis that stays lost for a thousand steps underflows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emlib.numerics import Array, log_sum_exp, x_log_y

TINY = 1e-290  # below it a sum of products may have lost terms to underflow
LARGE = 300.0  # logarithm up to which products of the two recursions are formed without overflow


@dataclass(frozen=True, eq=False)
class Smoothed:
    """What the observations say about the hidden paths of N sequences.

    Attributes
    ----------
    loglik : ndarray, shape (N,)
        Minus infinity for a sequence that the parameters make impossible.
    states : ndarray, shape (N, T, K), or (rows, K) where lengths differ
        Probability of each state at each time, given the whole sequence.
    initial : ndarray, shape (N, K)
        The same at the first time.
    transitions : ndarray, shape (N, K, K)
        Expected numbers of moves from state i to state j.
    entropy : ndarray, shape (N,)
        Of the path given the sequence, nats.
    """

    loglik: Array
    states: Array
    initial: Array
    transitions: Array
    entropy: Array


def smooth_all(initial: Array, transition: Array, log_emission: Array, lengths: Array) -> Smoothed:
    """Smooth sequences that lie one after the other; those of one length go together.

    Parameters
    ----------
    initial : ndarray, shape (K,)
    transition : ndarray, shape (K, K)
        Row i holds the probabilities of the moves from state i.
    log_emission : ndarray, shape (sum of lengths, K)
        Log-density of each observation in each state.
    lengths : ndarray of int, shape (N,)
    """
    count, width = len(lengths), len(initial)
    total = Smoothed(np.empty(count), np.empty(log_emission.shape), np.empty((count, width)),
                     np.empty((count, width, width)), np.empty(count))
    first = np.cumsum(lengths) - lengths
    for length in np.unique(lengths):
        members = np.flatnonzero(lengths == length)
        rows = first[members, None] + np.arange(length)
        found = smooth(initial, transition, log_emission[rows])
        total.states[rows] = found.states
        for name in ("loglik", "initial", "transitions", "entropy"):
            getattr(total, name)[members] = getattr(found, name)
    return total


def smooth(initial: Array, transition: Array, log_emission: Array) -> Smoothed:
    """Smooth N sequences of one length T.

    Parameters
    ----------
    initial : ndarray, shape (K,)
    transition : ndarray, shape (K, K)
    log_emission : ndarray, shape (N, T, K)

    Notes
    -----
    Baum, Petrie, Soules & Weiss (1970); normalised as by Rabiner (1989), in logarithms.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        log_transition = np.log(transition)
        predicted, shifts = _sweep(np.log(initial), log_emission, transition, log_transition)
        ahead, _ = _sweep(np.zeros(len(initial)), log_emission[:, ::-1], transition.T, log_transition.T)
        joint, backward = predicted + log_emission, ahead[:, ::-1]
        filtered, backward = _less(joint, joint), _less(backward, _less(joint, joint) + backward)
        onward = _less(log_emission + backward, _less(predicted, predicted) + log_emission + backward)
        states = np.exp(filtered + backward)
        transitions = _expected_transitions(filtered[:, :-1], onward[:, 1:], transition, log_transition)
        entropy = _path_entropy(states, transitions, onward, backward, log_transition)
    loglik = shifts[:, :-1].sum(axis=1) + log_sum_exp(joint[:, -1])
    return Smoothed(loglik, states, states[:, 0], transitions, entropy)


def _sweep(first: Array, log_emission: Array, matrix: Array, log_matrix: Array) -> tuple[Array, Array]:
    """Return what is known of each state just before its own emission is counted, and the shifts taken out.

    m_1 = first and exp(m_t+1) = exp(m_t + log_emission_t - shift_t) @ matrix. Forward in time m_t is
    log p(s_t, y_1..t-1); backward, with the matrix transposed, log p(y_t+1..T | s_t); up to the shifts.
    """
    messages, shifts = np.empty(log_emission.shape), np.empty(log_emission.shape[:2])
    messages[:, 0] = first
    for t in range(log_emission.shape[1]):
        moved, shifts[:, t] = _move(messages[:, t] + log_emission[:, t], matrix, log_matrix)
        if t + 1 < log_emission.shape[1]:
            messages[:, t + 1] = moved
    return messages, shifts


def _move(log_rows: Array, matrix: Array, log_matrix: Array) -> tuple[Array, Array]:
    """Return log(exp(log_rows - shift) @ matrix) and the shift, in logarithms where the product might underflow."""
    shift = np.maximum.reduce(log_rows, axis=1)
    product = np.exp(log_rows - shift[:, None]) @ matrix
    if np.minimum.reduce(product, axis=None) > TINY:
        return np.log(product), shift
    shift = np.where(np.isfinite(shift), shift, 0.0)
    return log_sum_exp((log_rows - shift[:, None])[:, None, :] + log_matrix.T), shift


def _less(logs: Array, others: Array) -> Array:
    """Return logs less log-sum-exp of the others over the states; an impossible observation is left as it is."""
    total = log_sum_exp(others)[..., None]
    return logs - np.where(np.isfinite(total), total, 0.0)


def _expected_transitions(before: Array, after: Array, transition: Array, log_transition: Array) -> Array:
    """Return sum_t p(s_t = i, s_t+1 = j | y), shape (N, K, K)."""
    tame = after.max(axis=(0, 2)) < LARGE
    counts = transition * (np.swapaxes(np.exp(before[:, tame]), 1, 2) @ np.exp(after[:, tame]))
    for t in np.flatnonzero(~tame):
        counts = counts + np.exp(before[:, t, :, None] + log_transition + after[:, t, None, :])
    result: Array = counts
    return result


def _path_entropy(states: Array, transitions: Array, ahead: Array, backward: Array, log_transition: Array) -> Array:
    """Return H(s_1 | y) + sum_t H(s_t | s_t-1, y), shape (N,).

    The posterior is a Markov chain, too, with p(s_t = j | s_t-1 = i, y) = a_ij ahead_t(j) / backward_t-1(i).
    """
    first = -x_log_y(states[:, 0], states[:, 0]).sum(axis=1)
    moves = _expected(transitions, log_transition) + _expected(states[:, 1:], ahead[:, 1:])
    result: Array = first - moves + _expected(states[:, :-1], backward[:, :-1])
    return result


def _expected(chances: Array, logarithms: Array) -> Array:
    """Return sum p log q over all but the first axis, with the limit 0 where p is 0."""
    total: Array = np.where(chances == 0.0, 0.0, chances * logarithms).sum(axis=(1, 2))
    return total
