/** The GraphQL schema: its resolvers and its SDL. */

// Must be the first import: the decorators of type-graphql require it.
import 'reflect-metadata';
import {
  type GraphQLSchema,
  Kind,
  lexicographicSortSchema,
  parse,
  printSchema,
  specifiedDirectives,
} from 'graphql';
import { buildSchemaSync, type PubSub } from 'type-graphql';
import { InvariantError } from '../domain/errors';
import { restrictReasons } from './access/end-user-reasons';
import { type ProviderListing, providerMapping } from './enums/provider.enum';
import { CreateUserResolver } from './mutations/create-user.mutation';
import { EraseUserResolver } from './mutations/erase-user.mutation';
import { LegalHoldResolver } from './mutations/legal-hold.mutation';
import { LinkIdentityResolver } from './mutations/link-identity.mutation';
import {
  ReplayDeliveriesResolver,
  ReplayFailureResolver,
} from './mutations/replay-deliveries.mutation';
import { findPersonalFields, guardPersonalFields, PERSONAL_DIRECTIVE } from './request/personal';
import { AttemptResolver } from './resolvers/attempt.resolver';
import { AuditResolver } from './resolvers/audit.resolver';
import { DeliveryResolver } from './resolvers/delivery.resolver';
import { LevelResolver, UserLevelResolver } from './resolvers/level.resolver';
import { ProviderInfoResolver } from './resolvers/provider-info.resolver';
import { NodeResolver, ViewerResolver } from './resolvers/root.resolver';
import { StatusSubscription } from './resolvers/status.subscription';
import { ChangeCauseResolver, StatusChangeResolver } from './resolvers/status-change.resolver';
import { UserResolver } from './resolvers/user.resolver';
import {
  MissingLevelResolver,
  UserVerificationResolver,
  VerificationReasonResolver,
} from './resolvers/verification.resolver';

/**
 * Builds the schema. Resolvers take their dependencies from the `Context`, so one schema serves all gateways of a process.
 *
 * @param providers - All providers of the registry, configured or not: the values of the enum `Provider`.
 */
export function createSchema(providers: readonly ProviderListing[]): GraphQLSchema {
  const schema = buildSchemaSync({
    resolvers: [
      AttemptResolver,
      AuditResolver,
      ChangeCauseResolver,
      CreateUserResolver,
      DeliveryResolver,
      EraseUserResolver,
      LegalHoldResolver,
      LevelResolver,
      LinkIdentityResolver,
      MissingLevelResolver,
      NodeResolver,
      ProviderInfoResolver,
      ReplayDeliveriesResolver,
      ReplayFailureResolver,
      StatusChangeResolver,
      StatusSubscription,
      UserLevelResolver,
      UserResolver,
      UserVerificationResolver,
      VerificationReasonResolver,
      ViewerResolver,
    ],
    directives: [...specifiedDirectives, PERSONAL_DIRECTIVE],
    scalarsMap: [providerMapping(providers)],
    pubSub: NO_PUB_SUB,
    validate: false,
  });
  setRootDescriptions(schema);
  guardPersonalFields(schema);
  restrictReasons(schema);
  return schema;
}

/** Prints the schema as sorted SDL. Equal schemas have equal SDL. */
export function printSdl(schema: GraphQLSchema): string {
  return `${addPersonalDirectives(printSchema(lexicographicSortSchema(schema)), schema)}\n`;
}

/** Adds `@personal` to the marked fields: the library prints only the definition of a directive. */
function addPersonalDirectives(sdl: string, schema: GraphQLSchema): string {
  const marked = new Set(
    findPersonalFields(schema).map(({ type, field }) => `${type}.${field.name}`),
  );
  const ends = parse(sdl).definitions.flatMap((definition) =>
    definition.kind === Kind.OBJECT_TYPE_DEFINITION ||
    definition.kind === Kind.INTERFACE_TYPE_DEFINITION
      ? (definition.fields ?? [])
          .filter(({ name }) => marked.has(`${definition.name.value}.${name.value}`))
          .flatMap(({ type }) => type.loc?.end ?? [])
      : [],
  );
  return ends.reduceRight(
    (text, end) => `${text.slice(0, end)} @${PERSONAL_DIRECTIVE.name}${text.slice(end)}`,
    sdl,
  );
}

/** Placeholder for type-graphql, which requires one. Subscriptions read the change log instead. */
const NO_PUB_SUB: PubSub = {
  publish() {
    throw new InvariantError('A subscription used PubSub');
  },
  subscribe() {
    throw new InvariantError('A subscription used PubSub');
  },
};

const ROOT_DESCRIPTIONS: Readonly<Record<string, string>> = {
  Query: 'Queries. An operation reads from one snapshot of the data.',
  Mutation: 'Actions of operators. Expected failures are returned as `userErrors` of the payload.',
  Subscription: 'Subscriptions to the change log.',
};

/** Sets the descriptions of the root types, for which type-graphql has no option. */
function setRootDescriptions(schema: GraphQLSchema): void {
  for (const [name, description] of Object.entries(ROOT_DESCRIPTIONS)) {
    const type = schema.getType(name);
    if (type) type.description = description;
  }
}
