import fc from 'fast-check';
import {
  DEFAULT_POLICY,
  evaluate,
  evaluateState,
  type LevelResult,
  type Policy,
  type Rule,
} from '../../src/domain/policy';
import type { VerificationStatus } from '../../src/domain/status';
import { at } from './fold/recorded';

function level(
  levelKey: string,
  status: VerificationStatus,
  rest: Partial<LevelResult> = {},
): LevelResult {
  const [provider = ''] = levelKey.split('/');
  return {
    provider,
    levelKey,
    kind: 'LEVEL',
    status,
    since: at(1),
    expiresAt: null,
    superseded: false,
    blockedBy: null,
    blockedAt: null,
    ...rest,
  };
}

function policy(verified: Rule): Policy {
  return { verified, expiresAfterMs: {} };
}

const a = { level: 'p/a' };
const b = { level: 'p/b' };
const c = { level: 'q/c' };

describe('a policy', () => {
  it.each<[string, Rule, LevelResult[], VerificationStatus]>([
    ['one level, verified', a, [level('p/a', 'VERIFIED')], 'VERIFIED'],
    ['one level, not seen', a, [level('p/b', 'VERIFIED')], 'NOT_VERIFIED'],
    ['one level, expired', a, [level('p/a', 'EXPIRED')], 'EXPIRED'],
    ['all, one missing', { allOf: [a, b] }, [level('p/a', 'VERIFIED')], 'NOT_VERIFIED'],
    [
      'all, one expired',
      { allOf: [a, b] },
      [level('p/a', 'VERIFIED'), level('p/b', 'EXPIRED')],
      'EXPIRED',
    ],
    [
      'all, verified',
      { allOf: [a, b] },
      [level('p/a', 'VERIFIED'), level('p/b', 'VERIFIED')],
      'VERIFIED',
    ],
    ['any, one verified', { anyOf: [a, c] }, [level('q/c', 'VERIFIED')], 'VERIFIED'],
    [
      'any, the best status',
      { anyOf: [a, c] },
      [level('p/a', 'EXPIRED'), level('q/c', 'NOT_VERIFIED')],
      'EXPIRED',
    ],
    [
      'any of all',
      { anyOf: [{ allOf: [a, b] }, c] },
      [level('p/a', 'VERIFIED'), level('q/c', 'VERIFIED')],
      'VERIFIED',
    ],
    ['an empty anyOf', { anyOf: [] }, [level('p/a', 'VERIFIED')], 'NOT_VERIFIED'],
    ['an empty allOf', { allOf: [] }, [level('p/a', 'VERIFIED')], 'NOT_VERIFIED'],
  ])('evaluates %s', (_, rule, levels, expected) => {
    expect(evaluate(policy(rule), levels).status).toBe(expected);
  });

  it('returns the decisive and the missing levels', () => {
    const levels = [level('p/a', 'VERIFIED'), level('p/b', 'NOT_VERIFIED')];
    expect(evaluate(policy({ allOf: [a, b] }), levels)).toMatchObject({
      because: [],
      missing: ['p/b'],
    });
    expect(evaluate(policy({ anyOf: [a, b] }), levels)).toMatchObject({
      because: ['p/a'],
      missing: [],
    });
  });

  it('returns each sufficient set of levels, and no superset of another', () => {
    const rule = { anyOf: [a, { allOf: [b, c] }, { allOf: [a, c] }] };
    expect(evaluate(policy(rule), [])).toMatchObject({
      missing: ['p/a', 'p/b', 'q/c'],
      alternatives: [['p/a'], ['p/b', 'q/c']],
    });
    expect(evaluate(policy(rule), [level('q/c', 'VERIFIED')])).toMatchObject({
      alternatives: [['p/a'], ['p/b']],
    });
    expect(evaluate(policy(rule), [level('p/a', 'VERIFIED')]).alternatives).toEqual([]);
    const either = { allOf: [{ anyOf: [a, b] }, { anyOf: [a, c] }] };
    expect(evaluate(policy(either), []).alternatives).toEqual([['p/a'], ['p/b', 'q/c']]);
  });

  it('returns at most 32 alternatives', () => {
    const pairs = Array.from({ length: 24 }, (_, index) => ({
      anyOf: [{ level: `p/${index}` }, { level: `q/${index}` }],
    }));
    expect(evaluate(policy({ allOf: pairs }), []).alternatives).toHaveLength(32);
  });

  it('ignores a blocked approval and returns the level that blocks it', () => {
    const blocked = level('p/a', 'VERIFIED', { blockedBy: 'q/c', blockedAt: at(5) });
    expect(evaluate(policy(a), [blocked])).toEqual({
      status: 'NOT_VERIFIED',
      since: at(5),
      expiresAt: null,
      because: [],
      blockedBy: ['q/c'],
      missing: ['p/a'],
      alternatives: [['p/a']],
    });
    expect(evaluate(policy({ anyOf: [a, b] }), [blocked, level('p/b', 'VERIFIED')])).toMatchObject({
      status: 'VERIFIED',
      because: ['p/b'],
      blockedBy: [],
    });
  });

  it('starts with the last level of allOf, and with the first of anyOf', () => {
    const levels = [
      level('p/a', 'VERIFIED', { since: at(1) }),
      level('p/b', 'VERIFIED', { since: at(2) }),
    ];
    expect(evaluate(policy({ allOf: [a, b] }), levels).since).toBe(at(2));
    expect(evaluate(policy({ anyOf: [a, b] }), levels).since).toBe(at(1));
  });

  it('expires with the first level of allOf, and with the last of anyOf', () => {
    const levels = [
      level('p/a', 'VERIFIED', { expiresAt: at(10) }),
      level('p/b', 'VERIFIED', { expiresAt: at(20) }),
    ];
    expect(evaluate(policy({ allOf: [a, b] }), levels).expiresAt).toBe(at(10));
    expect(evaluate(policy({ anyOf: [a, b] }), levels).expiresAt).toBe(at(20));
    const lasting = [level('p/a', 'VERIFIED', { expiresAt: at(10) }), level('p/b', 'VERIFIED')];
    expect(evaluate(policy({ anyOf: [a, b] }), lasting).expiresAt).toBeNull();
  });

  it('has an expiry only while it is verified', () => {
    const lasting = level('p/a', 'VERIFIED', { expiresAt: at(10) });
    const both = policy({ allOf: [a, b] });
    expect(evaluate(both, [lasting]).expiresAt).toBeNull();
    expect(evaluate(both, [lasting, level('p/b', 'EXPIRED')]).expiresAt).toBeNull();
    expect(evaluate(both, [lasting, level('p/b', 'VERIFIED')]).expiresAt).toBe(at(10));
  });
});

