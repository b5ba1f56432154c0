/** Medians and percentiles. */

/** @returns the value below which `share` of the numbers lie. */
function percentile(numbers, share) {
  const sorted = Float64Array.from(numbers).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function median(numbers) {
  const sorted = Float64Array.from(numbers).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** @returns the median of each of these figures; NaN where a run lacks it. */
function medians(runs, figures = ['perSecond', 'p50', 'p99']) {
  return Object.fromEntries(
    figures.map((figure) => [figure, median(runs.map((run) => run[figure]))]),
  );
}

module.exports = { median, medians, percentile };
