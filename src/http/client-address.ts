import { BlockList, isIPv6 } from 'node:net';

/** An address as a proxy may write it into X-Forwarded-For: with a port, or in brackets. */
const WITH_PORT = /^(?:\[([^\]]+)\](?::\d+)?|([\d.]+):\d+)$/;

/** The address without brackets and port; some load balancers add the port, which changes with every connection. */
export function withoutPort(address: string): string {
  const [, bracketed, ipv4] = WITH_PORT.exec(address) ?? [];
  return bracketed ?? ipv4 ?? address;
}

/** Tells for Fastify whether an address is one of these proxies (addresses or CIDRs), in whatever form it is written. */
export function trustOf(networks: string[]): (address: string) => boolean {
  const trusted = new BlockList();
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    const family = familyOf(address);
    if (prefix === undefined) trusted.addAddress(address, family);
    else trusted.addSubnet(address, Number(prefix), family);
  }
  return (address) => {
    const bare = withoutPort(address ?? '');
    return trusted.check(bare, familyOf(bare));
  };
}

const familyOf = (address: string) => (isIPv6(address) ? 'ipv6' : 'ipv4');
