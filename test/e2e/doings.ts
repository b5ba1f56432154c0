/** Things to do that not everybody may. */

/** What there is to know without personal data. */
export const NAMES = '{ users { nodes { externalUserId } } }';

/** One thing for each scope, or pair of them, to allow. */
export const DOINGS: Readonly<Record<string, string>> = {
  users: NAMES,
  profile: '{ users { nodes { profile { fullName } } } }',
  rawBody: '{ webhookDeliveries { nodes { rawBody } } }',
  createUser: 'mutation { createUser(input: { externalUserId: "new" }) { created } }',
  linkIdentity: `mutation {
    linkIdentity(input: { identity: { provider: SUMSUB, ref: "applicant-of-ada" }, externalUserId: "ada" }) {
      user { id }
    }
  }`,
  replay: `mutation {
    replayDeliveries(input: { provider: SUMSUB, dryRun: true }) { deliveries }
  }`,
};
