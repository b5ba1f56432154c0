/** Operations that require scopes. */

/** A query without personal data. */
export const NAMES = '{ users { nodes { externalUserId } } }';

/** One thing for each scope, or pair of them, to allow. */
export const DOINGS: Readonly<Record<string, string>> = {
  users: NAMES,
  profile: '{ users { nodes { profile(reason: "test") { fullName } } } }',
  rawBody: '{ webhookDeliveries { nodes { rawBody(reason: "test") } } }',
  createUser: 'mutation { createUser(input: { externalUserId: "new" }) { created } }',
  linkIdentity: `mutation {
    linkIdentity(input: { identity: { provider: SUMSUB, ref: "applicant-of-ada" }, externalUserId: "ada" }) {
      user { id }
    }
  }`,
  hold: `mutation {
    setLegalHold(input: { externalUserId: "ada", basis: "a case" }) { userErrors { code } }
  }`,
  replay: `mutation {
    replayDeliveries(input: { provider: SUMSUB, dryRun: true }) { deliveries }
  }`,
};
