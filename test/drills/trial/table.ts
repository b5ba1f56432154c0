/** Formats the results of the drills as one table. */

import { count, FAULTS, type Fault, holds } from './checks';
import type { Engine } from './engine';
import type { Report } from './trial';

export interface Result {
  readonly drill: string;
  readonly engine: Engine;
  /** The report, or the reason why it is missing. */
  readonly report: Report | { readonly leftOut: string } | { readonly brokeOff: string };
  readonly seconds: number;
}

const HEADINGS: Readonly<Record<Fault, string>> = {
  LOST: 'lost',
  TWICE: 'twice',
  GAP: 'gaps',
  WRONG_STATE: 'wrong',
  STREAM: 'stream',
  FAILED: 'failed',
};

export const LEGEND = [
  'lost    acknowledged, and not there or not counted',
  'twice   kept, counted or applied once too often',
  'gaps    positions that the change log leaves out',
  'wrong   users in another state than without any trouble',
  'stream  changes that a subscriber was not given, or not once and in order',
  'failed  posts that got no answer from a gateway that was stopped in an orderly way',
];

/** A drill that cannot run on this machine is not a failure, except in CI. */
export function isSound({ report }: Result): boolean {
  if ('leftOut' in report) return process.env.CI !== 'true';
  return 'checks' in report && report.checks.every(holds);
}

/** One line per result, under headings; columns as wide as they have to be. */
export function toTable(results: readonly Result[]): readonly string[] {
  const faults = FAULTS.map((fault) => HEADINGS[fault]);
  const headings = ['drill', 'engine', 'sent', 'kept', '503', ...faults, 's', ''];
  const rows = [headings, ...results.map(cellsOf)];
  const widths = headings.map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        const text = column < 2 || column === headings.length - 1;
        return text ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('  ')
      .trimEnd(),
  );
}

function cellsOf(result: Result): readonly string[] {
  const { drill, engine, report, seconds } = result;
  if (!('checks' in report)) {
    const why =
      'leftOut' in report ? `left out: ${report.leftOut}` : `broke off: ${report.brokeOff}`;
    return [drill, engine, '-', '-', '-', ...FAULTS.map(() => '-'), '-', why];
  }
  const faults = FAULTS.map((fault) => count(fault, report.checks));
  const { sent, acknowledged, setbacks, happened } = report;
  return [
    drill,
    engine,
    ...[sent, acknowledged, setbacks.UNAVAILABLE, ...faults, Math.round(seconds)].map(String),
    isSound(result) ? happened : `WRONG; ${happened}`,
  ];
}

/** The checks that do not hold. */
export function tellFaults({ report }: Result): readonly string[] {
  if (!('checks' in report)) return [];
  return report.checks
    .filter((check) => !holds(check))
    .map(({ what, found, expected }) => `  ${what}: found ${found}, expected ${expected}`);
}
