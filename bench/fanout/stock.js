/** Stock graphql-ws over a pub/sub with one topic per user and one topic for all users. */

const { gatewayRequire } = require('../lib/gateway-modules');
const { createPubSub } = gatewayRequire('@graphql-yoga/subscription');
const { buildSchema } = gatewayRequire('graphql');
const { useServer } = gatewayRequire('graphql-ws/use/ws');
const { SCHEMA } = require('./events');
const { startPublishServer } = require('./publish-server');

const EVERYBODY = 'everybody';
const pubSub = createPubSub();
const schema = buildSchema(SCHEMA);
const field = schema.getSubscriptionType().getFields().statusChanged;
field.subscribe = (_, { filter }) => pubSub.subscribe(filter?.externalUserId ?? EVERYBODY);
field.resolve = (event) => event;

const sockets = startPublishServer((event) => {
  pubSub.publish(event.user.externalUserId, event);
  pubSub.publish(EVERYBODY, event);
});
useServer({ schema }, sockets);
