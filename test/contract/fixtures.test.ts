/** Tests every published webhook body. */

import { signedRequest } from '../support/sign';
import { caseNames, loadCases, PROVIDER_NAMES } from './cases';
import { createProvider } from './provider-specs';
import { receive } from './receive';

const SECRET = 'a-secret-shared-with-the-provider';

describe.each(PROVIDER_NAMES)('%s', (id) => {
  const provider = createProvider(id, [SECRET]);

  it.each(loadCases(id))('normalizes $name to the expected events', ({ body, outcome }) => {
    expect(receive(provider, signedRequest(id, body, { secret: SECRET }))).toEqual(outcome);
  });

  it.each(loadCases(id))(
    'excludes personal data of $name from the duplicate key',
    ({ body, outcome }) => {
      const parts = 'duplicateKey' in outcome ? [outcome.eventType, ...outcome.duplicateKey] : [];
      const { fullName, age, data } = JSON.parse(body.toString());
      const personal = [fullName, age, data?.email].filter((value) => value !== undefined);

      expect(parts.filter((part) => personal.some((value) => part.includes(value)))).toEqual([]);
    },
  );

  it('has a different duplicate key for each published body', () => {
    const keys = loadCases(id).flatMap(({ outcome }) =>
      'duplicateKey' in outcome ? [JSON.stringify(outcome.duplicateKey)] : [],
    );

    expect(new Set(keys).size).toBe(keys.length);
  });
});

it('covers all 38 published bodies', () => {
  expect(PROVIDER_NAMES.flatMap(caseNames)).toHaveLength(38);
});
