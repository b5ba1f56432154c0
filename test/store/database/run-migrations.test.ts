import { ConfigError } from '../../../src/domain/errors';
import { change } from '../../support/databases';
import { openTestStore } from '../open-test-store';

it('rejects a database that migrations of another build created', async () => {
  const { store, database, reopen } = await openTestStore();
  await store.close();
  await change(database, "UPDATE migrations SET name = 'CreateUsers1700000000000'");
  const opening = reopen();
  await expect(opening).rejects.toThrow(ConfigError);
  await expect(opening).rejects.toThrow('DATABASE_URL: an unreleased build created the tables');
});
