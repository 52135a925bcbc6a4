# SPDX-License-Identifier: MIT
"""A value of a graph in PyTorch: an array, of which axes may be T and N, and the lengths of its rows."""
import torch

STEPS, BATCH, REST = -1, -2, -3
SYMBOLS = {STEPS: 1000003, BATCH: 1009}  # T and N while nobody knows them: like no number that is written


class Value:
    """data; its sizes while T and N are symbols; which axes these are; lengths [N] that count."""

    def __init__(self, data, sizes, steps=None, batch=None, lengths=None):
        self.data, self.sizes, self.steps, self.batch = data, tuple(sizes), steps, batch
        self.lengths = lengths if steps is not None and batch is not None else None

    def like(self, data, **other):
        return Value(data, **{"sizes": self.sizes, "steps": self.steps, "batch": self.batch, "lengths": self.lengths,
                              **other})

    @property
    def rank(self):
        return len(self.sizes)

    def axis(self, number):
        return number % self.rank

    def live(self):
        """What lies within the lengths, or None: all does."""
        if self.lengths is None:
            return None
        shape = [1] * self.rank
        shape[self.steps] = self.data.shape[self.steps]
        inside = torch.arange(shape[self.steps]).reshape(shape)
        shape = [1] * self.rank
        shape[self.batch] = self.data.shape[self.batch]
        return inside < self.lengths.reshape(shape)

    def cut(self):
        """With 0 past the lengths."""
        live = self.live()
        if live is not None:
            self.data = torch.where(live, self.data, torch.zeros((), dtype=self.data.dtype))
        return self


def moved(axis, gone):
    """Where an axis is once others are gone."""
    return None if axis is None or axis in gone else axis - sum(g < axis for g in gone)


def counted(lengths, rule):
    """Lengths made of others, 0 of 0."""
    return None if lengths is None else torch.where(lengths > 0, rule(lengths), 0).clamp(min=0)
