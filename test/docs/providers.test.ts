/** The status tables of docs/providers match the adapters: every documented status and every untracked type. */

import { PROVIDER_SPECS, type ProviderSpec } from '../contract/provider-specs';
import { readPage, sectionOf } from './pages';

const page = (spec: ProviderSpec) => `docs/providers/${spec.id}.md`;

/** Fields that carry the status, in the order in which adapters read them. */
const STATUS_FIELDS = ['type', 'status', 'attemptStatus', 'verificationStatus'];

const DOCUMENTED = PROVIDER_SPECS.flatMap((spec) =>
  spec.documented.flatMap(([change, events]) => {
    const message = { ...spec.sample, ...change };
    const field = STATUS_FIELDS.find((name) => typeof message[name] === 'string');
    const word = String(message[field ?? '']);
    return events
      .flatMap((event) => /^STATUS (\w+)$/.exec(event)?.[1] ?? [])
      .map((status) => ({ spec, name: spec.name, word, status }));
  }),
);

const UNTRACKED = PROVIDER_SPECS.flatMap((spec) =>
  spec.untracked.map((type) => ({ spec, name: spec.name, type })),
);

it.each(DOCUMENTED)('$name: `$word` maps to $status', ({ spec, word, status }) => {
  const rows = sectionOf(page(spec), '## Statuses')
    .split('\n')
    .filter((row) => row.startsWith('|') && row.includes(`\`${word}\``));
  expect(rows.join('\n')).toContain(status);
});

it.each(UNTRACKED)('$name: `$type` is listed as not tracked', ({ spec, type }) => {
  const names = [...readPage(page(spec)).matchAll(/`([\w/.-]+)`/g)].map(([, name = '']) => name);
  const lists = (name: string) => type.startsWith(name) || name.endsWith(`/${type}`);
  expect(names.filter((name) => name.length > 2).some(lists)).toBe(true);
});

it('checks every provider', () => {
  expect(new Set(DOCUMENTED.map(({ name }) => name)).size).toBe(PROVIDER_SPECS.length);
});