describe('the default policy', () => {
  it('requires every LEVEL and ADD_ON seen at one provider', () => {
    const levels = [
      level('p/a', 'VERIFIED'),
      level('p/b', 'NOT_VERIFIED', { kind: 'ADD_ON' }),
      level('q/c', 'VERIFIED'),
    ];
    expect(evaluate(DEFAULT_POLICY, levels)).toMatchObject({
      status: 'VERIFIED',
      because: ['q/c'],
    });
    expect(evaluate(DEFAULT_POLICY, levels.slice(0, 2))).toMatchObject({
      status: 'NOT_VERIFIED',
      missing: ['p/b'],
    });
  });

  it('requires neither ACTION nor superseded levels', () => {
    const levels = [
      level('p/a', 'VERIFIED'),
      level('p/action', 'NOT_VERIFIED', { kind: 'ACTION' }),
      level('p/old', 'NOT_VERIFIED', { superseded: true }),
    ];
    expect(evaluate(DEFAULT_POLICY, levels).status).toBe('VERIFIED');
    expect(evaluate(DEFAULT_POLICY, levels.slice(1))).toMatchObject({
      status: 'NOT_VERIFIED',
      missing: [],
    });
  });

  it('is not verified without levels', () => {
    expect(evaluate(DEFAULT_POLICY, [])).toEqual({
      status: 'NOT_VERIFIED',
      since: null,
      expiresAt: null,
      because: [],
      blockedBy: [],
      missing: [],
      alternatives: [],
    });
  });
});

describe('evaluateState', () => {
  const statuses = ['VERIFIED', 'EXPIRED', 'NOT_VERIFIED'] as const;
  const keys = ['p/a', 'p/b', 'p/c', 'q/a', 'q/b', 'r/a'];
  const moment = fc.integer({ min: 1, max: 5 }).map((seconds) => at(seconds));
  const anyLevel = fc
    .record({
      key: fc.constantFrom(...keys),
      kind: fc.constantFrom('LEVEL' as const, 'ADD_ON' as const, 'ACTION' as const),
      status: fc.constantFrom(...statuses),
      since: moment,
      expiresAt: fc.option(moment),
      superseded: fc.boolean(),
      blockedAt: fc.option(moment),
    })
    .map(({ key, status, blockedAt, expiresAt, ...rest }) => {
      const blocks = status === 'VERIFIED' && blockedAt !== null;
      return level(key, status, {
        ...rest,
        expiresAt: status === 'NOT_VERIFIED' ? null : expiresAt,
        ...(blocks && { blockedBy: 'q/z', blockedAt }),
      });
    });
  const levels = fc.uniqueArray(anyLevel, { selector: ({ levelKey }) => levelKey });
  const { rule } = fc.letrec<{ rule: Rule }>((tie) => ({
    rule: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      fc.constantFrom(...keys).map((key) => ({ level: key })),
      fc.array(tie('rule'), { maxLength: 3 }).map((anyOf) => ({ anyOf })),
      fc.array(tie('rule'), { maxLength: 3 }).map((allOf) => ({ allOf })),
    ),
  }));

  it('matches the explanation in any order of the levels', () => {
    fc.assert(
      fc.property(fc.option(rule), levels, (verified, all) => {
        const of: Policy = { verified, expiresAfterMs: {} };
        const { missing, because, alternatives, ...rest } = evaluate(of, all);
        const reversed = new Map([...all].reverse().map((one) => [one.levelKey, one]));
        const state = evaluateState(of, reversed);
        expect(rest).toMatchObject({ ...state });
        expect(missing.length === 0 && because.length > 0).toBe(state.status === 'VERIFIED');
        if (state.status !== 'NOT_VERIFIED') return;
        const missingSince = missing.map((key) => {
          const one = reversed.get(key);
          return one?.blockedAt ?? one?.since ?? null;
        });
        expect(state.since).toBe(
          missingSince
            .filter((one) => one !== null)
            .sort()
            .at(-1) ?? null,
        );
        expect(missing).toEqual(expect.arrayContaining(alternatives.flat()));
      }),
    );
  });
});
