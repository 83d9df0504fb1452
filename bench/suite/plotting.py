"""Plots as SVG, the same bytes for the same results."""

import re

import matplotlib

from .measuring import STT
from .results import groups_of

matplotlib.use("Agg")
matplotlib.rcParams["svg.hashsalt"] = "stt"
import matplotlib.pyplot as plt  # noqa: E402

OURS = "#1b6ca8"
OTHERS = ["#c8553d", "#6a994e", "#8d6a9f", "#b08900", "#4a7c7c", "#7a5c43", "#999999"]
# What the longest bar may be of the shortest on an axis that begins with 0.
LINEAR_MAX = 200


def colours(subjects):
    others = [subject for subject in subjects if not subject.startswith(STT)]
    return {subject: OURS if subject.startswith(STT) else OTHERS[others.index(subject) % len(OTHERS)]
            for subject in subjects}


def save(figure, path):
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    plt.close(figure)
    # Without the spaces at the ends of lines that matplotlib leaves.
    path.write_text(re.sub(r"[ \t]+\n", "\n", path.read_text()))


def panels(count, width, height):
    rows = (count + 1) // 2
    columns = min(count, 2)
    figure, axes = plt.subplots(rows, columns, figsize=(width * columns, height * rows), constrained_layout=True,
                                squeeze=False)
    flat = list(axes.flat)
    for axis in flat[count:]:
        axis.set_visible(False)
    return figure, flat


def bars(part, results, path):
    """The first metric: a panel for each case, a bar for each subject, its spread as a line."""
    metric = part.metrics[0]
    colour_of = colours(results.subjects)
    figure, axes = panels(len(results.cases), 5, 2.6)
    for axis, case in zip(axes, results.cases):
        subjects = [subject for subject in reversed(results.subjects) if results.values(case, subject, metric.name)]
        medians = [results.median(case, subject, metric.name) for subject in subjects]
        for place, (subject, median) in enumerate(zip(subjects, medians)):
            values = results.values(case, subject, metric.name)
            axis.barh(place, median, color=colour_of[subject], height=0.7)
            axis.plot([min(values), max(values)], [place, place], color="black", linewidth=1)
        # Bars are compared by their lengths: from 0, unless some would vanish beside others.
        if max(medians) > LINEAR_MAX * min(medians):
            axis.set_xscale("log")
            axis.set_xlim(left=min(medians) / 10)
        axis.set_yticks(range(len(subjects)), subjects, fontsize=8)
        axis.set_title(case, fontsize=9)
        axis.set_xlabel(metric.title, fontsize=8)
        axis.grid(axis="x", alpha=0.3)
    save(figure, path)


def lines(part, results, path):
    """The first metric over the number that a case ends with: a panel for each group of cases."""
    metric = part.metrics[0]
    colour_of = colours(results.subjects)
    groups = groups_of(results.cases)
    plain = results.plain_subject()
    figure, axes = panels(len(groups), 5, 3.2)
    for axis, (name, points) in zip(axes, groups.items()):
        for subject in results.subjects:
            known = sorted((x, case) for x, case in points if results.values(case, subject, metric.name))
            if not known:
                continue
            style = "--" if subject.startswith(STT) and subject != plain else "-"
            axis.plot([x for x, _ in known], [results.median(case, subject, metric.name) for _, case in known],
                      style, marker="o", markersize=3, linewidth=1.3, color=colour_of[subject], label=subject)
            for x, case in known:
                values = results.values(case, subject, metric.name)
                axis.plot([x, x], [min(values), max(values)], color=colour_of[subject], linewidth=1)
        if part.is_logarithmic:
            axis.set_xscale("log", base=2)
        axis.set_ylim(bottom=0)
        axis.set_title(name if len(groups) > 1 else part.title, fontsize=9)
        axis.set_xlabel(part.axis, fontsize=8)
        axis.set_ylabel(metric.title, fontsize=8)
        axis.grid(alpha=0.3)
        axis.legend(fontsize=7)
    save(figure, path)
