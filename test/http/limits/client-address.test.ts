import type { IncomingMessage } from 'node:http';
import { clientAddress, toNetwork } from '../../../src/http/limits/client-address';

function requestFrom(peer: string, ...forwarded: readonly string[]): IncomingMessage {
  const header = forwarded.length > 0 ? { 'x-forwarded-for': forwarded } : {};
  return { socket: { remoteAddress: peer }, headersDistinct: header } as unknown as IncomingMessage;
}

describe('clientAddress', () => {
  it.each([
    [0, '192.0.2.1', [], '192.0.2.1'],
    [0, '::ffff:192.0.2.1', [], '192.0.2.1'],
    [0, '192.0.2.1', ['198.51.100.1'], '192.0.2.1'],
    [1, '192.0.2.1', [], '192.0.2.1'],
    [1, '192.0.2.1', ['198.51.100.9, 198.51.100.1'], '198.51.100.1'],
    [1, '192.0.2.1', ['198.51.100.9', '198.51.100.1'], '198.51.100.1'],
    [2, '192.0.2.1', ['198.51.100.9, 198.51.100.1'], '198.51.100.9'],
    [1, '192.0.2.1', ['198.51.100.1:4711'], '198.51.100.1'],
    [1, '192.0.2.1', ['[2001:DB8::1]:4711'], '2001:db8::1'],
    [1, '192.0.2.1', ['2001:DB8::1'], '2001:db8::1'],
    [1, '192.0.2.1', ['<script>'], 'unknown'],
  ])('behind %i proxies, from %s with %j, returns %s', (proxies, peer, forwarded, address) => {
    expect(clientAddress(requestFrom(peer, ...forwarded), proxies)).toBe(address);
  });
});

it.each([
  ['192.0.2.1', '192.0.2.1'],
  ['unknown', 'unknown'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
  ['2001:0db8:0001:0002::1', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
])('counts %s as %s', (address, network) => {
  expect(toNetwork(address)).toBe(network);
});
