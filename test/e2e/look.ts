/** How personal data is asked for: where the schema wants to be told why, with a reason. */

import { isObjectType } from 'graphql';
import { createSchema } from '../../src/graphql/schema';
import { PROVIDERS } from '../../src/providers/registry';

const SCHEMA = createSchema(PROVIDERS);

/** @returns e.g. `profile(reason: "a test")`, without a selection. */
export function look(typeName: string, fieldName: string): string {
  const type = SCHEMA.getType(typeName);
  const field = isObjectType(type) ? type.getFields()[fieldName] : undefined;
  const asks = field?.args.some(({ name }) => name === 'reason') === true;
  return asks ? `${fieldName}(reason: "a test")` : fieldName;
}
