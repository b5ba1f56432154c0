/** A person or a company, across providers. */

import { Field, ObjectType } from 'type-graphql';
import type { SubjectKind } from '../../domain/level';
import type { VerificationStatus } from '../../domain/status';
import type { UserRow } from '../../store/read/reader';
import { SubjectKindEnum, VerificationStatusEnum } from '../enums/status.enum';
import { createConnectionType } from '../relay/connection.type';
import { DateTime } from '../relay/date-time.scalar';
import { Node } from '../relay/node.type';
import { encodeNodeId } from '../relay/node-id';
import type { Context } from '../request/context';

@ObjectType('User', { implements: Node, description: 'A person or a company, across providers.' })
export class User implements Node {
  /** Our own number; not published. */
  readonly key: number;

  readonly id: string;

  @Field(() => String, {
    nullable: true,
    description: "Our customer's id of the user, where it is known.",
  })
  readonly externalUserId: string | null;

  @Field(() => SubjectKindEnum, {
    description:
      'PERSON, unless every known account of the user is one of a company. Accounts of the other kind hold no levels.',
  })
  readonly kind: SubjectKind;

  @Field(() => VerificationStatusEnum, {
    description: 'What the user holds by the policy of this gateway; `verification` says why.',
  })
  readonly verificationStatus: VerificationStatus;

  @Field(() => Boolean, {
    description:
      'False while any account of the user is switched off at its vendor, and once all of them are deleted.',
  })
  readonly active: boolean;

  @Field(() => DateTime, {
    nullable: true,
    description:
      'When the user was erased. What is told here is then how things stood at that time, and nothing changes it any more.',
  })
  readonly erasedAt: Date | null;

  @Field(() => DateTime, { description: 'When the gateway first heard of the user.' })
  readonly createdAt: Date;

  @Field(() => DateTime, { description: 'When anything about the user last changed.' })
  readonly updatedAt: Date;

  constructor(row: UserRow) {
    this.key = row.id;
    this.id = encodeNodeId('User', row.id);
    this.externalUserId = row.externalUserId;
    this.kind = row.kind;
    this.verificationStatus = row.verificationStatus;
    this.active = row.active;
    this.erasedAt = row.erasedAt;
    this.createdAt = row.createdAt;
    this.updatedAt = row.updatedAt;
  }
}

export const UserConnection = createConnectionType('User', 'users', () => User);

/** The user of this number, batched, merges followed; `null` if there is none that the viewer may see. */
export async function loadUser(context: Context, key: number): Promise<User | null> {
  const row = await context.loaders.user.load(key);
  const isVisible = await context.visibility.canSeeUser(row?.id ?? null);
  return row && isVisible ? new User(row) : null;
}
