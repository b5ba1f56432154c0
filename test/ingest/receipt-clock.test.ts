import { createReceiptClock } from '../../src/ingest/receipt-clock';

/** What it shows while the machine's clock goes through `times`. */
function shown(...times: readonly string[]): readonly string[] {
  let now = '';
  const clock = createReceiptClock(() => new Date(now));
  return times.map((time) => {
    now = time;
    return clock().toISOString().slice(0, 16);
  });
}

it('follows the clock of the machine', () => {
  expect(shown('2025-01-01T12:00Z', '2025-01-01T12:01Z')).toEqual([
    '2025-01-01T12:00',
    '2025-01-01T12:01',
  ]);
});

it('stands still while that is set back', () => {
  expect(shown('2025-01-01T12:00Z', '2025-01-01T11:00Z', '2025-01-01T12:01Z')).toEqual([
    '2025-01-01T12:00',
    '2025-01-01T12:00',
    '2025-01-01T12:01',
  ]);
});

it('does not stay in a future of years', () => {
  expect(shown('2099-01-01T12:00Z', '2025-01-01T12:00Z')).toEqual([
    '2099-01-01T12:00',
    '2025-01-01T12:00',
  ]);
});
