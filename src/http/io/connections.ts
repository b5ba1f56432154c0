/** Open connections and the responses in progress on each. */

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

export interface Connections {
  /** Registers a response until it is closed. */
  add(request: IncomingMessage, response: ServerResponse): void;
  /** Unfinished responses on all connections. */
  pendingResponses(): readonly ServerResponse[];
  /** Whether the connection has an unfinished response. */
  isBusy(socket: Duplex): boolean;
  /**
   * Calls `callback` when every completely received request has its response: immediately if none is pending, never if
   * the connection closes first.
   *
   * @param callback - Receives the response to the request that is still being received, if any.
   */
  whenResponded(socket: Duplex, callback: (unfinished?: ServerResponse) => void): void;
}

export function trackConnections(server: Server): Connections {
  const open = new Map<Duplex, Map<ServerResponse, IncomingMessage>>();

  server.prependListener('connection', (socket) => {
    if (open.has(socket)) return; // emitted again after an ignored `Upgrade`
    open.set(socket, new Map());
    socket.once('close', () => open.delete(socket));
  });

  function whenResponded(socket: Duplex, callback: (unfinished?: ServerResponse) => void): void {
    if (socket.destroyed) return;
    let unfinished: ServerResponse | undefined;
    for (const [response, request] of open.get(socket) ?? []) {
      if (request.complete) {
        response.once('close', () => whenResponded(socket, callback));
        return;
      }
      unfinished = response;
    }
    callback(unfinished);
  }

  return {
    add(request, response) {
      const responses = open.get(request.socket);
      responses?.set(response, request);
      response.once('close', () => responses?.delete(response));
    },
    pendingResponses: () => [...open.values()].flatMap((responses) => [...responses.keys()]),
    isBusy: (socket) => (open.get(socket)?.size ?? 0) > 0,
    whenResponded,
  };
}
