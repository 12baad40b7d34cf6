#!/usr/bin/env python3
"""The areas under the curve that higgs_test.cpp compares with: scikit-learn's MLP of the same shape, on the same split.

    tests/engine/higgs_reference.py DATA_DIR

Needs python3-sklearn; the test does not. Every fifth row is for testing, in the order of the files; columns are scaled to
mean 0 and deviation 1 of the training rows, missing values (-999) count as the mean of the others. The weights' first
values and the order of rows are random, so the mean over ten seeds is what is written into the test.
"""
import pathlib
import sys

import numpy
import sklearn
from sklearn.metrics import roc_auc_score
from sklearn.neural_network import MLPClassifier

HIDDEN, EPOCHS, BATCH, L2 = (64, 32), 12, 64, 0.005


def uci_higgs(folder):
    rows = numpy.vstack([numpy.loadtxt(folder / name) for name in ("binary.train", "binary.test")])
    return rows[:, 1:], rows[:, 0]


def higgsml(folder):
    parts = [numpy.loadtxt(folder / f"train_sml_{kind}.csv", delimiter=",", skiprows=1, usecols=range(1, 31))
             for kind in ("sig", "bg")]
    # Signal and background in turn, so that any split has both.
    rows = numpy.stack(parts, axis=1).reshape(-1, 30)
    return rows, numpy.tile([1.0, 0.0], len(parts[0]))


def scaled(rows, is_test):
    rows = numpy.where(rows == -999.0, numpy.nan, rows)
    mean = numpy.nanmean(rows[~is_test], axis=0)
    rows = numpy.where(numpy.isnan(rows), mean, rows)
    deviation = rows[~is_test].std(axis=0)
    return (rows - mean) / numpy.where(deviation > 0, deviation, 1.0)


def main():
    data = pathlib.Path(sys.argv[1])
    print(f"scikit-learn {sklearn.__version__}")
    for name, (rows, labels) in (("uci_higgs_subset", uci_higgs(data / "uci_higgs_subset")),
                                 ("higgsml_10k", higgsml(data / "higgsml_10k"))):
        is_test = numpy.arange(len(rows)) % 5 == 0
        rows = scaled(rows, is_test)
        areas = []
        for seed in range(10):
            # alpha is divided by the rows of a batch: L2 is what is added to the gradient per weight.
            network = MLPClassifier(HIDDEN, alpha=L2 * BATCH, batch_size=BATCH, learning_rate_init=1e-3, max_iter=EPOCHS,
                                    n_iter_no_change=EPOCHS + 1, tol=0.0, random_state=seed)
            network.fit(rows[~is_test], labels[~is_test])
            areas.append(roc_auc_score(labels[is_test], network.predict_proba(rows[is_test])[:, 1]))
        print(f"{name}: {numpy.mean(areas):.4f} +- {numpy.std(areas):.4f} over {len(areas)} seeds ({sum(is_test)} test rows)")


main()
