/**
 * The receiver that most would write: Express, TypeORM, SQLite, one transaction per request. Correct (a DataSource has one
 * connection, so transactions wait for each other), durable (a commit is on the disk when it is answered), deduplicated.
 */

const { createHmac, timingSafeEqual } = require('node:crypto');
const { join } = require('node:path');
const express = require('express');
const { gatewayRequire } = require('../lib/gateway-modules');
gatewayRequire('reflect-metadata');
const { DataSource, EntitySchema } = gatewayRequire('typeorm');

const { PORT, SECRET, DATA_DIR } = process.env;

const id = { type: 'integer', primary: true, generated: true };
const text = { type: 'text' };
const nullable = { type: 'text', nullable: true };
const number = { type: 'integer' };

const Delivery = new EntitySchema({
  name: 'Delivery',
  tableName: 'deliveries',
  columns: {
    id,
    provider: text,
    duplicateKey: text,
    duplicates: number,
    receivedAt: text,
    eventType: text,
    body: { type: 'blob' },
  },
  uniques: [{ columns: ['provider', 'duplicateKey'] }],
});
const User = new EntitySchema({
  name: 'User',
  tableName: 'users',
  columns: {
    id,
    externalUserId: { ...text, unique: true },
    verificationStatus: text,
    createdAt: text,
    updatedAt: text,
  },
});
const Attempt = new EntitySchema({
  name: 'Attempt',
  tableName: 'attempts',
  columns: {
    id,
    userId: number,
    subjectRef: text,
    level: text,
    status: text,
    providerStatus: text,
    rejection: nullable,
    startedAt: text,
    updatedAt: text,
  },
  indices: [{ columns: ['userId', 'startedAt'] }, { columns: ['status', 'startedAt'] }],
  uniques: [{ columns: ['subjectRef', 'level'] }],
});
const UserLevel = new EntitySchema({
  name: 'UserLevel',
  tableName: 'user_levels',
  columns: {
    userId: { type: 'integer', primary: true },
    level: { type: 'text', primary: true },
    status: text,
    since: text,
  },
});
const Change = new EntitySchema({
  name: 'Change',
  tableName: 'changes',
  columns: {
    id,
    userId: number,
    deliveryId: number,
    attemptId: number,
    level: text,
    status: text,
    previousStatus: nullable,
    recordedAt: text,
  },
  indices: [{ columns: ['userId', 'id'] }],
});

const dataSource = new DataSource({
  type: 'sqlite',
  database: join(DATA_DIR, 'kyc.sqlite'),
  enableWAL: true,
  synchronize: true,
  entities: [Delivery, User, Attempt, UserLevel, Change],
});

let turn = Promise.resolve();
function exclusively(work) {
  const result = turn.then(work);
  turn = result.catch(() => undefined);
  return result;
}

function isAuthentic(request) {
  const expected = createHmac('sha256', SECRET).update(request.body).digest();
  const shown = Buffer.from(request.get('x-payload-digest') ?? '', 'hex');
  return shown.length === expected.length && timingSafeEqual(shown, expected);
}

async function receive(manager, rawBody) {
  const message = JSON.parse(rawBody.toString('utf8'));
  const now = new Date().toISOString();
  const duplicateKey = [message.type, message.applicantId, message.createdAtMs].join('|');

  const deliveries = manager.getRepository(Delivery);
  const known = await deliveries.findOneBy({ provider: 'sumsub', duplicateKey });
  if (known !== null) {
    known.duplicates += 1;
    await deliveries.save(known);
    return { deliveryId: known.id, duplicate: true };
  }
  const delivery = await deliveries.save({
    provider: 'sumsub',
    duplicateKey,
    duplicates: 0,
    receivedAt: now,
    eventType: message.type,
    body: rawBody,
  });

  const verified = message.reviewResult.reviewAnswer === 'GREEN';
  const verificationStatus = verified ? 'VERIFIED' : 'NOT_VERIFIED';
  const users = manager.getRepository(User);
  const user = (await users.findOneBy({ externalUserId: message.externalUserId })) ?? {
    externalUserId: message.externalUserId,
    createdAt: now,
  };
  await users.save(Object.assign(user, { verificationStatus, updatedAt: now }));

  const attempts = manager.getRepository(Attempt);
  const key = { subjectRef: message.applicantId, level: message.levelName };
  const attempt = (await attempts.findOneBy(key)) ?? {
    ...key,
    userId: user.id,
    startedAt: message.createdAtMs,
  };
  const previousStatus = attempt.status ?? null;
  await attempts.save(
    Object.assign(attempt, {
      status: verified ? 'APPROVED' : 'REJECTED',
      providerStatus: `completed/${message.reviewResult.reviewAnswer}`,
      rejection: verified ? null : JSON.stringify(message.reviewResult.rejectLabels),
      updatedAt: message.createdAtMs,
    }),
  );

  const levels = manager.getRepository(UserLevel);
  const levelKey = { userId: user.id, level: message.levelName };
  const level = (await levels.findOneBy(levelKey)) ?? levelKey;
  await levels.save(
    Object.assign(level, { status: verificationStatus, since: message.createdAtMs }),
  );

  await manager.getRepository(Change).save({
    userId: user.id,
    deliveryId: delivery.id,
    attemptId: attempt.id,
    level: message.levelName,
    status: attempt.status,
    previousStatus,
    recordedAt: now,
  });
  return { deliveryId: delivery.id, duplicate: false };
}

async function main() {
  await dataSource.initialize();
  await dataSource.query('PRAGMA synchronous = FULL');
  const app = express();
  app.get('/', (_request, response) => response.send('ready'));
  app.post(
    '/webhooks/sumsub',
    express.raw({ type: 'application/json' }),
    async (request, response) => {
      if (!isAuthentic(request)) return response.sendStatus(403);
      response.json(
        await exclusively(() =>
          dataSource.transaction((manager) => receive(manager, request.body)),
        ),
      );
    },
  );
  app.listen(Number(PORT), '127.0.0.1');
}

main();
