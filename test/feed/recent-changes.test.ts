import { createRecentChanges } from '../../src/feed/recent-changes';
import { aChange } from '../support/changes';

const entries = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => aChange({ seq: from + index }));
const seqs = (changes: readonly { readonly seq: number }[]) => changes.map(({ seq }) => seq);

describe('recent changes', () => {
  it('reach back to the initial head', () => {
    const recent = createRecentChanges(10, 5);
    expect(recent.head).toBe(5);
    expect(recent.reachesBackTo(5)).toBe(true);
    expect(recent.reachesBackTo(4)).toBe(false);
    expect(recent.after(5)).toEqual([]);
  });

  it('return the entries after a position', () => {
    const recent = createRecentChanges(10, 0);
    recent.append(entries(1, 5));
    expect(seqs(recent.after(3))).toEqual([4, 5]);
    expect(seqs(recent.after(0))).toEqual([1, 2, 3, 4, 5]);
    expect(recent.after(9)).toEqual([]);
  });

  it('contain at least `size` entries and at most twice as many', () => {
    const recent = createRecentChanges(10, 0);
    for (let seq = 1; seq <= 1000; seq += 1) {
      recent.append(entries(seq, seq));
      const reached = Array.from({ length: seq + 1 }, (_, back) => back).filter((position) =>
        recent.reachesBackTo(position),
      );
      const reach = seq - (reached[0] ?? seq);
      expect(reach).toBeGreaterThanOrEqual(Math.min(10, seq));
      expect(reach).toBeLessThanOrEqual(20);
      expect(recent.head).toBe(seq);
    }
  });

  it('trim a batch that exceeds the size', () => {
    const recent = createRecentChanges(10, 0);
    recent.append(entries(1, 500));
    expect(seqs(recent.after(490))).toEqual([491, 492, 493, 494, 495, 496, 497, 498, 499, 500]);
    expect(recent.reachesBackTo(489)).toBe(false);
  });

  it('remove all entries before a gap', () => {
    const recent = createRecentChanges(10, 0);
    recent.append(entries(1, 3));
    recent.append(entries(7, 8));
    expect(recent.reachesBackTo(3)).toBe(false);
    expect(recent.reachesBackTo(6)).toBe(true);
    expect(seqs(recent.after(6))).toEqual([7, 8]);
  });

  it('contain fewer entries if their texts are long', () => {
    // Regression: the limit counted entries, and a few thousand with long texts used all memory.
    const kib = 1024;
    const recent = createRecentChanges(1_000, 0, 256 * kib);
    const reasons = [{ code: 'OTHER' as const, providerCode: null, message: 'x'.repeat(32 * kib) }];
    for (let seq = 1; seq <= 500; seq += 1) {
      recent.append([aChange({ seq, rejection: { retryable: null, reasons } })]);
      expect(recent.reachesBackTo(seq - 4)).toBe(false);
      expect(recent.reachesBackTo(seq - 1)).toBe(true);
    }
  });

  it('do not contain an entry that exceeds the limit by itself', () => {
    const recent = createRecentChanges(10, 4, 1_024);
    const reasons = [{ code: 'OTHER' as const, providerCode: null, message: 'x'.repeat(4_096) }];
    recent.append([aChange({ seq: 5, rejection: { retryable: null, reasons } })]);
    expect(recent.head).toBe(5);
    expect(recent.reachesBackTo(4)).toBe(false);
    expect(recent.reachesBackTo(5)).toBe(true);
    recent.append(entries(6, 6));
    expect(seqs(recent.after(5))).toEqual([6]);
  });
});
