/**
 * Refuses WebSocket messages that no client has reason to send before graphql-ws reads them. It would treat some of them as
 * a fault of the server: close code 4500 and an error with a stack in the log for each, also before authentication.
 */

import { parseMessage } from 'graphql-ws';
import { isTooDeep } from '../io/json-depth';
import type { GuardedSocket } from './socket';

export type MessageFault = 'MALFORMED' | 'TOO_DEEP' | 'UNEXPECTED_TYPE' | 'NOT_ACKNOWLEDGED';

/** Closes the connection. */
export type RefuseMessage = (fault: MessageFault) => void;

const CLIENT_TYPES: ReadonlySet<string> = new Set([
  'connection_init',
  'ping',
  'pong',
  'subscribe',
  'complete',
]);

/** @param isAcknowledged - Whether the client has been authenticated. */
export function screen(
  socket: GuardedSocket,
  isAcknowledged: () => boolean,
  refuse: RefuseMessage,
): GuardedSocket {
  return {
    ...socket,
    onMessage(handle) {
      socket.onMessage(async (text) => {
        const fault = faultOf(text, isAcknowledged());
        if (fault === null) await handle(text);
        else refuse(fault);
      });
    },
  };
}

function faultOf(text: string, acknowledged: boolean): MessageFault | null {
  if (isTooDeep(text)) return 'TOO_DEEP';
  const message = parse(text);
  if (message === null) return 'MALFORMED';
  if (!CLIENT_TYPES.has(message.type)) return 'UNEXPECTED_TYPE';
  return message.type === 'subscribe' && !acknowledged ? 'NOT_ACKNOWLEDGED' : null;
}

function parse(text: string): { readonly type: string } | null {
  try {
    return parseMessage(text);
  } catch {
    return null;
  }
}
