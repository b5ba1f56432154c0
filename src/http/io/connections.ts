/** Open connections, and the responses that are under way on each. */

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

export interface Connections {
  begin(request: IncomingMessage, response: ServerResponse): void;
  /** Responses that are not finished, on all connections. */
  underWay(): readonly ServerResponse[];
  isBusy(socket: Duplex): boolean;
  /**
   * Calls back once every request that has arrived whole is answered: at once if there is none, never if the connection
   * closes before.
   *
   * @param act - Receives the response to the request that has not arrived whole, if there is one.
   */
  whenAnswered(socket: Duplex, act: (unfinished?: ServerResponse) => void): void;
}

export function trackConnections(server: Server): Connections {
  const open = new Map<Duplex, Map<ServerResponse, IncomingMessage>>();

  server.prependListener('connection', (socket) => {
    if (open.has(socket)) return; // handed to the server a second time, after an `Upgrade` that was ignored
    open.set(socket, new Map());
    socket.once('close', () => open.delete(socket));
  });

  function whenAnswered(socket: Duplex, act: (unfinished?: ServerResponse) => void): void {
    if (socket.destroyed) return;
    let unfinished: ServerResponse | undefined;
    for (const [response, request] of open.get(socket) ?? []) {
      if (request.complete) {
        response.once('close', () => whenAnswered(socket, act));
        return;
      }
      unfinished = response;
    }
    act(unfinished);
  }

  return {
    begin(request, response) {
      const responses = open.get(request.socket);
      responses?.set(response, request);
      response.once('close', () => responses?.delete(response));
    },
    underWay: () => [...open.values()].flatMap((responses) => [...responses.keys()]),
    isBusy: (socket) => (open.get(socket)?.size ?? 0) > 0,
    whenAnswered,
  };
}
