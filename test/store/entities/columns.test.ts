/** Names and conversions of columns follow from the decorators of the entities. */

import { AttemptEntity } from '../../../src/store/entities/attempt.entity';
import {
  createConverter,
  createRowReader,
  createRowWriter,
  getNames,
  getPropertyColumns,
  getTable,
  toSelectList,
} from '../../../src/store/entities/columns';
import { LevelEntity } from '../../../src/store/entities/level.entity';
import { UserEntity } from '../../../src/store/entities/user.entity';
import { UserLevelEntity } from '../../../src/store/entities/user-level.entity';

describe('getTable', () => {
  it('returns the table, its columns and the columns of its key', () => {
    const { name, columns, key } = getTable(UserLevelEntity);
    expect(name).toBe('user_levels');
    expect(key).toEqual(['user_id', 'level_key']);
    expect(columns).toContainEqual({
      property: 'expiresAt',
      name: 'expires_at',
      conversion: null,
    });
    expect(columns).toContainEqual({
      property: 'superseded',
      name: 'superseded',
      conversion: 'BOOLEAN',
    });
  });

  it('excludes relations', () => {
    const properties: readonly string[] = getTable(UserEntity).columns.map((one) => one.property);
    expect(properties).toContain('mergedInto');
    expect(properties).not.toContain('survivor');
  });
});

describe('getNames', () => {
  it('returns columns by property, with and without an alias', () => {
    expect(getNames(AttemptEntity, 'a').startedAt).toBe('a.started_at');
    expect(getNames(AttemptEntity).startedAt).toBe('started_at');
  });
});

describe('createRowReader', () => {
  const reader = createRowReader(AttemptEntity, 'a', {
    only: ['id', 'sandbox', 'reviewReasons', 'updatedAt'],
    dates: ['updatedAt'],
    computed: { provider: 'l.provider' },
  });

  it('selects the chosen columns and expressions', () => {
    expect(reader.select).toBe(
      'a.id, a.review_reasons, a.sandbox, a.updated_at, l.provider AS "provider"',
    );
  });

  it('converts booleans, JSON and dates and ignores other columns', () => {
    const selected = {
      id: 1,
      sandbox: 1,
      review_reasons: '[{"code":"OTHER"}]',
      updated_at: '2024-01-01T00:00:00.000Z',
      provider: 'sumsub',
      sort_key: 'x',
    };
    expect(reader.toRow(selected)).toEqual({
      id: 1,
      sandbox: true,
      reviewReasons: [{ code: 'OTHER' }],
      updatedAt: new Date('2024-01-01T00:00:00Z'),
      provider: 'sumsub',
    });
  });
});

describe('createConverter', () => {
  it('converts in place and accepts JSON that is already parsed', () => {
    const row = { sandbox: 0, rejection: null, reviewReasons: [] };
    expect(createConverter(AttemptEntity)(row)).toBe(row);
    expect(row).toEqual({ sandbox: false, rejection: null, reviewReasons: [] });
  });
});

describe('createRowWriter', () => {
  it('takes values from getters, then from the source', () => {
    const writer = createRowWriter(LevelEntity, (level: { kind: 'LEVEL'; name: string }) => level, {
      key: ({ name }) => `sumsub/${name}`,
      provider: () => 'sumsub',
    });
    expect(writer.columns.map(({ name }) => name)).toEqual(['key', 'provider', 'name', 'kind']);
    expect(writer.toValues({ kind: 'LEVEL', name: 'basic' })).toEqual([
      'sumsub/basic',
      'sumsub',
      'basic',
      'LEVEL',
    ]);
  });
});

it('toSelectList names columns by property', () => {
  const columns = getPropertyColumns(UserEntity, 'u', { only: ['id', 'createdAt'] });
  expect(toSelectList(columns)).toBe('u.id AS "id", u.created_at AS "createdAt"');
});
