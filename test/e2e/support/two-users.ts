/** A gateway with two users who must not see each other's data. */

import { paycaddy } from '../../store/provider-deliveries';
import type { Disposal } from '../../support/disposal';
import { startGateway, type TestGateway } from './gateway';
import { about, GREEN } from './messages';

/** Starts a gateway with two users, ada and ben, who have accounts at two providers each, and one unreadable message. */
export async function startWithTwo(disposal: Disposal): Promise<TestGateway> {
  const gateway = await startGateway(disposal);
  for (const user of ['ada', 'ben']) {
    await gateway.post('sumsub', about(user, 'applicantPending', 1));
    await gateway.post('sumsub', about(user, 'applicantReviewed', 2, GREEN));
    await gateway.post('paycaddy', {
      ...paycaddy('rejected', user, 1),
      fullName: `Name of ${user}`,
    });
    await gateway.ask(LINK, { ref: user, externalUserId: user });
  }
  await gateway.post('sumsub', 'unreadable');
  return gateway;
}

/** Ties an account at PayCaddy to a user. */
export const LINK = `mutation ($ref: String!, $externalUserId: String!) {
  linkIdentity(input: { identity: { provider: PAYCADDY, ref: $ref }, externalUserId: $externalUserId }) {
    userErrors { code }
  }
}`;
