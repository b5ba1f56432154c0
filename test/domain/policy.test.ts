import {
  DEFAULT_POLICY,
  evaluate,
  type HeldLevel,
  type Policy,
  type Rule,
} from '../../src/domain/policy';
import type { VerificationStatus } from '../../src/domain/status';
import { at } from './recorded';

function held(
  levelKey: string,
  status: VerificationStatus,
  rest: Partial<HeldLevel> = {},
): HeldLevel {
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
  it.each<[string, Rule, HeldLevel[], VerificationStatus]>([
    ['one level, held', a, [held('p/a', 'VERIFIED')], 'VERIFIED'],
    ['one level, not held', a, [held('p/b', 'VERIFIED')], 'NOT_VERIFIED'],
    ['one level, run out', a, [held('p/a', 'EXPIRED')], 'EXPIRED'],
    ['all, one missing', { allOf: [a, b] }, [held('p/a', 'VERIFIED')], 'NOT_VERIFIED'],
    [
      'all, one run out',
      { allOf: [a, b] },
      [held('p/a', 'VERIFIED'), held('p/b', 'EXPIRED')],
      'EXPIRED',
    ],
    [
      'all, held',
      { allOf: [a, b] },
      [held('p/a', 'VERIFIED'), held('p/b', 'VERIFIED')],
      'VERIFIED',
    ],
    ['any, one held', { anyOf: [a, c] }, [held('q/c', 'VERIFIED')], 'VERIFIED'],
    [
      'any, the best counts',
      { anyOf: [a, c] },
      [held('p/a', 'EXPIRED'), held('q/c', 'NOT_VERIFIED')],
      'EXPIRED',
    ],
    [
      'any of all',
      { anyOf: [{ allOf: [a, b] }, c] },
      [held('p/a', 'VERIFIED'), held('q/c', 'VERIFIED')],
      'VERIFIED',
    ],
    ['any of nothing', { anyOf: [] }, [held('p/a', 'VERIFIED')], 'NOT_VERIFIED'],
    ['all of nothing', { allOf: [] }, [held('p/a', 'VERIFIED')], 'NOT_VERIFIED'],
  ])('decides: %s', (_, rule, levels, expected) => {
    expect(evaluate(policy(rule), levels).status).toBe(expected);
  });

  it('names what makes it so and what is missing', () => {
    const levels = [held('p/a', 'VERIFIED'), held('p/b', 'NOT_VERIFIED')];
    expect(evaluate(policy({ allOf: [a, b] }), levels)).toMatchObject({
      because: [],
      missing: ['p/b'],
    });
    expect(evaluate(policy({ anyOf: [a, b] }), levels)).toMatchObject({
      because: ['p/a'],
      missing: [],
    });
  });

  it('names each set of levels that would suffice, and no set that contains another', () => {
    const rule = { anyOf: [a, { allOf: [b, c] }, { allOf: [a, c] }] };
    expect(evaluate(policy(rule), [])).toMatchObject({
      missing: ['p/a', 'p/b', 'q/c'],
      alternatives: [['p/a'], ['p/b', 'q/c']],
    });
    expect(evaluate(policy(rule), [held('q/c', 'VERIFIED')])).toMatchObject({
      alternatives: [['p/a'], ['p/b']],
    });
    expect(evaluate(policy(rule), [held('p/a', 'VERIFIED')]).alternatives).toEqual([]);
    const either = { allOf: [{ anyOf: [a, b] }, { anyOf: [a, c] }] };
    expect(evaluate(policy(either), []).alternatives).toEqual([['p/a'], ['p/b', 'q/c']]);
  });

  it('bounds the number of alternatives', () => {
    const pairs = Array.from({ length: 24 }, (_, index) => ({
      anyOf: [{ level: `p/${index}` }, { level: `q/${index}` }],
    }));
    expect(evaluate(policy({ allOf: pairs }), []).alternatives).toHaveLength(32);
  });

  it('does not count a blocked approval, and names what blocks it', () => {
    const blocked = held('p/a', 'VERIFIED', { blockedBy: 'q/c', blockedAt: at(5) });
    expect(evaluate(policy(a), [blocked])).toEqual({
      status: 'NOT_VERIFIED',
      since: at(5),
      expiresAt: null,
      because: [],
      blockedBy: ['q/c'],
      missing: ['p/a'],
      alternatives: [['p/a']],
    });
    expect(evaluate(policy({ anyOf: [a, b] }), [blocked, held('p/b', 'VERIFIED')])).toMatchObject({
      status: 'VERIFIED',
      because: ['p/b'],
      blockedBy: [],
    });
  });

  it('is verified since the last of all, or the first of any', () => {
    const levels = [
      held('p/a', 'VERIFIED', { since: at(1) }),
      held('p/b', 'VERIFIED', { since: at(2) }),
    ];
    expect(evaluate(policy({ allOf: [a, b] }), levels).since).toBe(at(2));
    expect(evaluate(policy({ anyOf: [a, b] }), levels).since).toBe(at(1));
  });

  it('lasts as long as the first of all, or the last of any', () => {
    const levels = [
      held('p/a', 'VERIFIED', { expiresAt: at(10) }),
      held('p/b', 'VERIFIED', { expiresAt: at(20) }),
    ];
    expect(evaluate(policy({ allOf: [a, b] }), levels).expiresAt).toBe(at(10));
    expect(evaluate(policy({ anyOf: [a, b] }), levels).expiresAt).toBe(at(20));
    const lasting = [held('p/a', 'VERIFIED', { expiresAt: at(10) }), held('p/b', 'VERIFIED')];
    expect(evaluate(policy({ anyOf: [a, b] }), lasting).expiresAt).toBeNull();
  });

  it('has an end only while it is verified', () => {
    const lasting = held('p/a', 'VERIFIED', { expiresAt: at(10) });
    const both = policy({ allOf: [a, b] });
    expect(evaluate(both, [lasting]).expiresAt).toBeNull();
    expect(evaluate(both, [lasting, held('p/b', 'EXPIRED')]).expiresAt).toBeNull();
    expect(evaluate(both, [lasting, held('p/b', 'VERIFIED')]).expiresAt).toBe(at(10));
  });
});

describe('without a policy', () => {
  it('asks every LEVEL and ADD_ON seen at some one provider', () => {
    const levels = [
      held('p/a', 'VERIFIED'),
      held('p/b', 'NOT_VERIFIED', { kind: 'ADD_ON' }),
      held('q/c', 'VERIFIED'),
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

  it('asks for neither actions nor superseded levels', () => {
    const levels = [
      held('p/a', 'VERIFIED'),
      held('p/action', 'NOT_VERIFIED', { kind: 'ACTION' }),
      held('p/old', 'NOT_VERIFIED', { superseded: true }),
    ];
    expect(evaluate(DEFAULT_POLICY, levels).status).toBe('VERIFIED');
    expect(evaluate(DEFAULT_POLICY, levels.slice(1))).toMatchObject({
      status: 'NOT_VERIFIED',
      missing: [],
    });
  });

  it('knows of nobody anything until something is said', () => {
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
