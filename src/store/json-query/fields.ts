/**
 * What can be told of each kind of thing in a tree, as SQL. Each kind has one alias, `u` for users say, and a thing is
 * written where its row stands under that alias: inside of another thing, the nearest one is meant.
 *
 * What is published in another form than rows have it is written as a list, `["User", 12]`, which occurs nowhere else,
 * and spelled when the text is there.
 */

import { where } from '../database/where';
import { ATTEMPT_KIND, attemptQuery } from '../read/attempts';
import { LEVELS_OF_USER, levelClauses, levelPageSql } from '../read/user-levels';
import { writePage } from './page';
import { column, type Kind, many, one, type WriteField, writeObject } from './sql';

const flag = (sql: string) => column(`json(iif(${sql}, 'true', 'false'))`);
const moment = (sql: string) => column(`substr(${sql}, 1, 23) || 'Z'`); // NULL stays NULL
const provider = (sql: string) => column(`json_array('Provider', ${sql})`);
const id = (kind: string, sql: string) => column(`json_array('${kind}', ${sql})`);

const LEVEL: Kind = {
  key: column('l.key'),
  provider: provider('l.provider'),
  name: column('l.name'),
  kind: column('l.kind'),
};

const REASON: Kind = {
  code: column("r.value ->> 'code'"),
  providerCode: column("r.value ->> 'providerCode'"),
  message: column("r.value ->> 'message'"),
};

/** Those that the viewer sees. */
function reasons(from: string): WriteField {
  return (out, node) => {
    if (out.reasonCodes === null) return many(() => REASON, from)(out, node);
    many(() => REASON, `${from} WHERE r.value ->> 'code' IN (?*)`)(out, node);
    out.parameters.push(out.reasonCodes);
  };
}

const REJECTION: Kind = {
  retryable: column("a.rejection -> 'retryable'"),
  reasons: reasons("json_each(a.rejection, '$.reasons') r"),
};

export const ATTEMPT: Kind = {
  id: id('VerificationAttempt', 'a.id'),
  kind: column(ATTEMPT_KIND),
  provider: provider("substr(a.level_key, 1, instr(a.level_key, '/') - 1)"),
  number: column('a.number'),
  providerAttemptRef: column('a.attempt_ref'),
  status: column('a.status'),
  providerStatus(out) {
    out.sql += out.reasonCodes === null ? 'a.provider_status' : 'a.status';
  },
  rejection(out, { fields }) {
    out.sql += 'iif(a.rejection IS NULL, NULL, ';
    writeObject(out, REJECTION, fields);
    out.sql += ')';
  },
  reviewReasons: reasons('json_each(a.review_reasons) r'),
  trust: column('a.trust'),
  sandbox: flag('a.sandbox'),
  startedAt: moment('a.started_at'),
  updatedAt: moment('a.updated_at'),
  decidedAt: moment('a.decided_at'),
  level: one(() => LEVEL, 'levels l WHERE l.key = a.level_key'),
  user: one(() => USER, 'users u WHERE u.id = a.user_id'),
};

const USER_LEVEL: Kind = {
  status: column('v.status'),
  since: moment('v.since'),
  expiresAt: moment('v.expires_at'),
  superseded: flag('v.superseded'),
  level: one(() => LEVEL, 'levels l WHERE l.key = v.level_key'),
  latestAttempt: one(() => ATTEMPT, 'attempts a WHERE a.id = v.latest_attempt_id'),
};

const IDENTITY: Kind = {
  id: id('Identity', 'i.id'),
  provider: provider('i.provider'),
  ref: column('i.subject_ref'),
  externalUserId: column('i.external_user_id'),
  kind: column('i.kind'),
  state: column('i.state'),
  linked: flag('i.linked'),
  createdAt: column('i.created_at'),
};

export const USER: Kind = {
  id: id('User', 'u.id'),
  externalUserId: column('u.external_user_id'),
  kind: column('u.kind'),
  verificationStatus: column('u.verification_status'),
  active: flag('u.active'),
  createdAt: column('u.created_at'),
  updatedAt: column('u.updated_at'),
  identities: many(
    () => IDENTITY,
    '(SELECT * FROM identities o WHERE o.user_id = u.id ORDER BY o.id) i',
  ),
  levels(out, node) {
    if (node.choice?.of !== 'levels') throw new Error('expected a choice of levels');
    const { filter, page } = node.choice;
    const { sql, parameters } = levelPageSql('*', filter, page);
    many(() => USER_LEVEL, `(${sql}) v`)(out, node);
    out.parameters.push(...parameters);
  },
  levelCount(out, { choice }) {
    if (choice?.of !== 'levelCount') throw new Error('expected a choice of levels');
    const own = where([[LEVELS_OF_USER, []], ...levelClauses('o', choice.filter)]);
    out.sql += `(SELECT count(*) FROM user_levels o ${own.sql})`;
    out.parameters.push(...own.parameters);
  },
  attempts(out, node) {
    if (node.choice?.of !== 'attempts') throw new Error('expected a choice of attempts');
    const { filter, order, page } = node.choice;
    const query = attemptQuery(filter, order, [['a.user_id = u.id', []]]);
    writePage(out, { kind: ATTEMPT, alias: 'a', query, page }, node);
  },
};
