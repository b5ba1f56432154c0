/** Where nobody on the way can read what is sent. */

/** Whether this is the machine itself; an IPv6 address with brackets, as in URLs, or without. */
export function isLoopback(host: string): boolean {
  return /^(localhost|\[::1\]|::1|127(\.\d{1,3}){3})$/.test(host);
}

/** Whether what is sent there is encrypted, or does not leave the machine. */
export function isConfidential({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}
