import { createRecentChanges } from '../../src/feed/recent-changes';
import { aChange } from '../support/changes';

const entries = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => aChange({ seq: from + index }));
const seqs = (changes: readonly { readonly seq: number }[]) => changes.map(({ seq }) => seq);

describe('the window on the log', () => {
  it('is open at the position where it began', () => {
    const window = createRecentChanges(10, 5);
    expect(window.head).toBe(5);
    expect(window.reachesBackTo(5)).toBe(true);
    expect(window.reachesBackTo(4)).toBe(false);
    expect(window.after(5)).toEqual([]);
  });

  it('gives what follows a position', () => {
    const window = createRecentChanges(10, 0);
    window.append(entries(1, 5));
    expect(seqs(window.after(3))).toEqual([4, 5]);
    expect(seqs(window.after(0))).toEqual([1, 2, 3, 4, 5]);
    expect(window.after(9)).toEqual([]);
  });

  it('always holds the last entries, and never more than twice its size', () => {
    const window = createRecentChanges(10, 0);
    for (let seq = 1; seq <= 1000; seq += 1) {
      window.append(entries(seq, seq));
      const held = Array.from({ length: seq + 1 }, (_, back) => back).filter((position) =>
        window.reachesBackTo(position),
      );
      const reach = seq - (held[0] ?? seq);
      expect(reach).toBeGreaterThanOrEqual(Math.min(10, seq));
      expect(reach).toBeLessThanOrEqual(20);
      expect(window.head).toBe(seq);
    }
  });

  it('cuts a batch that is larger than itself', () => {
    const window = createRecentChanges(10, 0);
    window.append(entries(1, 500));
    expect(seqs(window.after(490))).toEqual([491, 492, 493, 494, 495, 496, 497, 498, 499, 500]);
    expect(window.reachesBackTo(489)).toBe(false);
  });

  it('does not claim to hold what lies before a hole', () => {
    const window = createRecentChanges(10, 0);
    window.append(entries(1, 3));
    window.append(entries(7, 8));
    expect(window.reachesBackTo(3)).toBe(false);
    expect(window.reachesBackTo(6)).toBe(true);
    expect(seqs(window.after(6))).toEqual([7, 8]);
  });

  it('holds fewer entries if their texts are long', () => {
    // Regression: it counted entries, and a few thousand with long texts took all memory.
    const kib = 1024;
    const window = createRecentChanges(1_000, 0, 256 * kib);
    const reasons = [{ code: 'OTHER' as const, providerCode: null, message: 'x'.repeat(32 * kib) }];
    for (let seq = 1; seq <= 500; seq += 1) {
      window.append([aChange({ seq, rejection: { retryable: null, reasons } })]);
      expect(window.reachesBackTo(seq - 4)).toBe(false);
      expect(window.reachesBackTo(seq - 1)).toBe(true);
    }
  });

  it('holds nothing of an entry that exceeds all it may hold', () => {
    const window = createRecentChanges(10, 4, 1_024);
    const reasons = [{ code: 'OTHER' as const, providerCode: null, message: 'x'.repeat(4_096) }];
    window.append([aChange({ seq: 5, rejection: { retryable: null, reasons } })]);
    expect(window.head).toBe(5);
    expect(window.reachesBackTo(4)).toBe(false);
    expect(window.reachesBackTo(5)).toBe(true);
    window.append(entries(6, 6));
    expect(seqs(window.after(5))).toEqual([6]);
  });
});
