/** One round of questions to the vendors, in one process at a time. */

import type { Logger } from '../../observability/log';
import type { Reconciler, StatusCheckOutcome } from './reconciler';

/** @param signal - Aborted when it should leave off: a question under way is given up, an answer that has come is kept. */
export async function sweep(
  reconciler: Reconciler,
  log: Pick<Logger, 'info'>,
  signal: AbortSignal,
): Promise<void> {
  if (!(await reconciler.lease())) return;
  const outcomes: Partial<Record<StatusCheckOutcome, number>> = {};
  try {
    const due = await reconciler.due(signal);
    await reconciler.ask(
      due,
      signal,
      ({ outcome }) => {
        outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      },
      () => reconciler.lease(),
    );
  } finally {
    if (Object.keys(outcomes).length > 0) log.info({ outcomes }, 'asked the vendors');
    await reconciler.release();
  }
}
