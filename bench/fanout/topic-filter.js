/** type-graphql as documented: one topic, and a filter that picks each subscriber's events. */

const { gatewayRequire } = require('../lib/gateway-modules');
gatewayRequire('reflect-metadata');
const { createPubSub } = gatewayRequire('@graphql-yoga/subscription');
const { useServer } = gatewayRequire('graphql-ws/use/ws');
const {
  Arg,
  Field,
  ID,
  InputType,
  ObjectType,
  Query,
  Resolver,
  Root,
  Subscription,
  buildSchemaSync,
} = gatewayRequire('type-graphql');
const { startPublishServer } = require('./publish-server');

const TOPIC = 'STATUS_CHANGED';

function fields(Class, types, decorate = ObjectType()) {
  for (const [name, [type, options]] of Object.entries(types))
    Field(type, options)(Class.prototype, name);
  decorate(Class);
}

const string = [() => String];
const optional = [() => String, { nullable: true }];
class StatusChangeFilter {}
fields(StatusChangeFilter, { externalUserId: optional }, InputType());
class Level {}
fields(Level, { key: string });
class User {}
fields(User, { id: [() => ID], externalUserId: optional });
class StatusChange {}
fields(StatusChange, {
  id: [() => ID],
  cursor: string,
  provider: optional,
  attemptStatus: optional,
  previousAttemptStatus: optional,
  verificationStatus: string,
  previousVerificationStatus: string,
  occurredAt: string,
  recordedAt: string,
  level: [() => Level, { nullable: true }],
  user: [() => User],
});

class StatusResolver {
  ready() {
    return true;
  }

  statusChanged(event) {
    return event;
  }
}
const descriptor = (name) => Object.getOwnPropertyDescriptor(StatusResolver.prototype, name);
Query(() => Boolean)(StatusResolver.prototype, 'ready', descriptor('ready'));
Root()(StatusResolver.prototype, 'statusChanged', 0);
Arg('filter', () => StatusChangeFilter, { nullable: true })(
  StatusResolver.prototype,
  'statusChanged',
  1,
);
Subscription(() => StatusChange, {
  topics: TOPIC,
  filter({ payload, args }) {
    const wanted = args.filter?.externalUserId;
    return wanted === undefined || wanted === payload.user.externalUserId;
  },
})(StatusResolver.prototype, 'statusChanged', descriptor('statusChanged'));
Resolver()(StatusResolver);

const pubSub = createPubSub();
const schema = buildSchemaSync({ resolvers: [StatusResolver], pubSub });
const sockets = startPublishServer((event) => pubSub.publish(TOPIC, event));
useServer({ schema }, sockets);
