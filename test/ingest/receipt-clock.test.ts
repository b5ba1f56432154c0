import { createReceiptClock } from '../../src/ingest/ingest';

/** Returns the times of the receipt clock for successive times of the system clock. */
function read(...times: readonly string[]): readonly string[] {
  let now = '';
  const clock = createReceiptClock(() => new Date(now));
  return times.map((time) => {
    now = time;
    return clock().toISOString().slice(0, 16);
  });
}

describe('the receipt clock', () => {
  it('follows the system clock', () => {
    expect(read('2025-01-01T12:00Z', '2025-01-01T12:01Z')).toEqual([
      '2025-01-01T12:00',
      '2025-01-01T12:01',
    ]);
  });

  it('stops while the system clock is set back', () => {
    expect(read('2025-01-01T12:00Z', '2025-01-01T11:00Z', '2025-01-01T12:01Z')).toEqual([
      '2025-01-01T12:00',
      '2025-01-01T12:00',
      '2025-01-01T12:01',
    ]);
  });

  it('follows a step back of more than 24 hours', () => {
    expect(read('2099-01-01T12:00Z', '2025-01-01T12:00Z')).toEqual([
      '2099-01-01T12:00',
      '2025-01-01T12:00',
    ]);
  });
});
