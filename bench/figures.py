"""From repeated measurements to medians, spreads and ratios that can be believed."""
import random
import statistics

RESAMPLES = 10_000


def median_and_spread(values):
    return statistics.median(values), min(values), max(values)


def ratio_interval(values, reference):
    """Median ratio of paired runs and its 95 % bootstrap interval; None for fewer than two pairs."""
    ratios = [value / other for value, other in zip(values, reference) if other]
    if len(ratios) < 2:
        return None
    chance = random.Random(1)  # the same figures give the same interval
    medians = sorted(statistics.median(chance.choices(ratios, k=len(ratios)))
                     for _ in range(RESAMPLES))
    low, high = medians[int(RESAMPLES * 0.025)], medians[int(RESAMPLES * 0.975)]
    return statistics.median(ratios), low, high


def percentile(ordered, fraction):
    return ordered[min(len(ordered) - 1, int(len(ordered) * fraction))]


def number(value):
    """Three significant digits, without an exponent."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:.{digits}f}"


def table(rows, references):
    """Markdown lines. `rows`: (cell, figure, {target: [values]}); ratios to each of `references`."""
    lines = ["| cell | figure | target | median | spread | n |" +
             "".join(f" to {reference} |" for reference in references)]
    lines.append("|---" * (6 + len(references)) + "|")
    for cell, figure, by_target in rows:
        for target, values in by_target.items():
            if not values:
                lines.append(f"| {cell} | {figure} | {target} | n/a | | 0 |" + " |" * len(references))
                continue
            median, low, high = median_and_spread(values)
            line = (f"| {cell} | {figure} | {target} | {number(median)} |"
                    f" [{number(low)}-{number(high)}] | {len(values)} |")
            for reference in references:
                found = (None if reference == target else
                         ratio_interval(values, by_target.get(reference, [])))
                line += f" {found[0]:.2f} [{found[1]:.2f}-{found[2]:.2f}] |" if found else " |"
            lines.append(line)
    return lines
