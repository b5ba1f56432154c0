/** Tests of the policy file parser. */

import { parsePolicy } from '../../src/config/policy';

const PROVIDERS = ['fractal-id', 'sumsub'];
const DAY_MS = 86_400_000;

function parse(file: unknown) {
  const text = typeof file === 'string' ? file : JSON.stringify(file);
  const faults: string[] = [];
  const policy = parsePolicy(text, PROVIDERS, (path) => faults.push(path));
  return { policy, faults };
}

it('parses nested rules and expiry durations', () => {
  const { policy, faults } = parse({
    verified: {
      anyOf: ['sumsub/basic-kyc-level', { allOf: ['fractal-id/basic', 'fractal-id/liveness'] }],
    },
    expiresAfter: { 'sumsub/basic-kyc-level': 'P365D', '*': 'P2Y' },
  });
  expect(faults).toEqual([]);
  expect(policy).toEqual({
    verified: {
      anyOf: [
        { level: 'sumsub/basic-kyc-level' },
        { allOf: [{ level: 'fractal-id/basic' }, { level: 'fractal-id/liveness' }] },
      ],
    },
    expiresAfterMs: { 'sumsub/basic-kyc-level': 365 * DAY_MS, '*': 730 * DAY_MS },
  });
});

it('accepts a single level as the rule', () => {
  expect(parse({ verified: 'fractal-id/basic' }).policy.verified).toEqual({
    level: 'fractal-id/basic',
  });
});

it('accepts slashes in level names', () => {
  expect(parse({ verified: 'sumsub/a/b c' })).toMatchObject({
    policy: { verified: { level: 'sumsub/a/b c' } },
    faults: [],
  });
});

it('parses the rejection reasons that block older approvals', () => {
  expect(parse({ blockedBy: ['FRAUD_SUSPECTED'] }).policy.blockedBy).toEqual(['FRAUD_SUSPECTED']);
  expect(parse({ blockedBy: [] }).policy.blockedBy).toEqual([]);
});

it('accepts an empty object', () => {
  expect(parse({})).toEqual({ policy: { verified: null, expiresAfterMs: {} }, faults: [] });
});

it.each([
  ['text that is not JSON', 'verified: basic', ['']],
  ['a list', [], ['']],
  ['null', null, ['']],
  ['an unknown key', { verifed: 'sumsub/basic' }, ['']],
  ['a number for a rule', { verified: 1 }, ['verified']],
  ['null for a rule', { verified: null }, ['verified']],
  ['a list for a rule', { verified: ['sumsub/basic'] }, ['verified']],
  [
    'both operators in one object',
    { verified: { anyOf: ['sumsub/a'], allOf: ['sumsub/a'] } },
    ['verified'],
  ],
  ['an empty list', { verified: { allOf: [] } }, ['verified.allOf']],
  ['a rule that is not a list', { verified: { anyOf: 'sumsub/a' } }, ['verified.anyOf']],
  ['an additional key', { verified: { anyOf: ['sumsub/a'], not: 'sumsub/b' } }, ['verified']],
  ['an unknown reason', { blockedBy: ['FRAUD'] }, ['blockedBy']],
  ['one reason without a list', { blockedBy: 'AML' }, ['blockedBy']],
  ['an unknown operator', { verified: { not: 'sumsub/a' } }, ['verified']],
  ['an unknown provider', { verified: 'sumsup/basic' }, ['verified']],
  ['a level without a name', { verified: 'sumsub/' }, ['verified']],
  ['a level without a provider', { verified: 'basic' }, ['verified']],
  ['durations in a list', { expiresAfter: ['P1D'] }, ['expiresAfter']],
  [
    'a duration for an invalid level',
    { expiresAfter: { basic: 'P1D' } },
    ['expiresAfter["basic"]'],
  ],
  ['a number for a duration', { expiresAfter: { '*': 365 } }, ['expiresAfter["*"]']],
  ['a negative duration', { expiresAfter: { '*': '-P1D' } }, ['expiresAfter["*"]']],
  ['a zero duration', { expiresAfter: { '*': 'PT0S' } }, ['expiresAfter["*"]']],
  ['text that is not a duration', { expiresAfter: { '*': '1 year' } }, ['expiresAfter["*"]']],
  ['a duration beyond the maximum', { expiresAfter: { '*': 'P9999Y' } }, ['expiresAfter["*"]']],
])('rejects %s and names its path', (_case, file, paths) => {
  expect(parse(file).faults).toEqual(paths);
});

it('reports every fault', () => {
  const { faults } = parse({
    verified: { anyOf: ['basic', { allOf: ['sumsub/basic', 2] }, {}] },
    expiresAfter: { '*': 'soon', 'sumsub/basic': 'later' },
  });
  expect(faults).toEqual([
    'verified.anyOf[0]',
    'verified.anyOf[1].allOf[1]',
    'verified.anyOf[2]',
    'expiresAfter["*"]',
    'expiresAfter["sumsub/basic"]',
  ]);
});
