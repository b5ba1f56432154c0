/** Every body that the vendors publish, and what becomes of it. */

import { signedRequest } from '../support/sign';
import { caseNames, loadCases, VENDORS } from './cases';
import { receive } from './receive';
import { createProvider } from './subjects';

const SECRET = 'a-secret-shared-with-the-vendor';

describe.each(VENDORS)('%s', (id) => {
  const provider = createProvider(id, [SECRET]);

  it.each(loadCases(id))('makes of $name what is pinned', ({ body, outcome }) => {
    expect(receive(provider, signedRequest(id, body, { secret: SECRET }))).toEqual(outcome);
  });

  it.each(loadCases(id))('keeps what is personal in $name out of its key', ({ body, outcome }) => {
    const spoken = 'duplicateKey' in outcome ? [outcome.eventType, ...outcome.duplicateKey] : [];
    const { fullName, age, data } = JSON.parse(body.toString());
    const personal = [fullName, age, data?.email].filter((value) => value !== undefined);

    expect(spoken.filter((part) => personal.some((value) => part.includes(value)))).toEqual([]);
  });

  it('tells every message of the page from every other', () => {
    const keys = loadCases(id).flatMap(({ outcome }) =>
      'duplicateKey' in outcome ? [JSON.stringify(outcome.duplicateKey)] : [],
    );

    expect(new Set(keys).size).toBe(keys.length);
  });
});

it('covers all 38 published bodies', () => {
  expect(VENDORS.flatMap(caseNames)).toHaveLength(38);
});
