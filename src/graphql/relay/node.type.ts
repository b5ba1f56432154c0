/** The interface `Node` of Relay. */

import { Field, ID, InterfaceType } from 'type-graphql';

@InterfaceType('Node', { description: 'An object that `node` can fetch by its ID.' })
export abstract class Node {
  @Field(() => ID, { description: 'Opaque, permanent ID.' })
  readonly id!: string;
}
