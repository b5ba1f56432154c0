/** A person or a company, across providers. */

import { Field, ObjectType } from 'type-graphql';
import type { SubjectKind } from '../../domain/level';
import type { VerificationStatus } from '../../domain/status';
import type { UserRow } from '../../store/read/reader';
import { SubjectKindEnum, VerificationStatusEnum } from '../enums/status.enum';
import { createConnectionType, Node } from '../relay/connection.type';
import { DateTime } from '../relay/date-time.scalar';
import { encodeNodeId } from '../relay/node-id';
import type { Context } from '../request/context';

@ObjectType('User', { implements: Node, description: 'A person or a company, across providers.' })
export class User implements Node {
  /** Internal number, not in the schema. */
  readonly key: number;

  readonly id: string;

  @Field(() => String, {
    nullable: true,
    description: 'Your ID for the user. Null if it is unknown.',
  })
  readonly externalUserId: string | null;

  @Field(() => SubjectKindEnum, {
    description:
      'Kind of the user: COMPANY if the user has identities and all are companies, otherwise PERSON. Identities of the other kind have no levels.',
  })
  readonly kind: SubjectKind;

  @Field(() => VerificationStatusEnum, {
    description:
      'Status of the user according to the verification policy. `verification` contains the explanation.',
  })
  readonly verificationStatus: VerificationStatus;

  @Field(() => Boolean, {
    description:
      'Whether the user is active: false while any account of the user is deactivated at its provider, or after all of them are deleted.',
  })
  readonly active: boolean;

  @Field(() => DateTime, {
    nullable: true,
    description:
      'Time of the erasure. Null if the user is not erased. The statuses of an erased user are those at the time of the erasure and no longer change.',
  })
  readonly erasedAt: Date | null;

  @Field(() => DateTime, { description: 'Time at which the gateway created the user.' })
  readonly createdAt: Date;

  @Field(() => DateTime, { description: 'Time of the last change to the user.' })
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

/** Loads a user by number, batched, following merges. Returns null if it does not exist or the viewer may not see it. */
export async function loadUser(context: Context, key: number): Promise<User | null> {
  const row = await context.loaders.user.load(key);
  const isVisible = await context.visibility.canSeeUser(row?.id ?? null);
  return row && isVisible ? new User(row) : null;
}
