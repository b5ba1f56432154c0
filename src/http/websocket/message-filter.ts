/**
 * Rejects invalid WebSocket messages before graphql-ws reads them. graphql-ws treats some of them as server faults: it would close
 * with 4500 and log an error with a stack for each, also before authentication.
 */

import { parseMessage } from 'graphql-ws';
import { isTooDeep } from '../io/json';
import type { GuardedSocket } from './guarded-socket';

/** The part of a socket that graphql-ws uses. */
type FilteredSocket = Pick<GuardedSocket, 'protocol' | 'send' | 'close' | 'onMessage'>;

export type MessageFault = 'MALFORMED' | 'TOO_DEEP' | 'UNEXPECTED_TYPE' | 'NOT_ACKNOWLEDGED';

const CLIENT_TYPES: ReadonlySet<string> = new Set([
  'connection_init',
  'ping',
  'pong',
  'subscribe',
  'complete',
]);

/**
 * @param isAcknowledged - Whether the client is authenticated.
 * @param reject - Closes the connection.
 */
export function filterMessages(
  socket: GuardedSocket,
  isAcknowledged: () => boolean,
  reject: (fault: MessageFault) => void,
): FilteredSocket {
  return {
    protocol: socket.protocol,
    send: (data) => socket.send(data),
    close: (code, reason) => socket.close(code, reason),
    onMessage(handle) {
      socket.onMessage(async (text) => {
        const fault = findFault(text, isAcknowledged());
        if (fault === null) await handle(text);
        else reject(fault);
      });
    },
  };
}

function findFault(text: string, acknowledged: boolean): MessageFault | null {
  if (isTooDeep(text)) return 'TOO_DEEP';
  const message = parseOrNull(text);
  if (message === null) return 'MALFORMED';
  if (!CLIENT_TYPES.has(message.type)) return 'UNEXPECTED_TYPE';
  return message.type === 'subscribe' && !acknowledged ? 'NOT_ACKNOWLEDGED' : null;
}

function parseOrNull(text: string): { readonly type: string } | null {
  try {
    return parseMessage(text);
  } catch {
    return null;
  }
}
