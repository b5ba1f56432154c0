/** Several gateways behind one name, as a load balancer shows them. */

import type { GatewayProcess } from './gateway-process';

export interface Fleet {
  readonly gateways: readonly GatewayProcess[];
  /** URL of a listening gateway, round robin. If none listens, waits for the first that does. */
  url(): Promise<string>;
  start(): Promise<void>;
  stop(): Promise<void>;
  kill(): Promise<void>;
}

export function createFleet(gateways: readonly GatewayProcess[]): Fleet {
  let turn = 0;

  function all(act: (gateway: GatewayProcess) => Promise<unknown>): Promise<void> {
    return Promise.all(gateways.map(act)).then(() => {});
  }

  return {
    gateways,
    async url() {
      turn += 1;
      const live = gateways.flatMap(({ listensOn }) =>
        listensOn === undefined ? [] : [listensOn],
      );
      return live[turn % live.length] ?? (await Promise.race(gateways.map((one) => one.url())));
    },
    async start() {
      for (const gateway of gateways) await gateway.start(); // the first one makes the tables
    },
    stop: () => all((gateway) => gateway.stop()),
    kill: () => all((gateway) => gateway.kill()),
  };
}
