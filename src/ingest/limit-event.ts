/** Limits the length of texts from the provider in an event. The stored body of the delivery remains complete. */

import type { Profile, Reason, VerificationEvent } from '../domain/event';
import {
  MAX_CODE_LENGTH,
  MAX_NAME_LENGTH,
  MAX_REASONS,
  MAX_TEXT_LENGTH,
  truncate,
} from '../domain/text';

export function limitEvent<Event extends VerificationEvent>(event: Event): Event {
  return {
    ...event,
    ...('providerStatus' in event && {
      providerStatus: truncate(event.providerStatus, MAX_NAME_LENGTH),
    }),
    ...('reasons' in event &&
      event.reasons && { reasons: event.reasons.slice(0, MAX_REASONS).map(limitReason) }),
    ...('profile' in event && { profile: limitProfile(event.profile) }),
  };
}

function limitReason({ code, providerCode, message }: Reason): Reason {
  return {
    code,
    providerCode: providerCode === null ? null : truncate(providerCode, MAX_CODE_LENGTH),
    message: message === null ? null : truncate(message, MAX_TEXT_LENGTH),
  };
}

function limitProfile(profile: Profile): Profile {
  const texts = Object.entries(profile).map(([name, text]) => [
    name,
    truncate(text, MAX_NAME_LENGTH),
  ]);
  return Object.fromEntries(texts);
}
