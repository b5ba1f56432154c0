/** The schema: the list of resolvers, and how it is printed. */

// First of all: the decorators of type-graphql need it where they are.
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
 * Builds the schema. Resolvers find all they need in the `Context`, so that one schema serves every gateway of a process.
 *
 * @param providers - Every vendor of the registry, configured or not: the values of the enum `Provider`.
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

/** The schema as text; the same schema gives the same text. */
export function printSdl(schema: GraphQLSchema): string {
  return `${addPersonalDirectives(printSchema(lexicographicSortSchema(schema)), schema)}\n`;
}

/** The library prints which directives there are, and not where they stand. */
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

/** type-graphql asks for one where there are subscriptions; ours read the log, and pushes never go through it. */
const NO_PUB_SUB: PubSub = {
  publish() {
    throw new Error('nothing is published: subscriptions read the change log');
  },
  subscribe() {
    throw new Error('nothing is published: subscriptions read the change log');
  },
};

const ROOT_DESCRIPTIONS: Readonly<Record<string, string>> = {
  Query: 'What can be asked. One operation is answered on one snapshot of the data.',
  Mutation: 'What operators can do. Expected failures are `userErrors` of the payload.',
  Subscription: 'What can be followed.',
};

/** type-graphql has no place for these. */
function setRootDescriptions(schema: GraphQLSchema): void {
  for (const [name, description] of Object.entries(ROOT_DESCRIPTIONS)) {
    const type = schema.getType(name);
    if (type) type.description = description;
  }
}
