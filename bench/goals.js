/** Performance goals. Each goal is a ratio of two figures of one run, so it does not depend on the machine. */

const QUESTIONS = ['q1', 'q2', 'q3'];
const NAMES = {
  q1: 'q1, one user with attempts and levels',
  q2: 'q2, page of 20 users, nested',
  q3: 'q3, 50 attempts by status, deep in the list',
};
const STOCK_GOALS = { q1: 8, q2: 8, q3: 9 };

const atLeast = (limit) => ({ text: `≥ ${limit}`, met: (value) => value >= limit });
const atMost = (limit, unit = '') => ({
  text: `≤ ${limit}${unit}`,
  met: (value) => value <= limit,
});
const worst = (values) => Math.max(...values);

/** `{ what, goal, of }` by part of the bench; `of` takes what the part has measured. */
const GOALS = {
  ingest: [
    {
      what: 'Ingest at 64 connections, × plain receiver',
      goal: atLeast(20),
      of: ({ gateway, plain }) => gateway[64].perSecond / plain[64].perSecond,
    },
    {
      what: '… share of bare HTTP at 64 connections',
      goal: atLeast(0.4),
      of: ({ gateway, bare }) => gateway[64].perSecond / bare[64].perSecond,
    },
    {
      what: '… share of bare HTTP at 256 connections',
      goal: atLeast(0.4),
      of: ({ gateway, bare }) => gateway[256].perSecond / bare[256].perSecond,
    },
    {
      what: '… at 1 connection, × plain receiver',
      goal: atLeast(3.5),
      of: ({ gateway, plain }) => gateway[1].perSecond / plain[1].perSecond,
    },
    {
      what: '… disk flushes per request, 1 connection',
      goal: atLeast(0.95),
      of: ({ gateway }) => gateway[1].flushes,
    },
    {
      what: '… disk flushes per request, 64 connections',
      goal: atMost(0.05),
      of: ({ gateway }) => gateway[64].flushes,
    },
    {
      what: '… disk flushes per request, 256 connections',
      goal: atMost(0.02),
      of: ({ gateway }) => gateway[256].flushes,
    },
    {
      what: '… p99 at 256 connections ÷ plain receiver’s',
      goal: atMost(0.12),
      of: ({ gateway, plain }) => gateway[256].p99 / plain[256].p99,
    },
  ],
  queries: [
    ...QUESTIONS.map((question) => ({
      what: `${NAMES[question]}, × stock stack`,
      goal: atLeast(STOCK_GOALS[question]),
      of: ({ gateway, stock }) => gateway[question].perSecond / stock[question].perSecond,
    })),
    ...QUESTIONS.map((question) => ({
      what: `${question}, × mercurius`,
      goal: atLeast(1.3),
      of: ({ gateway, mercurius }) => gateway[question].perSecond / mercurius[question].perSecond,
    })),
    {
      what: 'Query p99 ÷ stock stack’s, worst of the three',
      goal: atMost(0.2),
      of: ({ gateway, stock }) =>
        worst(QUESTIONS.map((question) => gateway[question].p99 / stock[question].p99)),
    },
  ],
  fanout: [
    {
      what: 'Broadcast to all subscribers, × stock graphql-ws',
      goal: atLeast(3.5),
      of: ({ gateway, stock }) => gateway.broadcast.perSecond / stock.broadcast.perSecond,
    },
    {
      what: '… share of the frame limit',
      goal: atLeast(0.8),
      of: ({ gateway, frame }) => gateway.broadcast.perSecond / frame.broadcast.perSecond,
    },
    {
      what: 'One of all subscribers: p99 from commit to receipt, above the frame limit’s',
      goal: atMost(2, ' ms'),
      of: ({ gateway, frame }) => gateway.own.p99 - frame.own.p99,
    },
    {
      what: '… rate ÷ rate with a tenth of the subscribers',
      goal: atLeast(0.75),
      of: ({ gateway }) => gateway.own.perSecond / gateway.fewer.perSecond,
    },
    {
      what: 'Memory per idle subscriber ÷ stock graphql-ws',
      goal: atMost(0.5),
      of: ({ gateway, stock }) =>
        gateway.broadcast.bytesPerSubscriber / stock.broadcast.bytesPerSubscriber,
    },
  ],
  mixed: [
    {
      what: 'Queries at half their maximum during 2,000 webhooks/s: p99 ÷ p99 in quiet, worst of the three',
      goal: atMost(3),
      of: (mixed) =>
        worst(QUESTIONS.map((question) => mixed[question].p99 / mixed[question].quietP99)),
    },
    {
      what: '… p99 of ingest, worst of the three',
      goal: atMost(50, ' ms'),
      of: (mixed) => worst(QUESTIONS.map((question) => mixed[question].ingestP99)),
    },
  ],
  growth: [
    ...[...QUESTIONS, 'ingest'].map((question) => ({
      what: `10 × the rows: ${question}, ÷ its rate at 1 ×`,
      goal: atLeast(0.85),
      of: ({ rates }) => rates[10]?.[question] / rates[1][question],
    })),
    {
      what: 'Start to first answer, existing database',
      goal: atMost(1, ' s'),
      of: ({ startupMs }) => startupMs / 1000,
    },
  ],
};

module.exports = { GOALS };
